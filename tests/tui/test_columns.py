"""Columns of Fleet: chosen by key, kept, and true of each row."""

from __future__ import annotations

import pytest

from cachetui.tui.view.fleet_columns import FACTS, ColumnChoice
from cachetui.tui.view.text import plain
from cachetui.tui.widgets.grid import Grid
from tests import make_records
from tests.ragged_fleet import ragged_fleet
from tests.tui.driving import Driver, drive
from tests.tui.fake import FakeCore


def columns(d: Driver) -> list[str]:
    return [str(column.key) for column in d.app.screen.query_one("#matrix", Grid).columns]


def rows(d: Driver) -> list[str]:
    return [str(row) for row in d.app.screen.query_one("#matrix", Grid).rows]


def cell(d: Driver, row: str, column: str) -> str:
    return plain(d.app.screen.query_one("#matrix", Grid)._cell(row, column, 20)).strip()


def kept(d: Driver) -> list[ColumnChoice]:
    """What is given to be kept from now on; that works."""
    choices: list[ColumnChoice] = []

    def keep(choice: ColumnChoice) -> bool:
        choices.append(choice)
        return True

    d.app.session.keep_columns = keep
    return choices


def test_columns_are_turned_on_and_off_and_kept() -> None:
    async def story(d: Driver) -> None:
        choices = kept(d)
        before = columns(d)
        assert not {*FACTS} & {*before}
        await d.press("C")
        await d.see("[ ] engine", "[ ] load", "[✓] buildkit-cold")
        await d.press("space", "j", "j", "j", "space", "G", "space", "enter")
        await d.see("ENGINE", "LOAD", "1 column hidden")
        assert columns(d) == [
            before[0],
            "engine",
            "load",
            *(c for c in before[1:] if c != "buildkit-warm"),
        ]
        assert (cell(d, "old", "engine"), cell(d, "old", "load")) == ("20.10.24", "3.1")
        assert choices == [ColumnChoice(("engine", "load"), ("buildkit-warm",))]
        await d.press("C", "space", "j", "j", "j", "space", "G", "space", "enter")
        await d.not_see("ENGINE", "hidden")
        assert columns(d) == before
        assert choices[1:] == [ColumnChoice()]

    drive(story, FakeCore(make_records.odd_one_out()))


def test_escape_keeps_nothing_and_no_column_at_all_is_refused() -> None:
    async def story(d: Driver) -> None:
        choices = kept(d)
        before = columns(d)
        await d.press("C", "space", "escape")
        assert columns(d) == before
        await d.press("C", *["j"] * 5)
        for _ in before[1:]:
            await d.press("space", "j")
        await d.press("enter")
        await d.until(lambda: "Turn on at least one column." in d.toasts())
        await d.press("escape")
        assert columns(d) == before
        assert choices == []

    drive(story, FakeCore(make_records.odd_one_out()))


def test_what_cannot_be_kept_is_shown_and_said() -> None:
    async def story(d: Driver) -> None:
        d.app.session.keep_columns = lambda _: False
        await d.press("C", "space", "enter")
        await d.see("ENGINE")
        assert any("app.toml cannot be written" in text for text in d.toasts())

    drive(story, FakeCore(make_records.odd_one_out()))


def test_a_fact_is_about_the_host_and_sorts() -> None:
    async def story(d: Driver) -> None:
        d.app.session.columns = ColumnChoice((*FACTS,))
        d.app.refresh_places()
        await d.press("g", *["h"] * 9, "l", "s")
        await d.see("ENGINE ▾")
        assert rows(d) == ["old", "mid", "new", "ctd"]
        await d.press("s")
        assert rows(d)[-1] == "old"
        await d.press("l", "l", "l", "s")
        assert rows(d)[0] == "old", "the highest load first"
        await d.press("g", "enter")
        await d.place("compare")
        assert {pick.host for pick in d.app.session.picks} == {"old"}, "all runs of the host"

    drive(story, FakeCore(make_records.odd_one_out()), size=(160, 50))


@pytest.mark.parametrize("size", [(40, 12), (80, 24), (160, 50)])
def test_rows_of_many_hosts_tell_only_what_holds_for_all(size: tuple[int, int]) -> None:
    document = ragged_fleet()
    facts = {host.name: host.facts for host in document.hosts}

    async def story(d: Driver) -> None:
        d.app.session.columns = ColumnChoice((*FACTS,))
        d.app.refresh_places()
        await d.see("HOST")
        table = d.app.screen._table  # type: ignore[attr-defined]
        assert len(table.rows) < 100
        for row in table.rows.values():
            known = [found for name in row.hosts if (found := facts[name])]
            engines = {found.engine for found in known}
            told = engines.pop() if len(engines) == 1 else "mixed" if engines else "–"
            assert cell(d, row.key, "engine") == told
            loaded = any((found.load or 0) > (found.cores or 99) for found in known)
            assert cell(d, row.key, "load").startswith("!") is loaded
        await d.press("h", "l", "l", "enter")

    drive(story, FakeCore(document), size=size)


def test_hosts_alone_have_no_columns_to_choose() -> None:
    async def story(d: Driver) -> None:
        await d.press("C")
        assert len(d.app.screen_stack) == 1

    drive(story, FakeCore(make_records.document()), opened=False)


def test_compare_has_the_runs_that_are_turned_on() -> None:
    async def story(d: Driver) -> None:
        await d.press("enter")
        await d.place("compare")
        before = d.app.session.picks
        await d.press("C")
        await d.see("Runs to compare", "[✓]", "[ ]")
        await d.press("escape")
        assert d.app.session.picks == before, "escape changes nothing"
        await d.press("C", "G", "space", "enter")
        await d.until(lambda: len(d.app.session.picks) == len(before) + 1, "a run more")
        more = d.app.session.picks
        assert more[: len(before)] == before, "the others stay where they are"
        await d.press("C", "g", "space", "enter")
        await d.until(lambda: d.app.session.picks == more[1:], "the first one gone")
        assert d.app.session.baseline in more[1:]

    drive(story, FakeCore(make_records.odd_one_out()), size=(120, 40))


def test_no_run_at_all_is_not_taken() -> None:
    async def story(d: Driver) -> None:
        await d.press("enter")
        await d.place("compare")
        before = d.app.session.picks
        await d.press("C", *["space", "j"] * len(before), "enter")
        await d.see("Turn on at least one run.")
        assert d.app.session.picks == before

    drive(story, FakeCore(make_records.odd_one_out()), size=(120, 40))


def test_of_a_large_fleet_compare_offers_hosts_that_behave_alike_as_one() -> None:
    async def story(d: Driver) -> None:
        await d.press("enter")
        await d.place("compare")
        await d.press("C")
        await d.see("Runs to compare", "83×")
        await d.press("G", "space", "enter")
        await d.until(lambda: d.app.session.picks[-1] in d.app.session.alike, "the group")
        assert len(d.app.session.runs_alike(d.app.session.picks[-1])) > 1

    drive(story, FakeCore(ragged_fleet()), size=(160, 50))
