"""What the docker client adds to a build by itself, read where it would read it."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from cachetui.hosts.client_settings import parse_settings, settings_command
from cachetui.records.digest import ValueHasher
from cachetui.records.host import ClientSettings

HASHER = ValueHasher.for_once()

CONFIG = {
    "auths": {"r.invalid": {"auth": 'c2VjcmV0"}{'}},
    "proxies": {
        "default": {"httpProxy": 'http://u:{p"}@proxy:3128', "noProxy": "", "allProxy": "a"},
        "tcp://far:2375": {"httpsProxy": "other"},
    },
    "currentContext": "default",
}


def asked(
    home: Path, env: dict[str, str] | None = None, docker: tuple[str, ...] = ("docker",)
) -> str:
    done = subprocess.run(
        ["sh", "-c", settings_command(docker, {})],
        env={"PATH": os.environ["PATH"], "HOME": str(home), **(env or {})},
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    )
    return done.stdout


def test_proxies_become_build_arguments_of_both_spellings_and_nothing_else_leaves(
    tmp_path: Path,
) -> None:
    folder = tmp_path / ".docker"
    folder.mkdir()
    for text in (json.dumps(CONFIG), json.dumps(CONFIG, indent=2)):
        (folder / "config.json").write_text(text)
        said = asked(tmp_path)
        assert "c2VjcmV0" not in said
        assert parse_settings(said, HASHER) == ClientSettings(
            proxies={
                "HTTP_PROXY": HASHER.digest('http://u:{p"}@proxy:3128'),
                "http_proxy": HASHER.digest('http://u:{p"}@proxy:3128'),
                "ALL_PROXY": HASHER.digest("a"),
                "all_proxy": HASHER.digest("a"),
            }
        )
    far = parse_settings(asked(tmp_path, {"DOCKER_HOST": "tcp://far:2375"}), HASHER)
    assert far is not None
    assert set(far.proxies) == {"HTTPS_PROXY", "https_proxy"}, "that daemon's, not the default's"


def test_the_configuration_is_the_clients_own(tmp_path: Path) -> None:
    for name in ("a", "b c"):
        (tmp_path / name).mkdir()
        own = {"proxies": {"default": {"httpProxy": name}}}
        (tmp_path / name / "config.json").write_text(json.dumps(own))
    told = asked(tmp_path, {"DOCKER_CONFIG": str(tmp_path / "a")})
    assert parse_settings(told, HASHER) == ClientSettings(
        proxies={"HTTP_PROXY": HASHER.digest("a"), "http_proxy": HASHER.digest("a")}
    )
    other = asked(tmp_path, docker=("docker", "--config", str(tmp_path / "b c")))
    found = parse_settings(other, HASHER)
    assert found is not None
    assert found.proxies["HTTP_PROXY"] == HASHER.digest("b c")
    assert parse_settings(asked(tmp_path), HASHER) == ClientSettings(), (
        "no configuration, no proxies"
    )


def test_variables_that_change_a_build_are_told_as_digests(tmp_path: Path) -> None:
    env = {
        "SOURCE_DATE_EPOCH": "1",
        "EXPERIMENTAL_BUILDKIT_SOURCE_POLICY": "/p.json",
        "BUILDX_BUILDER": "far",
        "HTTP_PROXY": "in no key",
    }
    found = parse_settings(asked(tmp_path, env), HASHER)
    assert found is not None
    assert found.environment == {
        name: HASHER.digest(value) for name, value in env.items() if name != "HTTP_PROXY"
    }


@pytest.mark.parametrize("text", ["", "host=\n", "host=\nproxies=unread\n", "host=\nproxies=[]\n"])
def test_what_was_not_told_is_not_known(text: str) -> None:
    assert parse_settings(text, HASHER) is None
