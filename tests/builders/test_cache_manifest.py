"""What an engine wrote of shared caches is read; what anybody else may have written harms nobody.

`shared_caches` has what 28.5 with the containerd store wrote of the Dockerfile there, asked for as
`cachetui cache` does.
"""

from __future__ import annotations

import base64
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachetui.builders.cache_manifest import (
    MAX_BYTES,
    CacheError,
    Index,
    Manifest,
    folder_manifest,
    read_graph,
    read_image,
    read_manifest,
)
from tests.examples import examples

FOLDER = Path(__file__).parent / "shared_caches"
DIGEST = "sha256:" + "a" * 64


def recorded(name: str) -> bytes:
    return (FOLDER / name).read_bytes()


def cache_of(name: str) -> Manifest:
    found = read_manifest(recorded(name))
    assert isinstance(found, Manifest)
    assert found.cache
    return found


def test_a_registry_cache() -> None:
    cache = cache_of("max.manifest.json")
    graph = read_graph(recorded("max.config.json"))
    assert sorted(graph.layers) == sorted(blob.digest for blob in cache.layers)
    assert len(graph.keys) == 10
    assert sum(bool(key.results) for key in graph.keys) == 6
    assert all(blob.created and blob.diff_id for blob in cache.layers)
    assert sum(blob.bytes for blob in cache.layers) == 2_140_930


def test_a_cache_exported_as_an_index_is_the_same() -> None:
    assert cache_of("index.manifest.json") == cache_of("max.manifest.json")


def test_min_has_fewer_layers() -> None:
    most = {blob.digest for blob in cache_of("max.manifest.json").layers}
    least = {blob.digest for blob in cache_of("min.manifest.json").layers}
    assert least < most


def test_an_image_with_its_cache() -> None:
    index = read_manifest(recorded("image.index.json"))
    assert isinstance(index, Index)
    assert [blob.platform for blob in index.manifests] == ["linux/amd64"]  # no attestation
    image = read_image(recorded("inline.image.json"))
    assert image.platform == "linux/amd64"
    assert image.graph is not None
    assert len(image.diff_ids) == 4
    assert sum(bool(key.results) for key in image.graph.keys) == 3


def test_the_manifest_of_a_folder_is_that_of_its_tag() -> None:
    index = recorded("local.index.json")
    assert folder_manifest(index, "latest") == json.loads(index)["manifests"][0]["digest"]
    with pytest.raises(CacheError, match="no tag other; there are: latest"):
        folder_manifest(index, "other")


def test_an_image_without_a_cache_has_no_graph() -> None:
    assert read_image(b'{"os":"linux","architecture":"arm64","variant":"v8"}').graph is None


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not what BuildKit writes"),
        (b"<html>502 Bad Gateway</html>", "not what BuildKit writes"),
        (b"[]", "not what BuildKit writes"),
        (b"{}", "no configuration"),
        (b'{"manifests":[]}', "its index is empty"),
        (b'{"config":{"digest":"../../etc/passwd"}}', "no SHA-256 digest"),
        (b'{"config":{"digest":"%b","size":-1}}' % DIGEST.encode(), "impossible size"),
        (b'{"config":{"digest":"%b","size":1e99}}' % DIGEST.encode(), "not what BuildKit writes"),
        (b"[" * 100_000, "not what BuildKit writes"),
        (b" " * (MAX_BYTES + 1), "larger than 32 MiB"),
        ('{"config":{"digest":"é'.encode("latin-1"), "not what BuildKit writes"),
    ],
)
def test_what_is_no_manifest_says_so(data: bytes, reason: str) -> None:
    with pytest.raises(CacheError, match=reason):
        read_manifest(data)


@pytest.mark.parametrize("value", [5, "%%%", base64.b64encode(b"{}").decode(), {"a": 1}])
def test_an_inline_cache_that_is_none_says_so(value: object) -> None:
    with pytest.raises(CacheError):
        read_image(json.dumps({"moby.buildkit.cache.v0": value}).encode())


def test_links_and_results_that_lead_nowhere_are_left_out() -> None:
    graph = read_graph(
        json.dumps(
            {
                "layers": [{"blob": DIGEST}],
                "records": [
                    {
                        "inputs": [[{"link": 7}, {"link": -1}, {"link": 0}], None],
                        "layers": [{"layer": 3}, {"layer": -1}, {"layer": 0, "createdAt": "soon"}],
                        "chains": [{"layers": [0, 9]}, {"layers": []}],
                    }
                ],
            }
        ).encode()
    )
    [key] = graph.keys
    assert [[link.record for link in links] for links in key.inputs] == [[0], []]
    assert key.results == (((0,), None),)


_NAMES = (
    *("config", "layers", "manifests", "records", "inputs", "link", "digest", "size", "blob"),
    *("chains", "layer", "createdAt", "annotations", "platform", "moby.buildkit.cache.v0"),
)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just(DIGEST),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_NAMES), inner, max_size=3)
    ),
    max_leaves=10,
)


@examples(0.5)
@given(_JSON | st.binary(max_size=40))
def test_anything_else_is_refused_or_read(value: Any) -> None:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    for read in (read_manifest, read_graph, read_image, lambda each: folder_manifest(each, "t")):
        with suppress(CacheError):
            read(data)
