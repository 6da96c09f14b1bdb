"""Patterns of paths that are not minded."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachetui.outputs.globs import GlobError, Ignore


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        ("*.pyc", "a.pyc usr/lib/x.pyc .pyc", "a.py a.pyc2"),
        ("__pycache__", "__pycache__ a/__pycache__ a/__pycache__/b.pyc", "a__pycache__"),
        ("__pycache__/", "a/__pycache__/b.pyc", "b"),
        ("/var/log", "var/log var/log/a var/log/b/c", "a/var/log var/logs"),
        ("/var/log/**", "var/log/a var/log/b/c", "var var/log"),
        ("var/cache/*", "var/cache/a var/cache/a/b", "var/cache x/var/cache/a"),
        ("usr/**/*.so", "usr/a.so usr/lib/a.so usr/lib/x/y.so", "usr/a.sox lib/a.so"),
        ("**/node_modules", "node_modules a/node_modules/b", "a/node_module"),
        ("**", "a a/b", ""),
        ("/etc/?ost[a-z]*", "etc/hosts etc/hostname", "etc/host etc/hostS1 etc/x/hosts"),
        ("/etc/[!h]*", "etc/a", "etc/hosts"),
        ("/etc/[^h]*", "etc/a", "etc/hosts"),
        ("a[]b]", "a] ab", "ac"),
        ("a[b", "a[b", "ab"),
        (r"\*", "* x/*", "a"),
        ("a b.txt", "a b.txt", "ab.txt"),
        ("/x.(y)+", "x.(y)+", "x.yy"),
    ],
)
def test_patterns(pattern: str, yes: str, no: str) -> None:
    ignore = Ignore([pattern])
    paths = [yes] if " " in pattern else yes.split()
    assert [path for path in paths if ignore.match(path) is None] == []
    assert [path for path in no.split() if ignore.match(path) is not None] == []


def test_the_first_that_matches_is_named_and_none_matches_nothing() -> None:
    ignore = Ignore(["/a/**", "*.log", "*.log"])
    assert ignore.patterns == ("/a/**", "*.log")
    assert [ignore.match(path) for path in ("a/x.log", "x.log", "x")] == ["/a/**", "*.log", None]
    assert Ignore([]).match("a") is None


@pytest.mark.parametrize("pattern", ["", "/", "  ", "//", "[b-a]x"])
def test_what_is_no_pattern(pattern: str) -> None:
    with pytest.raises(GlobError, match="not a pattern"):
        Ignore([pattern])


@given(st.text("ab*?[]!^\\/.-&|~", max_size=12), st.text("ab/.", max_size=12))
def test_no_pattern_crashes(pattern: str, path: str) -> None:
    try:
        Ignore([pattern, "x"]).match(path)
    except GlobError:
        return


@given(st.text("abc.", min_size=1, max_size=6), st.text("abc./", max_size=8))
def test_a_plain_name_is_that_name_anywhere(name: str, before: str) -> None:
    path = f"{before}/{name}".lstrip("/")
    assert Ignore([name]).match(path) == name
    assert Ignore([f"/{name}"]).match(name) == f"/{name}"
    assert re.fullmatch(r"[abc./]*", path)
