"""Widgets and their pure parts, without an app where that will do."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.app import App, ComposeResult

from cachetui.compare.logdiff import Hunk, diff
from cachetui.records.step import StepId
from cachetui.store.log_text import LogText
from cachetui.store.log_writer import LogWriter
from cachetui.store.run_log import RunLog
from cachetui.tui.view import charts, signs
from cachetui.tui.view.column import MORE_SIGN_WIDTH, Column
from cachetui.tui.view.place_names import labels
from cachetui.tui.view.text import clean_line, cut, cut_middle, fit, line, plain, width_of
from cachetui.tui.view.timeline_lines import axis
from cachetui.tui.widgets.column_layout import lay_out
from cachetui.tui.widgets.diff_view import blocks
from cachetui.tui.widgets.log_view import LogView
from tests.examples import examples

STEPS = [StepId(0, n) for n in range(3)]


@given(st.text(max_size=80), st.integers(0, 60))
def test_a_line_fits_any_width_exactly(text: str, width: int) -> None:
    spans = fit(line(text, ("b", "bad")), width)
    assert width_of(spans) == width
    shown = clean_line(text) + "b"
    if cell_len(shown) > width > 0:
        assert "…" in plain(spans)


@given(st.text(max_size=80), st.integers(1, 60))
def test_cut_text_is_marked(text: str, width: int) -> None:
    for cutter in (cut, cut_middle):
        shown = cutter(text, width)
        assert cell_len(shown) <= width
        assert shown == clean_line(text) or "…" in shown


@given(
    st.lists(st.tuples(st.integers(1, 30), st.integers(0, 3)), min_size=1, max_size=8),
    st.integers(1, 200),
    st.integers(0, 8),
)
def test_columns_never_take_more_than_there_is(
    sizes: list[tuple[int, int]], room: int, first: int
) -> None:
    columns = [Column(n, ("x",), width, grow) for n, (width, grow) in enumerate(sizes)]
    places = lay_out(columns, room, 1, min(first, len(columns)))
    taken = sum(width for _, width in places) + len(places) - 1
    hidden = places[-1][0] < len(columns) - 1
    assert taken <= max(room, 1) or len(places) == 1
    if hidden and len(places) > 1:
        assert taken <= room - MORE_SIGN_WIDTH


@given(st.floats(0, 100), st.floats(0, 100), st.integers(1, 80))
def test_a_bar_stays_on_its_axis_and_is_always_seen(start: float, took: float, width: int) -> None:
    left, text = charts.bar_on_axis(start, start + took, 200.0, width)
    assert 0 <= left < width
    assert 1 <= len(text) <= width - left


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0, "0:00"), (59.9, "0:59"), (61, "1:01"), (3661, "1:01:01"), (None, "–")],
)
def test_the_clock(seconds: float | None, shown: str) -> None:
    assert signs.clock(seconds).startswith(shown)


def test_an_axis_has_round_figures_that_do_not_touch() -> None:
    assert axis(28.7, 60).split() == ["│0s", "│5s", "│10s", "│15s", "│20s", "│25s"]
    assert axis(0.7, 60).split() == ["│0.0s", "│0.2s", "│0.4s", "│0.6s"]
    assert axis(1.0, 5) == ""
    assert axis(7300.0, 60).split()[0] == "│0s"


def test_sparklines_start_at_nothing() -> None:
    assert charts.sparkline([1, 2, 4, 8], 10) == "▁▂▄█"
    assert charts.sparkline([0, 0], 10) == "▁▁"
    assert charts.sparkline([0.5, 1.0], 10, 1.0) == "▄█"
    assert len(charts.sparkline(list(range(100)), 10)) == 10


@given(
    st.lists(st.sampled_from("abc"), max_size=40),
    st.lists(st.sampled_from("abc"), max_size=40),
)
def test_blocks_cover_the_diff(first: list[str], second: list[str]) -> None:
    found = blocks(diff(first, second).hunks)
    for side, length in (("a", len(first)), ("b", len(second))):
        at = 0
        for block in found:
            start, end = getattr(block, side)
            assert start == at
            at = end
        assert at == length


def test_long_stretches_that_are_alike_are_folded() -> None:
    hunks = (Hunk("same", (0, 50), (0, 50)), Hunk("added", (50, 50), (50, 51)))
    assert [block.kind for block in blocks(hunks)] == ["fold", "same", "added"]
    assert [block.rows for block in blocks(hunks)] == [1, 3, 1]


def log_of(path: Path, pieces: list[tuple[StepId | None, bytes]]) -> RunLog:
    writer = LogWriter(path)
    for step, data in pieces:
        writer.write(step, data)
    writer.close()
    return RunLog.open(path.open("rb"))


def naive(text: LogText, words: str, start: int = 0) -> list[int]:
    """Which lines hold the words, by reading them all."""
    lines = text.read(0, text.lines)
    return [
        n
        for n, entry in enumerate(lines)
        if n >= start and words.encode().lower() in entry.data.lower()
    ]


def test_a_search_finds_each_line_once_across_blocks(tmp_path: Path) -> None:
    pieces: list[tuple[StepId | None, bytes]] = [
        (STEPS[n % 3], b"%d needle Needle %s\n" % (n, b"x" * (n % 977))) for n in range(2000)
    ]
    with log_of(tmp_path / "log", pieces) as log:
        for text in (log.whole(), log.step(STEPS[1])):
            assert list(text.search("needle")) == list(range(text.lines))
            assert list(text.search("needle", start=700)) == list(range(700, text.lines))
            assert list(text.search("NEEDLE", ignore_case=False)) == []
            assert list(text.search("")) == []
            assert list(text.search("1999 needle")) == naive(text, "1999 needle")


@examples(0.3)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 2),
            st.sampled_from(
                [b"ab\n", b"a", b"b\n", b"\n", b"ba" * 70_000, b"a\nb\nab", b"A" * 140_000 + b"B\n"]
            ),
        ),
        max_size=14,
    )
)
def test_a_search_finds_what_reading_finds(
    tmp_path_factory: pytest.TempPathFactory, chosen: list[tuple[int, bytes]]
) -> None:
    path = tmp_path_factory.mktemp("log") / "log"
    pieces: list[tuple[StepId | None, bytes]] = [(STEPS[n], data) for n, data in chosen]
    with log_of(path, pieces) as log:
        for text in (log.whole(), log.step(STEPS[0])):
            assert list(text.search("ab")) == naive(text, "ab")


def test_a_line_beyond_the_cap_is_searched_whole(tmp_path: Path) -> None:
    huge = b"x" * (3 * 1024 * 1024) + b"needle" + b"y" * 1000 + b"\n"
    with log_of(tmp_path / "log", [(None, b"first\n"), (None, huge), (None, b"needle\n")]) as log:
        assert list(log.whole().search("needle")) == [1, 2]


class LogApp(App[None]):
    """A log view alone."""

    def __init__(self, text: LogText) -> None:
        super().__init__()
        self.text = text

    def compose(self) -> ComposeResult:
        yield LogView()

    def on_mount(self) -> None:
        self.query_one(LogView).show(self.text)
        self.query_one(LogView).focus()


def test_a_log_view_reads_what_is_in_view_and_no_more(tmp_path: Path) -> None:
    pieces: list[tuple[StepId | None, bytes]] = [
        (None, b"line %d of many\n" % n) for n in range(300_000)
    ]

    async def main(log: RunLog) -> None:
        text = log.whole()
        app = LogApp(text)
        async with app.run_test(size=(60, 20)) as pilot:
            view = app.query_one(LogView)
            await pilot.press("G")
            assert view.at_end
            assert "299999" in "".join(s.text for s in view.render_line(19))
            await pilot.press("g", "pagedown", "j")
            assert view.scroll_offset.y == 20
            for _ in range(40):
                await pilot.press("ctrl+d")
            assert view._log is not None
            assert len(view._log._chunks) <= 16
            view.find("line 250000 ")
            for _ in range(500):
                await pilot.pause(0.01)
                if view.here is not None:
                    break
            assert view.here == 250_000
            assert view.count().endswith("of 1 lines") or view.count().endswith("of 1+ lines")

    with log_of(tmp_path / "log", pieces) as log:
        asyncio.run(main(log))


def test_places_are_named_as_long_as_there_is_room_else_numbered() -> None:
    names = ["Fleet", "Compare", "Step", "Timeline", "Mounts", "History", "Findings", "Outputs"]
    wide, usual, narrow = ("".join(labels(names, 1, width)) for width in (118, 78, 38))
    assert wide.startswith(" 1 Fleet  2 Compare  3 Step")
    assert usual.startswith("1 Fleet 2 Compare 3 Step")
    assert usual.endswith("8 Outputs ")
    assert narrow == " 1  2 Compare  3  4  5  6  7  8 "
