"""Where a shared cache lies, as people write it."""

from __future__ import annotations

import pytest

from cachetui.builders.cache_source import CacheSource, CacheSourceError, cache_source

DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("app:cache", CacheSource("app:cache")),
        ("127.0.0.1:5000/a/b:c", CacheSource("127.0.0.1:5000/a/b:c")),
        (f"r.example/a@{DIGEST}", CacheSource(f"r.example/a@{DIGEST}")),
        ("type=registry,ref=r:5000/a:b", CacheSource("r:5000/a:b")),
        ("ref=r:5000/a,type=registry", CacheSource("r:5000/a")),
        ("/srv/my cache/", CacheSource("/srv/my cache", local=True)),
        ("type=local,src=/srv/c,tag=main", CacheSource("/srv/c", local=True, tag="main")),
        (f"type=local,src=/c,digest={DIGEST}", CacheSource("/c", local=True, digest=DIGEST)),
        ('type=local,"src=/a,b"', CacheSource("/a,b", local=True)),
    ],
)
def test_what_names_a_cache(text: str, source: CacheSource) -> None:
    assert cache_source(text) == source


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "neither the reference"),
        ("-x", "neither the reference"),
        ("a b", "neither the reference"),
        ("a;reboot", "neither the reference"),
        ("a" * 2000, "neither the reference"),
        ("./cache", "absolute path"),
        ("~/cache", "absolute path"),
        ("type=local,src=cache", "absolute path"),
        ("type=local", "lacks src="),
        ("type=registry", "lacks ref="),
        ("type=registry,ref=--help", "neither the reference"),
        ("type=gha", "cannot be read on a host"),
        ("type=local,src=/c,digest=sha256:../..", "is not sha256: and 64"),
        ("/a\0b", "absolute path"),
    ],
)
def test_what_names_none_says_so(text: str, reason: str) -> None:
    with pytest.raises(CacheSourceError, match=reason):
        cache_source(text)


@pytest.mark.parametrize(
    ("name", "repository"),
    [
        ("app", "app"),
        ("app:1", "app"),
        ("r:5000/app", "r:5000/app"),
        ("r:5000/a/b:1", "r:5000/a/b"),
        (f"r:5000/a:1@{DIGEST}", "r:5000/a"),
    ],
)
def test_a_blob_of_the_same_repository(name: str, repository: str) -> None:
    assert CacheSource(name).blob(DIGEST) == f"{repository}@{DIGEST}"
