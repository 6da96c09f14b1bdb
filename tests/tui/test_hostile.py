"""Text that a build or a host wrote never reaches the terminal but cleaned, and is never markup."""

from __future__ import annotations

import asyncio
import unicodedata
from pathlib import Path
from typing import Any

import msgspec
import pytest
from textual.app import App, ComposeResult
from textual.screen import ModalScreen
from textual.widget import Widget

from cachetui.compare.logdiff import diff
from cachetui.records.step import StepId
from cachetui.store.log_text import LogText
from cachetui.store.run_log import RunLog
from cachetui.tui.screens.dialogs import Choose, Confirm, HostKey, Notice, Passphrase
from cachetui.tui.screens.export import write_lines
from cachetui.tui.view.column import Column
from cachetui.tui.view.text import Line, clean_line, label
from cachetui.tui.widgets.diff_view import DiffView
from cachetui.tui.widgets.frame import TitleBar
from cachetui.tui.widgets.grid import Grid
from cachetui.tui.widgets.log_view import LogView
from cachetui.tui.widgets.text_page import TextPage
from cachetui.tui.widgets.text_panel import TextPanel
from tests import make_records
from tests.tui.driving import Driver, drive
from tests.tui.fake import FakeCore, packed

HOSTILE = (
    "[stage-1 2/5] [bold red]red[/] [/tmp/x] [link=x] \x1b]52;c;ZXZpbA==\x07\x1b[2J\x9b31m"
    "\u202egnp.exe\u2066\x00\x7f\x85\u2028\tend"
)
MARKUP = "[stage-1 2/5] [bold red]red[/] [/tmp/x]"


def assert_clean(text: str) -> None:
    """Nothing that a terminal acts on, nothing that cannot be seen."""
    for char in text:
        assert char == "\n" or unicodedata.category(char) not in ("Cc", "Cf", "Zl", "Zp"), (
            f"{char!r} in {text!r}"
        )
    assert "ZXZpbA" not in text


def hostile_core() -> FakeCore:
    document = make_records.hostile(HOSTILE)
    core = FakeCore(document)
    for run in document.runs:
        lines: list[tuple[StepId | None, bytes]] = [
            (step.id, HOSTILE.encode() + b"\n") for step in run.steps
        ]
        lines.append((None, b"\xff\xfe" + b"x" * 100_000 + b"\n"))
        core.store.logs[run.id] = packed(lines)
    return core


@pytest.mark.fault("terminal-text")
@pytest.mark.parametrize("size", [(80, 24), (160, 50), (40, 10)])
def test_every_place_shows_it_cleaned(size: tuple[int, int]) -> None:
    async def story(d: Driver) -> None:
        seen = []
        session = d.app.session
        bad = make_records.hostile(HOSTILE).hosts[0].name
        picks = [session.pick((host, "buildkit-cold", 1)) for host in (bad, "good")]
        for key in ("1", "2", "3", "4", "5", "6"):
            if key == "2":
                session.choose(picks)
            if key == "3":
                session.step = StepId(1, 2)
            await d.press(key)
            await d.pilot.pause(0.02)
            seen.append(d.text())
            if key == "3":
                await d.until(lambda: d.app.screen.query(LogView))
                await d.press("v", "d")
                seen.append(d.text())
        dialogs = (["1", "c"], ["escape", "r"], ["escape", "e"], ["escape", "p"])
        more = (["escape", "f"], ["6", "tab"], ["question_mark"], ["escape", "ctrl+p"])
        for keys in (*dialogs, *more):
            await d.press(*keys)
            seen.append(d.text())
        for text in seen:
            assert_clean(text)
        whole = "\n".join(seen)
        if size[0] >= 160:
            assert "[stage-1 2/5] [bold red]red[/] [/tmp/x]" in whole

    drive(story, hostile_core(), size=size)


@pytest.mark.fault("terminal-text")
def test_what_is_exported_as_text_is_cleaned(tmp_path: Path) -> None:
    write_lines(tmp_path / "log", [HOSTILE, "x" * 100_000])
    text = (tmp_path / "log").read_text("utf-8")
    assert text.startswith(MARKUP)
    assert_clean(text.replace("\t", " "))
    assert "x" * 100_000 in text


