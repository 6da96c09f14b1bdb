"""How far back a peek is compared: past earlier looks, to the last build as found."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from cachetui.audit.findings_of import case_of
from cachetui.records.document import Document
from cachetui.store.database import Store
from tests.findings.test_after_a_peek import built, peeked

COLD = [peeked("hmr", hours) for hours in (1, 2, 3)]


@pytest.mark.parametrize(
    ("now", "earlier", "read", "compared"),
    [
        pytest.param(
            peeked("hmr", 0),
            [*COLD, built("hmm", 4), built("mmm", 5)],
            ["peek-1", "peek-2", "peek-3", "built-4"],
            "built-4",
            id="looks at a cold cache are passed over",
        ),
        pytest.param(
            peeked("hmr", 0),
            [peeked("hhh", 1), built("hmm", 4)],
            ["peek-1"],
            "peek-1",
            id="a look that found everything tells all",
        ),
        pytest.param(
            peeked("hmr", 0),
            [peeked("hhm", 1), built("hmm", 4), built("mmm", 5)],
            ["peek-1", "built-4"],
            "peek-1",
            id="so does a look at which the step hit",
        ),
        pytest.param(peeked("hmr", 0), COLD, ["peek-1", "peek-2", "peek-3"], None, id="only looks"),
        pytest.param(peeked("hhh", 0), COLD, [], None, id="nothing missed"),
        pytest.param(
            built("hmm", 0),
            [peeked("hhh", 1), built("hmm", 4)],
            ["peek-1", "built-4"],
            "built-4",
            id="a build is compared with builds",
        ),
    ],
)
def test_audits_are_read_until_one_tells(
    tmp_path: Path, now: Document, earlier: list[Document], read: list[str], compared: str | None
) -> None:
    store = Store(tmp_path)
    for document in earlier:
        store.keep_missing(document.runs)
        scenarios = tuple(run.scenario for run in document.runs)
        store.keep_audit(replace(document, scenarios=scenarios))
    case = case_of(now, store)
    assert case is not None
    assert [document.audit for document in case.earlier] == read
    (run,) = now.runs
    befores = [case.before(run, chain.cause.id) for chain in case.chains[run.id]]
    assert [b.document.audit if b else None for b in befores] == ([] if not befores else [compared])
