"""Named contexts that are images and URLs."""

from __future__ import annotations

from typing import Any

import pytest

from cachetui.findings import Findings
from cachetui.findings.case import dockerfile_of
from cachetui.findings.explain_audit import explain_audit
from cachetui.records.host import HostReport
from tests.findings.making import HASHER, audit, before, host, ids, only, run

FROM = "FROM img\nCOPY src /src\nRUN make\n"
COPY = "FROM base:1\nCOPY src /src\nCOPY --from=img /a /a\n"
MOUNT = "FROM base:1\nCOPY src /src\nRUN --mount=from=img,target=/m make\n"
IMG, OTHER = (
    ("--build-context", "img=docker-image://lib:1"),
    ("--build-context=img=docker-image://lib:2",),
)
URL = ("--build-context", "img=https://example.com/x.tar.gz")
EVICTED = "evicted-or-never-built"


def images(**layers: str) -> HostReport:
    known = {"base:1": ("sha256:base",), "lib:1": ("sha256:one",), "lib:2": ("sha256:two",)}
    return host(
        bases={**known, **{name.replace("_", ":"): (text,) for name, text in layers.items()}}
    )


def found(
    text: str,
    now: tuple[str, ...],
    then: tuple[str, ...] = IMG,
    *,
    hosts: tuple[HostReport, HostReport] | None = None,
    letters: str = "hm",
    **more: Any,
) -> Findings:
    host_now, host_then = hosts or (images(), images())
    document = audit(text, [run(text, letters)], hosts=[host_now], docker_args=now, **more)
    earlier = before(text, "mm", hosts=[host_then], docker_args=then)
    file = dockerfile_of(document.build)
    assert file is not None
    return explain_audit(document, dockerfile=file, earlier=(earlier,), hasher=HASHER)


@pytest.mark.parametrize("text", [FROM, COPY, MOUNT])
def test_an_image_context_is_the_image_that_it_names(text: str) -> None:
    assert ids(found(text, IMG)) == [EVICTED], "nothing changed"
    letters = "mm" if text == FROM else "hm"
    moved = found(text, IMG, hosts=(images(lib_1="sha256:new"), images()), letters=letters)
    expected = [] if text == MOUNT else ["base-drift"]
    assert ids(moved) == expected
    assert all("lib:1" in one.title for one in moved.findings)


@pytest.mark.parametrize("text", [FROM, COPY, MOUNT])
def test_another_image_under_the_name_is_a_change_of_the_build(text: str) -> None:
    said = found(text, OTHER, letters="mm" if text == FROM else "hm")
    assert ids(said) == ["build-changed"]
    words = only(said, "build-changed").evidence[0].text
    assert "lib:2" in words
    assert "lib:1" in words


@pytest.mark.parametrize("text", [FROM, COPY, MOUNT])
def test_what_a_url_answers_is_not_known(text: str) -> None:
    assert ids(found(text, URL, URL)) == []


@pytest.mark.parametrize("text", [COPY, MOUNT])
@pytest.mark.parametrize("now", [OTHER, URL], ids=["image that no host has", "URL"])
def test_another_name_of_what_is_not_known_is_likely(text: str, now: tuple[str, ...]) -> None:
    none = host(bases={"base:1": ("sha256:base",), "lib:1": None, "lib:2": None})
    said = found(text, now, hosts=(none, none))
    assert ids(said) == ["build-changed"]
    assert only(said, "build-changed").confidence == "likely"
    assert "lib:1" in only(said, "build-changed").evidence[0].text
    assert ids(found(text, IMG, hosts=(none, none))) == [], "the same name, and an image unknown"


def test_only_what_reads_it_rests_on_it() -> None:
    text = "FROM base:1\nCOPY src /src\nRUN make\n"
    assert ids(found(text, URL, URL)) == [EVICTED]


@pytest.mark.parametrize("written", ["lib", "lib:latest", "docker.io/library/lib", "library/lib"])
@pytest.mark.parametrize("name", ["lib", "docker.io/library/lib:latest"])
def test_a_context_takes_the_place_of_an_image_however_it_is_written(
    written: str, name: str
) -> None:
    for text in (FROM, COPY, MOUNT):
        file = text.replace("img", written)
        args = ("--build-context", f"{name}=https://example.com/x.tar.gz")
        assert ids(found(file, args, args)) == [], file
        other = ("--build-context", "lib2=https://example.com/x.tar.gz")
        assert ids(found(file, other, other, hosts=(host(bases=LIB), host(bases=LIB)))) == [EVICTED]


LIB = {
    "base:1": ("sha256:base",),
    **dict.fromkeys(("lib", "lib:latest", "docker.io/library/lib", "library/lib"), ("sha256:l",)),
}
