"""A line that is only written in another way is no change; one with another key is."""

from __future__ import annotations

import pytest

from cachetui.dockerfile.parse import parse
from cachetui.records.backend import Backend
from tests.findings.making import BUILT, audit, before, ids, run, why
from tests.findings.writings import WRITINGS

CHANGED = {"build-changed", "legacy-metadata-invalidates"}


@pytest.mark.parametrize("backend", ["legacy", "buildkit"])
@pytest.mark.parametrize("pair", WRITINGS)
def test_only_another_key_is_a_change(pair: str, backend: Backend) -> None:
    then, now, *equal = WRITINGS[pair]
    same = equal[backend == "buildkit"]
    if backend == "legacy" and same is None:
        return
    texts = [
        f"FROM base:1 AS zero\nRUN true\nFROM base:1\nWORKDIR /w/@\n{one}\nRUN echo @ below\n"
        for one in (then, now)
    ]
    stages = [parse(text).stages[1].instructions[1:] for text in texts]
    own, other = (
        [item for item in items if backend == "legacy" or item.keyword in BUILT]
        for items in (stages[1], stages[0])
    )
    equal_lines = 0
    while (
        equal_lines < min(len(own), len(other)) - 1
        and own[equal_lines].text == other[equal_lines].text
    ):
        equal_lines += 1
    letters = "h" + "h" * equal_lines + "m" * (len(own) - equal_lines)
    scenario = f"{backend}-as-found"
    said = why(
        audit(texts[1], [run(texts[1], letters, scenario=scenario)]),
        before(texts[0], "h" * (1 + len(other)), scenario=scenario),
    )
    assert bool(CHANGED & set(ids(said))) == (same is False)
    assert ("evicted-or-never-built" in ids(said)) <= (same is True)
