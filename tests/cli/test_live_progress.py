"""Progress on the command line: true counts, and what is not known said as unknown."""

from __future__ import annotations

from msgspec.structs import replace

from cachetui.audit.progress import Cell, HostProgress, Snapshot
from cachetui.cli.live_progress import _picture

CELL = Cell(host="ci-1", scenario="buildkit-cold", repeat=1, state="building", seconds=2.0)
SNAPSHOT = Snapshot(
    audit="a",
    build="shop",
    scenarios=("buildkit-cold",),
    repeats=1,
    hosts=(HostProgress(name="ci-1", state="building"),),
    cells=(CELL,),
    elapsed=3.0,
)


def shown(cell: Cell, **more: object) -> str:
    return _picture(replace(SNAPSHOT, cells=(cell,), **more), 80, 24).plain


def test_steps_are_counted_once_their_number_is_known() -> None:
    assert "building  2.0s" in shown(CELL)
    assert "0/0" not in shown(CELL)
    assert "3/15 steps  2.0s  RUN make" in shown(replace(CELL, step=3, steps=15, doing="RUN make"))


def test_runs_at_work_are_not_done_and_the_time_left_is_told_where_it_is_known() -> None:
    assert "0 of 1 run, 3.0s, time left unknown" in shown(replace(CELL, step=7, steps=7))
    assert "0 of 1 run, 3.0s, about 12.0s left" in shown(CELL, remaining=12.0)
    ended = shown(replace(CELL, state="done"), finished=True)
    assert "1 of 1 run, 3.0s" in ended
    assert "left" not in ended
