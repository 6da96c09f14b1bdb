"""What is made of an experiment with shared caches: the kind to use, and what runs again."""

from __future__ import annotations

import msgspec
import pytest

from cachetui.records.document import Document
from cachetui.records.share import Kept, Share, ShareImport
from cachetui.report.share_verdict import verdict
from tests.share.recorded import recorded_share

KINDS = ("local-max", "registry-min")


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> Document:
    return recorded_share(tmp_path_factory.mktemp("recorded") / "s")[1]


def share_of(document: Document) -> Share:
    assert document.share is not None
    return document.share


def with_all(one: ShareImport, kept: Kept) -> ShareImport:
    """The import, with all steps as `kept`."""
    steps = [msgspec.structs.replace(step, kept=kept) for step in one.steps]
    return msgspec.structs.replace(one, steps=tuple(steps))


def told(document: Document, *imports: ShareImport) -> list[str]:
    share = msgspec.structs.replace(share_of(document), imports=imports)
    return verdict(document, share, KINDS)


def test_the_kind_to_use_comes_first_then_what_it_saves(document: Document) -> None:
    head, saved, *rest = verdict(document, share_of(document), KINDS)
    assert head == "use local-max: it keeps all RUN steps on mid,new"
    assert saved.startswith("with local-max a fresh machine builds in ")
    assert saved.endswith(", on mid,new")
    assert rest[0] == "local-max, on mid,new: no RUN runs again"
    assert rest[1].startswith("registry-min, on mid,new: RUN in line ")


def test_kinds_that_keep_the_same_are_named_together(document: Document) -> None:
    imports = [with_all(one, "kept") for one in share_of(document).imports]
    head, saved, rest = told(document, *imports)
    assert head == "use local-max or registry-min: each keeps all RUN steps on mid,new"
    assert saved.startswith("with local-max ")
    assert rest == "local-max and registry-min, on mid,new: no RUN runs again"


def test_the_least_of_two_evils(document: Document) -> None:
    imports = share_of(document).imports
    some = [one for one in imports if one.kind == "registry-min"]
    none = [with_all(one, "not-kept") for one in imports if one.kind == "local-max"]
    head, *_ = told(document, *some, *none)
    assert head == "use registry-min: it keeps most, and no kind keeps all RUN steps"


def test_hosts_on_which_nothing_is_kept_are_told_once(document: Document) -> None:
    imports = [
        with_all(one, "not-kept") if one.host == "mid" else one
        for one in share_of(document).imports
    ]
    head, _, bad, *rest = told(document, *imports)
    assert head == "use local-max: it keeps all RUN steps on new"
    assert bad == "on mid no kind keeps a RUN step: all of them run again"
    assert not any("mid" in line for line in rest)


def test_where_nothing_is_kept_or_seen(document: Document) -> None:
    imports = share_of(document).imports
    head, again = told(document, *(with_all(one, "not-kept") for one in imports))
    assert head == "no kind keeps a RUN step on any host"
    assert again.startswith("local-max and registry-min, on mid,new: RUN in line ")
    failed = [msgspec.structs.replace(one, status="failed", steps=()) for one in imports]
    assert told(document, *failed) == ["nothing could be imported"]
    assert told(document) == ["nothing was imported"]
    unseen = [with_all(one, "unknown") for one in imports]
    assert told(document, *unseen) == ["no RUN step that a cache could keep was seen"]


def stopped_on(document: Document, *names: str) -> Document:
    hosts = [
        msgspec.structs.replace(host, status="skipped", reason="stopped")
        if host.name in names
        else host
        for host in document.hosts
    ]
    return msgspec.structs.replace(document, hosts=tuple(hosts))


def test_one_that_was_stopped_says_so(document: Document) -> None:
    stopped = stopped_on(document, "new")
    assert told(stopped) == ["stopped before anything was imported"]
    imports = [one for one in share_of(document).imports if one.host == "mid"]
    head, end, *_ = told(stopped, *imports)
    assert head == "use local-max: it keeps all RUN steps on mid"
    assert end == "stopped before the end on new"