@pytest.mark.fault("terminal-text")
def test_toasts_and_dialogs_never_parse_it() -> None:
    async def story(d: Driver) -> None:
        d.app.tell(HOSTILE, title=HOSTILE)
        await d.until(lambda: d.toasts())
        await d.see(MARKUP[:30])
        assert_clean(d.text())
        dialogs: list[ModalScreen[Any]] = [
            Notice(HOSTILE, HOSTILE),
            Confirm(HOSTILE, HOSTILE, HOSTILE, HOSTILE),
            Passphrase(HOSTILE),
            HostKey(HOSTILE, HOSTILE, HOSTILE),
            Choose(HOSTILE, [(HOSTILE, HOSTILE)], hint=HOSTILE),
        ]
        for dialog in dialogs:
            await d.app.push_screen(dialog)
            await d.pilot.pause()
            assert MARKUP[:30] in d.text()
            assert_clean(d.text())
            d.app.pop_screen()

    drive(story)


def test_a_refusal_to_start_with_it_is_shown_as_it_is() -> None:
    async def story(d: Driver) -> None:
        d.core.refusal = ValueError(HOSTILE)
        await d.press("r", "r")
        await d.see("The audit cannot start", "[stage-1 2/5]")
        assert_clean(d.text())

    drive(story, opened=False)


def log_text(data: bytes) -> LogText:
    return RunLog.open(packed([(StepId(0, 0), data)])).whole()


HUGE = "[stage-1 2/5] " + "y" * 100_000
LINE: Line = ((HOSTILE, "bad"), (HUGE, ""))


def grid() -> Grid:
    made = Grid(cell=lambda *_: LINE, heading=lambda row, _: LINE if row == 0 else None)
    made.show([0, 1, 2], (Column("a", (HOSTILE, HUGE), 10, 1), Column("b", (HOSTILE,), 8)))
    return made


def log_view() -> LogView:
    made = LogView()
    made.show(
        log_text(f"{HOSTILE}\n{HUGE}\n".encode()), gutter=lambda _: (HOSTILE, ""), gutter_width=9
    )
    return made


def diff_view() -> DiffView:
    made = DiffView()
    first, second = [HOSTILE, HUGE], [HOSTILE + "x", HUGE + "x"]
    texts = [log_text("\n".join(side).encode()) for side in (first, second)]
    made.show(diff(first, second), texts[0], texts[1])
    made.heads = (LINE, LINE)
    return made


def title_bar() -> TitleBar:
    made = TitleBar()
    made.show(LINE, LINE)
    return made


@pytest.mark.fault("terminal-text")
@pytest.mark.parametrize(
    "make",
    [grid, log_view, diff_view, title_bar, lambda: TextPanel(LINE), lambda: TextPage([LINE])],
)
def test_each_widget_draws_it_cleaned_and_in_its_width(make: Any) -> None:
    class One(App[None]):
        def compose(self) -> ComposeResult:
            self.widget: Widget = make()
            yield self.widget

    async def main() -> None:
        app = One()
        async with app.run_test(size=(60, 8)) as pilot:
            await pilot.pause()
            for y in range(app.widget.size.height):
                strip = app.widget.render_line(y)
                text = "".join(segment.text for segment in strip)
                assert_clean(text)
                assert strip.cell_length == app.widget.scrollable_content_region.width

    asyncio.run(main())


def test_labels_are_cleaned_and_keep_their_brackets() -> None:
    assert label(HOSTILE).plain.startswith(MARKUP)
    assert_clean(label(HOSTILE).plain)
    assert clean_line("plain é 漢字") == "plain é 漢字"
    assert len(clean_line("x" * 1_000_000)) < 10_000


def test_a_build_named_with_it_can_be_run() -> None:
    document = make_records.document()
    build = msgspec.structs.replace(document.build, name=HOSTILE)
    core = FakeCore(msgspec.structs.replace(document, build=build))

    async def story(d: Driver) -> None:
        await d.start(at=5.0)
        await d.see("[stage-1 2/5]")
        assert_clean(d.text())
        d.audit.end()

    drive(story, core, opened=False)
