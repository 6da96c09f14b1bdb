"""A reference that held a step's result in an earlier audit, and holds another build's since."""

from __future__ import annotations

import msgspec
import pytest

from cachetui.findings import Findings
from cachetui.records.document import Document
from cachetui.records.host import HostReport
from cachetui.records.share import CacheTransfer
from cachetui.records.shared_cache import CachedStep, Held, SharedCache
from cachetui.records.step import Origin
from tests import make_records as b
from tests.findings.making import audit, before, entries, host, ids, only, run, why

TEXT = "FROM base:1\nCOPY src /src\nRUN make\n"
NAME = "reg:5000/app:cache"
RULE = "cache-overwritten"
IMPORTED = "buildkit-imported"
FILES = {"sha256:context": entries(src="x")}


def cache(digest: str, held: Held = "kept", layer: str = "1", name: str = NAME) -> SharedCache:
    """With this of both steps, each with a layer of its own."""
    steps = tuple(
        CachedStep(
            stage=None,
            stage_index=0,
            index=index,
            line=index + 1,
            instruction=text,
            held=held,
            layers=(f"sha256:{layer}{index}",) if held == "kept" else (),
        )
        for index, text in ((1, "COPY src /src"), (2, "RUN make"))
    )
    return SharedCache(
        name=name, host="ci-1", kind="registry", digest=f"sha256:{digest}", steps=steps
    )


def then(
    one: SharedCache, *, origin: Origin = "imported", name: str = "ci-1", text: str = TEXT,
    engine: str = "28.5.2",
) -> Document:  # fmt: skip
    """An hour ago all hit with that cache on a host."""
    made = before(text, "hh", scenario=IMPORTED, names=(name,), hosts=[_host(name, engine)])
    steps = tuple(msgspec.structs.replace(step, origin=origin) for step in made.runs[0].steps)
    return msgspec.structs.replace(
        made, runs=(msgspec.structs.replace(made.runs[0], steps=steps, imports=(one,)),)
    )


def _host(name: str, engine: str = "28.5.2") -> HostReport:
    return host(name, facts_engine=engine)


def now(
    one: SharedCache, letters: str = "mm", name: str = "ci-2", engine: str = "28.5.2"
) -> Document:
    transfer = CacheTransfer(direction="import", name=NAME, ended=True)
    made = run(
        TEXT, letters, host=name, scenario=IMPORTED, transfers=(transfer,), imports=(one,), at=b.NOW
    )
    return audit(TEXT, [made], hosts=[_host(name, engine)])


def found(document: Document, *earlier: Document) -> Findings:
    return why(document, *earlier, manifests=FILES)


@pytest.mark.parametrize(
    ("held", "says"),
    [("kept", "another result"), ("not-kept", "without a result"), ("absent", "no such step")],
)
def test_another_export_lies_there_since(held: Held, says: str) -> None:
    answer = found(now(cache("b", held, "9")), then(cache("a")))
    finding = only(answer, RULE)
    assert "import-missed" not in ids(answer)
    assert finding.confidence == "proved"
    assert finding.hosts == ("ci-2",)
    assert f"line 2 misses on ci-2: {NAME} was overwritten after 2025-10-09" in finding.title
    assert "hit with it on ci-1" in finding.evidence[0].text
    assert says in finding.evidence[1].text
    assert "ref=reg:5000/app:BRANCH,mode=max" in finding.advice
    assert "ref=reg:5000/app:main" in finding.advice


def test_a_folder() -> None:
    name = "/srv/cache"
    documents = (now(cache("b", "absent", name=name)), then(cache("a", name=name)))
    assert f"dest={name}/BRANCH" in only(found(*documents), RULE).advice


@pytest.mark.parametrize(
    "earlier",
    [
        then(cache("b")),  # the same manifest
        then(cache("a", name="reg:5000/app:other")),
        then(cache("a", "not-kept")),  # it had no result then
        then(cache("a"), origin="here"),  # what hit then was the host's own
        then(cache("a"), text=TEXT.replace("make", "make all").replace("src /src", "src /s")),
        then(cache("a"), engine="20.10.24"),  # which makes other keys
    ],
)
def test_where_nothing_shows_it(earlier: Document) -> None:
    assert RULE not in ids(found(now(cache("b", "absent")), earlier))


def test_the_same_result_is_no_other_one() -> None:
    assert RULE not in ids(found(now(cache("b", "kept", "1")), then(cache("a", "kept", "1"))))


def test_files_that_changed_are_the_cause() -> None:
    earlier = then(cache("a"))
    build = msgspec.structs.replace(earlier.build, context_digest="sha256:other")
    manifests = {**FILES, "sha256:other": entries(src="y")}
    changed = msgspec.structs.replace(earlier, build=build)
    assert RULE not in ids(why(now(cache("b", "absent")), changed, manifests=manifests))


def test_it_is_likely_where_an_input_is_not_known() -> None:
    unknown = why(now(cache("b", "absent")), _other_context(then(cache("a"))))
    assert only(unknown, RULE).confidence == "likely"
    assert "import-missed" not in ids(unknown)


def _other_context(document: Document) -> Document:
    build = msgspec.structs.replace(document.build, context_digest="sha256:other")
    return msgspec.structs.replace(document, build=build)


def test_the_base_is_an_input() -> None:
    moved = now(cache("b", "absent"))
    moved = msgspec.structs.replace(
        moved, hosts=(host("ci-2", {"base:1": ("sha256:new",)}, facts_engine="28.5.2"),)
    )
    assert RULE not in ids(found(moved, then(cache("a"))))
