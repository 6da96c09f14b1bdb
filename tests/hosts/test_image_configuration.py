"""What a host tells of a base image's configuration."""

from __future__ import annotations

import json

import msgspec

from cachetui.hosts.image_configuration import base_of_line
from cachetui.records.digest import ValueHasher
from cachetui.records.image_settings import ImageSettings

HASHER = ValueHasher(b"the secret of these hosts")
LAYERS = ["sha256:a", "sha256:b"]


def line(**told: object) -> str:
    return f"{json.dumps(LAYERS)}|{json.dumps(told)}"


def test_values_are_kept_as_digests_in_the_images_order() -> None:
    env = ["TOKEN=s3cr|et=x", "PATH=/bin", "EMPTY="]
    told = line(triggers=["RUN a | b"], env=env, folder="/srv", user="app", shell=["sh", "-c"])
    found = base_of_line(told, HASHER)
    assert found.layers == tuple(LAYERS)
    assert found.triggers == ("RUN a | b",)
    values = {"TOKEN": "s3cr|et=x", "PATH": "/bin", "EMPTY": ""}
    assert found.settings == ImageSettings(
        env={name: HASHER.digest(value) for name, value in values.items()},
        folder="/srv", user="app", shell=("sh", "-c"),
    )  # fmt: skip
    assert list(found.settings.env) == ["TOKEN", "PATH", "EMPTY"]
    assert b"s3cr" not in msgspec.json.encode(found.settings)


def test_an_image_that_sets_nothing() -> None:
    found = base_of_line(line(triggers=None, env=None, folder="", user="", shell=None), HASHER)
    assert (found.triggers, found.settings) == ((), ImageSettings())


def test_what_is_not_told_is_not_known() -> None:
    alone = base_of_line('["sha256:a"]|["RUN a"]', HASHER)
    assert (alone.triggers, alone.settings) == (("RUN a",), None)
    assert base_of_line('["sha256:a"]|', HASHER).triggers == ()
    for text in ("null", "", '["sha256:a"]'):
        found = base_of_line(text, HASHER)
        assert (found.triggers, found.settings) == (None, None)
