"""Progress on the command line: true counts, and what is not known said as unknown."""

from __future__ import annotations

import re

import pytest
from msgspec.structs import replace

from cachetui.audit.progress import Cell, HostProgress, Snapshot
from cachetui.cli.live_progress import _LinePrinter, _picture

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


def test_plain_lines_count_what_could_not_be_reached(
    capsys: pytest.CaptureFixture[str],
) -> None:
    away = replace(CELL, host="ci-2", state="unreachable")
    done, skipped = replace(CELL, state="done"), replace(CELL, host="ci-1", state="skipped")
    hosts = (SNAPSHOT.hosts[0], HostProgress(name="ci-2", state="unreachable"))
    printer = _LinePrinter(clock=lambda: 0.0)
    printer.print_changes(replace(SNAPSHOT, cells=(done, away), hosts=hosts))
    assert "(2 of 2)" in capsys.readouterr().err
    assert "1 of 1 run" in shown(done)
    assert "0 of 0 runs" in shown(skipped)


def test_plain_lines_have_the_time_which_run_of_how_many_ended_and_the_time_left(
    capsys: pytest.CaptureFixture[str],
) -> None:
    cells = tuple(replace(CELL, host=name) for name in ("ci-1", "ci-2", "ci-3"))
    hosts = tuple(HostProgress(name=cell.host, state="building") for cell in cells)
    printer = _LinePrinter(clock=lambda: 0.0)
    begun = replace(SNAPSHOT, cells=cells, hosts=hosts)
    printer.print_changes(begun)
    first = (replace(cells[0], state="done", hits=2, misses=1), *cells[1:])
    printer.print_changes(replace(begun, cells=first, remaining=65.0))
    printer.print_changes(replace(begun, cells=first, remaining=60.0))
    rest = (first[0], *(replace(cell, state="failed", reason="no") for cell in cells[1:]))
    printer.print_changes(replace(begun, cells=rest[:2] + first[2:]))
    printer.print_changes(replace(begun, cells=rest, finished=True))
    lines = capsys.readouterr().err.splitlines()
    assert all(re.match(r"\d\d:\d\d:\d\d ci-\d buildkit-cold: ", line) for line in lines)
    assert [line.partition("(")[2] for line in lines] == [
        *["", "", ""],
        "1 of 3, about 1m05s left)",
        "2 of 3, time left unknown)",
        "3 of 3)",
    ]
