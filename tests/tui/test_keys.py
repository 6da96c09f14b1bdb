"""Keys: few in the foot, all in the help and the palette, each remappable."""

from __future__ import annotations

import re

import pytest
from textual.binding import Binding, BindingsMap

from cachetui.tui.screens.help import Help
from cachetui.tui.screens.palette import commands
from cachetui.tui.screens.place import PLACES
from cachetui.tui.view import keys
from cachetui.tui.widgets.frame import KeyBar
from tests import cheat_sheet, make_records
from tests.screenshots import FIRST_LOOKS, FOLDER, MARKDOWN, PICTURES
from tests.tui.driving import Driver, drive
from tests.tui.fake import FakeCore

TABLES = {
    name: BindingsMap(table)
    for name, table in vars(keys).items()
    if name.isupper() and isinstance(table, list)
}


def test_every_key_has_an_id_of_its_own_and_a_description() -> None:
    ids: dict[str, str] = {}
    for name, table in TABLES.items():
        for _, binding in table:
            assert binding.id, binding
            assert binding.description, binding
            assert ids.setdefault(binding.id, name) == name, binding.id


def test_no_key_means_two_things_in_one_place() -> None:
    for table in TABLES.values():
        for key, bindings in table.key_to_bindings.items():
            assert len(bindings) == 1, (key, bindings)


@pytest.mark.parametrize("size", [(80, 24), (160, 50)])
def test_at_most_six_keys_stand_in_the_foot_and_help_is_one(size: tuple[int, int]) -> None:
    async def story(d: Driver) -> None:
        await d.press("o")
        for number, (name, _) in enumerate(PLACES, start=1):
            await d.press(str(number))
            await d.place(name)
            bar = d.app.screen.query_one(KeyBar)
            shown = bar.labels()
            assert 0 < len(shown) <= 6, name
            assert shown[-1][1] == "Keys", name
            last = d.text().splitlines()[-1]
            assert all(text in last for _, text, *_ in shown)
        assert len(last) <= size[0]

    drive(story, FakeCore(make_records.odd_one_out()), size=size)


def test_help_tells_every_key_of_the_place() -> None:
    async def story(d: Driver) -> None:
        await d.press("o", "question_mark")
        await d.see("Keys and signs")
        help_screen = d.app.screen
        assert isinstance(help_screen, Help)
        told = "\n".join("".join(text for text, _ in line) for line in help_screen.lines(200))
        for _, binding in TABLES["COMPARE"]:
            assert (binding.tooltip or binding.description) in told
        assert "Step log" in told
        assert "the odd one out" in told
        await d.press("escape")
        await d.not_see("Keys and signs")

    drive(story, FakeCore(make_records.odd_one_out()))


def test_the_palette_has_every_action() -> None:
    async def story(d: Driver) -> None:
        await d.press("o")
        titles = {command.title for command in commands(d.app, d.app.screen)}
        for _, binding in TABLES["COMPARE"]:
            words = (binding.tooltip or binding.description).rstrip("…")
            group = "Everywhere" if (binding.id or "").startswith("app.") else "Compare"
            assert f"{group}: {words}" in titles
        assert {"Go to Mounts", "Everywhere: Theme", "Everywhere: Quit"} <= titles
        listed = list(commands(d.app, d.app.screen))
        assert len({command.title for command in listed}) == len(listed)
        await d.press("ctrl+p")
        await d.see("Search for commands")
        await d.press(*"history", "enter")
        await d.place("history")

    drive(story, FakeCore(make_records.odd_one_out()))


def test_keys_are_remapped_by_their_id() -> None:
    async def story(d: Driver) -> None:
        await d.press("O")
        await d.place("compare")
        await d.press("question_mark")
        await d.see("Keys and signs")
        await d.press("escape", "escape")
        await d.place("fleet")
        await d.press("o")
        assert d.app.current_mode == "fleet"
        assert "F Filter" in d.text()

    drive(
        story, FakeCore(make_records.odd_one_out()), keymap={"fleet.odd": "O", "fleet.filter": "F"}
    )


def test_vi_keys_move_in_a_table() -> None:
    async def story(d: Driver) -> None:
        grid = d.app.screen.query_one("#matrix")
        await d.press("f", "g")
        places = []
        for key in ("j", "j", "k", "G", "g", "ctrl+d", "ctrl+u", "pagedown", "l", "h"):
            await d.press(key)
            places.append(grid.row)  # type: ignore[attr-defined]
        assert places[:5] == [1, 2, 1, 63, 0]
        assert places[5] > 0
        assert places[6] == 0

    drive(story, FakeCore(make_records.fleet()))


def test_tabs_go_round() -> None:
    async def story(d: Driver) -> None:
        names = [name for name, _ in PLACES]
        for name in (*names[1:], names[0]):
            await d.press("right_square_bracket")
            await d.place(name)
        await d.press("left_square_bracket")
        await d.place(names[-1])

    drive(story)


def test_every_binding_leads_to_an_action() -> None:
    async def story(d: Driver) -> None:
        await d.press("o", "enter")
        for _, (name, _) in enumerate(PLACES):
            d.app.go(name)
            await d.place(name)
            await d.pilot.pause()
            for active in d.app.screen.active_bindings.values():
                binding: Binding = active.binding
                if not binding.id:
                    continue  # one of Textual's own
                action = binding.action.split("(")[0]
                target = d.app if action.startswith("app.") else active.node
                method = f"action_{action.removeprefix('app.')}"
                assert hasattr(target, method), (name, binding)

    drive(story, FakeCore(make_records.odd_one_out()))


def test_the_page_of_keys_has_the_keys_that_there_are() -> None:
    assert cheat_sheet.on_page(cheat_sheet.PAGE.read_text("utf-8")) == cheat_sheet.sheet()


def test_the_docs_show_every_picture_that_is_taken() -> None:
    text = cheat_sheet.PAGE.with_name("app.md").read_text("utf-8")
    shown = [name for name in PICTURES if f"](pictures/{name}.svg)" in text]
    assert shown == list(PICTURES)
    first = cheat_sheet.PAGE.with_name("first-minute.md").read_text("utf-8")
    assert all(f"](pictures/{name}.svg)" in first for name in FIRST_LOOKS)
    assert all(f"](pictures/{name})" in first for name in MARKDOWN)
    pictures = (*PICTURES, *FIRST_LOOKS)
    taken = {*MARKDOWN, *(f"{name}.svg" for name in pictures)}
    assert {path.name for path in FOLDER.iterdir()} == taken
    for name in pictures:
        svg = (FOLDER / f"{name}.svg").read_text("utf-8")
        assert "cachetui" in svg
        assert len(svg) < 150_000  # 160×50 cells, all in use, are 120,000 characters
        assert not re.search(r"https?://(?!www\.w3\.org|www\.textualize\.io)|<script", svg)
