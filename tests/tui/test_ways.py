"""From place to place: what is taken along, and where `esc` leads."""

from __future__ import annotations

import pytest

from cachetui.records.step import StepId
from cachetui.tui.widgets.grid import Grid
from tests import make_records
from tests.tui.driving import Driver, drive
from tests.tui.fake import FakeCore


def chosen(d: Driver) -> list[tuple[str, str]]:
    return [(pick.host, pick.scenario) for pick in d.app.session.picks]


@pytest.mark.parametrize("key", ["2", "3", "4"])
def test_places_of_runs_take_the_cell_under_the_cursor(key: str) -> None:
    async def story(d: Driver) -> None:
        await d.see("≠ mid is the odd one out")
        await d.press("6", key)
        await d.until(lambda: d.app.session.picks, "runs")
        assert chosen(d) == [("old", "buildkit-warm"), ("mid", "buildkit-warm")]
        if key == "3":
            await d.see("COPY . /app")
            assert d.app.session.step == StepId(2, 4)

    drive(story, FakeCore(make_records.odd_one_out()))


def test_step_without_a_difference_has_the_whole_log() -> None:
    async def story(d: Driver) -> None:
        await d.press("h", "h", "3")
        await d.see("Whole log as printed", "mid")

    drive(story, FakeCore(make_records.odd_one_out()))


def test_what_is_chosen_stays_chosen() -> None:
    async def story(d: Driver) -> None:
        await d.press("enter")
        await d.place("compare")
        before = chosen(d)
        await d.press("escape", "j", "4")
        await d.place("timeline")
        assert chosen(d) == before

    drive(story, FakeCore(make_records.odd_one_out()))


def test_esc_leads_back_to_fleet_and_no_further() -> None:
    async def story(d: Driver) -> None:
        await d.press("enter", "4", "6", "escape")
        await d.place("timeline")
        await d.press("escape", "escape")
        await d.place("fleet")
        await d.press("6", "1", "escape")
        assert d.app.current_mode == "fleet"

    drive(story, FakeCore(make_records.odd_one_out()))


def test_a_group_keeps_its_name_in_compare_and_below_the_matrix() -> None:
    async def story(d: Driver) -> None:
        await d.see("≠ ci-07", "62× ci-[01-06,…]")
        await d.press("G", "enter")
        await d.place("compare")
        await d.see("62× ci-[01-06,08,10-64]", "ci-07")
        await d.press("escape", "f", "enter")
        await d.not_see("62×")

    drive(story, FakeCore(make_records.fleet()), size=(160, 50))


def test_outputs_says_how_to_get_them_and_does_it() -> None:
    async def story(d: Driver) -> None:
        await d.press("7")
        await d.see("cachetui run --hosts /src/hosts.toml api --outputs", "r Read images")
        assert "Next file" not in d.text()
        await d.press("r")
        await d.see("[✓] outputs")
        await d.press("q")
        await d.not_see("[✓] outputs")
        await d.press("1", "r")
        await d.see("[ ] outputs")

    drive(story, FakeCore(make_records.odd_one_out()))


@pytest.mark.parametrize(("width", "shown"), [(80, 3), (60, 2), (40, 1), (160, 4)])
def test_narrow_screens_leave_out_bars_before_runs(width: int, shown: int) -> None:
    async def story(d: Driver) -> None:
        await d.press("g", "space", "space", "space", "space", "enter")
        await d.place("compare")
        await d.see("STEP")
        grid = d.app.screen.query_one("#steps", Grid)
        in_view = [
            column.key
            for column in grid.columns
            if column.key != "step"
            and grid.place_of(column.key)[1] > 0
            and sum(grid.place_of(column.key)) <= width
        ]
        assert len(in_view) == shown
        bars = any(sign in d.text() for sign in "▏▎▍▌▋▊▉█")
        assert bars == (width == 160)

    drive(story, FakeCore(make_records.odd_one_out()), size=(width, 24))
