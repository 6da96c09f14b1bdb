from __future__ import annotations

from itertools import combinations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from cachetui.compare.align import agree, align, by_scenario
from cachetui.compare.shapes import Shapes
from cachetui.records.run import Run
from cachetui.records.step import Step, StepId
from tests import make_records as b
from tests.examples import examples
from tests.findings.making import run

TEXT = "FROM base:1\nRUN a\nRUN b\nCOPY c /\nRUN d\n"
_RUNS = st.tuples(
    st.sampled_from(["hhhh", "hmmm", "hhmm", "mmmm", "hfrr"]),
    st.sampled_from(["legacy-warm", "buildkit-warm", "buildkit-as-found"]),
    st.sampled_from(["ok", "ok", "failed", "unsupported"]),
    st.integers(0, 5),
    st.floats(0.1, 9.0),
)


def made(drawn: list[tuple[str, str, str, int, float]]) -> list[Run]:
    """Runs of ragged hosts: some end early, each takes its own time."""
    runs: list[Run] = []
    for number, (letters, scenario, status, missing, seconds) in enumerate(drawn):
        one = run(
            *(TEXT, letters),
            host=f"ci-{number}", scenario=scenario, status=status, seconds={2: seconds},
        )  # fmt: skip
        runs.append(msgspec.structs.replace(one, steps=one.steps[: len(one.steps) - missing]))
    return runs


def test_times_make_no_other_shape_and_anything_that_is_compared_does() -> None:
    shapes = Shapes()
    first = run(TEXT, "hmmm", seconds={3: 1.0})
    assert shapes.of(run(TEXT, "hmmm", host="ci-2", seconds={3: 7.0})) is shapes.of(first)
    others = (
        run(TEXT, "hhmm"),
        run(TEXT, "hmmm", scenario="legacy-as-found"),
        run(TEXT, "hmmm", status="failed"),
        run(TEXT.replace("RUN b", "RUN x"), "hmmm"),
        run(TEXT, "hmmm", same={(0, 2): (0, 1)}),
        msgspec.structs.replace(first, steps=first.steps[:-1]),
    )
    assert len({shapes.of(one) for one in (first, *others)}) == 1 + len(others)


def differ(one: Run, other: Run, step: StepId) -> bool:
    """What align.py says at its top, of two hosts."""
    cells = [next((s for s in each.steps if s.id == step), None) for each in (one, other)]
    told = [
        "absent" if cell is None and each.status == "ok" else _told(cell)
        for each, cell in zip((one, other), cells, strict=True)
    ]
    return None not in told and told[0] != told[1]


def _told(step: Step | None) -> str | None:
    if step is None or step.keyword == "FROM" or step.status == "not-reached":
        return None
    return step.status


@examples(2)
@given(st.lists(_RUNS, min_size=1, max_size=9))
def test_looking_at_each_shape_once_says_what_looking_at_each_pair_says(
    drawn: list[tuple[str, str, str, int, float]],
) -> None:
    runs = made(drawn)
    rows = align(runs, by_scenario)
    for row in rows:
        assert row.cells == tuple(
            next((step for step in one.steps if step.id == row.id), None) for one in runs
        )
        assert row.differs == any(
            differ(one, other, row.id)
            for one, other in combinations(runs, 2)
            if one.scenario == other.scenario
        )
    for found in agree(b.document(runs)).disagreements:
        sides = {host: side.status for side in found.sides for host in side.hosts}
        assert list(sides) == [host for side in found.sides for host in side.hosts]
        for one in (one for one in runs if found.step is not None and one.host in sides):
            cell = next((step for step in one.steps if step.id == found.step), None)
            assert sides[one.host] == (cell.status if cell is not None else "absent")
