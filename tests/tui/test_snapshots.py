"""Pictures of each place at 80x24 and 160x50, on hand-made fleets and a fixed clock.

`pytest tests/tui/test_snapshots.py --snapshot-update` takes them anew; look at them then.
"""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from textual.pilot import Pilot

from cachetui.tui.app import CachetuiApp
from tests import make_records
from tests.tui import finding_examples
from tests.tui.fake import FakeCore

SIZES = [(80, 24), (160, 50)]

PLACES: dict[str, tuple[str, list[str]]] = {
    "fleet": ("troubled", []),
    "fleet-folded": ("fleet", []),
    "compare": ("odd_one_out", ["o", "a"]),
    "step": ("odd_one_out", ["o", "j", "enter"]),
    "timeline": ("odd_one_out", ["h", "h", "t"]),
    "mounts": ("odd_one_out", ["5"]),
    "history": ("odd_one_out", ["6"]),
    "findings": ("odd_one_out", ["w"]),
    "commands": ("odd_one_out", ["c"]),
    "help": ("odd_one_out", ["question_mark"]),
    "start": ("odd_one_out", ["r"]),
}


def picture_app(core: FakeCore, **options: Any) -> CachetuiApp:
    """The app with a clock that stands still and no moving parts."""
    app = CachetuiApp(core, **options)
    app.now = lambda: make_records.NOW + 7200  # type: ignore[method-assign]
    app.moment = lambda at: f"2025-10-{9 + int((at - make_records.NOW) // 86400):02} 08:53"  # type: ignore[method-assign]
    app.animation_level = "none"
    return app


async def settle(pilot: Pilot[Any]) -> None:
    """Go on until the audit is open and its findings are known."""
    app: Any = pilot.app
    for _ in range(400):
        await pilot.pause(0.01)
        if app.session.explained.findings is not None and app.current_mode == "fleet":
            break
    await pilot.pause()


@pytest.mark.parametrize("size", SIZES, ids=["80x24", "160x50"])
@pytest.mark.parametrize("name", PLACES)
def test_place(snap_compare: Any, name: str, size: tuple[int, int]) -> None:
    builder, keys = PLACES[name]
    document = getattr(make_records, builder)()
    older = msgspec.structs.replace(
        make_records.document(), audit="day-1", started_at=make_records.NOW - 86400
    )
    core = FakeCore(document, kept=[document, older])
    core.found = finding_examples.of_the_odd_one_out()
    build = next(iter(core.settings.builds.values()))
    app = picture_app(core, build=build, audit=document.audit)

    async def walk(pilot: Pilot[Any]) -> None:
        await settle(pilot)
        for key in keys:
            await pilot.press(key)
            await pilot.pause()
        if name == "findings":
            for _ in range(400):
                await pilot.pause(0.01)
                if pilot.app.screen.reason is not None:  # type: ignore[attr-defined]
                    break
            await pilot.pause()
        if name == "step":
            panes: Any = pilot.app.screen
            for _ in range(400):
                await pilot.pause(0.01)
                if panes.panes and all(pane.view.text for pane in panes.panes):
                    break
            await pilot.pause()

    assert snap_compare(app, run_before=walk, terminal_size=size)


@pytest.mark.parametrize("size", SIZES, ids=["80x24", "160x50"])
def test_fleet_at_work(snap_compare: Any, size: tuple[int, int]) -> None:
    core = FakeCore(make_records.troubled())
    build = next(iter(core.settings.builds.values()))
    app = picture_app(core, build=build, start=True)

    async def walk(pilot: Pilot[Any]) -> None:
        for _ in range(400):
            await pilot.pause(0.01)
            if app.session.snapshot is not None:
                break
        assert core.audit is not None
        core.audit.at(16.0)
        await pilot.pause()
        app.clear_notifications()
        for _ in range(100):
            await pilot.pause(0.01)
            if app.session.snapshot is not None and app.session.snapshot.elapsed == 16.0:
                break
        await pilot.pause()

    try:
        assert snap_compare(app, run_before=walk, terminal_size=size)
    finally:
        if core.audit is not None:
            core.audit.end()
