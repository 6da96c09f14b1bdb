"""Fleet on a small screen: where hosts in trouble stand, why a cell has nothing, whose hosts."""

from __future__ import annotations

from cachetui.demo.fleet import DemoCore
from cachetui.tui.screens.fleet import FleetPlace
from cachetui.tui.widgets.grid import Grid
from tests.findings.making import why
from tests.ragged_fleet import ragged_fleet
from tests.tui.driving import Driver, drive
from tests.tui.fake import FakeCore


def test_the_title_says_which_way_hosts_in_trouble_are_and_their_row_what_to_do() -> None:
    document = ragged_fleet()
    fleet = FakeCore(document)
    fleet.found = why(document)

    async def story(d: Driver) -> None:
        await d.see("✗ 7 unreachable, further down", "#1 ◉ 39 hosts")
        await d.not_see("✗ unreachable")
        grid = d.app.screen.query_one("#matrix", Grid)
        place = d.app.screen
        assert isinstance(place, FleetPlace)
        away = place._table.in_trouble()
        assert len(away) == 1
        while grid.cursor is not None and grid.cursor[0] != away[0]:
            await d.press("j")
        await d.see("✗ 7 unreachable", "f unfolds the group", "→ is sshd running there")
        await d.not_see("further down", "an…")

    drive(story, fleet, size=(80, 24))


def test_why_a_cell_cannot_run_stands_whole_below_the_matrix() -> None:
    document = ragged_fleet()
    fleet = FakeCore(document)
    fleet.found = why(document)

    async def story(d: Driver) -> None:
        await d.see("#1 ◉ 39 hosts")
        await d.press("g")
        while "buildkit-cold ⊘ unsupported" not in d.text():
            await d.press("right")
        whole = " ".join(d.text().split())
        assert "needs buildx for BuildKit, and has none; install Docker's buildx plugin" in whole
        assert "on the host" in whole
        assert "WHY" not in whole

    drive(story, fleet, size=(80, 24))


def test_whose_hosts_these_are_stands_beside_the_name_of_the_build() -> None:
    async def story(d: Driver) -> None:
        await d.see("cachetui ▸ api · recorded demo")
        for key in "23456789":
            await d.press(key)
            await d.see("cachetui ▸ api · recorded demo")

    core = FakeCore()
    core.hosts_are = DemoCore.hosts_are
    assert core.hosts_are
    drive(story, core, size=(80, 24))
