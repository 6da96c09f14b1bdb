"""References in a registry: names, sizes, troubles, deletion."""

import json
import subprocess

import pytest

from cachetui.builders import registry_refs as refs

DIGEST = "sha256:" + "a" * 64


def test_the_audit_is_in_the_tag() -> None:
    assert refs.ref_of("r/c", "1127-1-x", "inline") == "r/c:1127-1-x-inline"


def test_the_bytes_of_a_cache_are_its_layers_and_configuration() -> None:
    cache = {"config": {"size": 1}, "layers": [{"size": 20}, {"size": 300}]}
    assert refs.manifest_bytes(json.dumps(cache).encode()) == (321, None)


def test_an_index_of_images_names_the_first() -> None:
    kind = "application/vnd.oci.image.manifest.v1+json"
    index = {"manifests": [{"mediaType": kind, "digest": DIGEST, "size": 5}]}
    assert refs.manifest_bytes(json.dumps(index).encode()) == (None, DIGEST)


def test_a_cache_of_an_earlier_buildkit_names_its_layers_in_an_index() -> None:
    layer = {"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "size": 7}
    assert refs.manifest_bytes(json.dumps({"manifests": [layer, layer]}).encode()) == (14, None)


@pytest.mark.parametrize(
    "text",
    [b"", b"ERROR: x", b"[]", b"{}", b'{"layers": 3}', b'{"layers": [{"size": "x"}]}', b"\xff"],
)
def test_what_is_no_manifest_has_no_bytes(text: bytes) -> None:
    assert refs.manifest_bytes(text) == (None, None)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("dial tcp 127.0.0.1:1: connect: connection refused", "cannot be reached"),
        ("failed to authorize: 401 Unauthorized", "requires a login"),
        ("no basic auth credentials", "requires a login"),
        ("http: server gave HTTP response to HTTPS client", "not trusted"),
        ("write: no space left on device", "is full"),
        ("content digest sha256:1: not found", "does not have"),
    ],
)
def test_a_trouble_has_a_reason_and_a_remedy(said: str, reason: str) -> None:
    found = refs.trouble(said, "ci-1", "r:5000/c:1")
    assert found is not None
    assert reason in found[0]
    assert "r:5000" in found[0]
    assert found[1]


def test_what_is_lost_while_it_is_written_may_have_had_no_room() -> None:
    found = refs.trouble("blob upload unknown: not found", "ci-1", "r:5000/c:1", writing=True)
    assert found is not None
    assert "lost what was being written" in found[0]
    assert "room on its disk" in found[1]


def test_what_is_not_known_is_no_trouble() -> None:
    assert refs.trouble("the RUN failed", "ci-1", "r/c:1") is None


def test_nothing_is_deleted_where_the_registry_has_no_name() -> None:
    assert refs.delete_command("team/cache:1") is None


def test_deleting_is_shell_that_parses() -> None:
    command = refs.delete_command("127.0.0.1:5000/c:1")
    assert command is not None
    subprocess.run(["sh", "-n", "-c", command], check=True)
