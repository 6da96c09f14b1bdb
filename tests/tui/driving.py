"""Drive the app in tests: run a story against it, wait for what must come, read the screen."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, cast

from textual.pilot import Pilot

from cachetui.tui.app import CachetuiApp
from tests.tui.fake import FakeAudit, FakeCore

if TYPE_CHECKING:
    from cachetui.config.settings import BuildSettings
    from cachetui.core import Core

PATIENCE = 30.0
"""Seconds after which what has not come will not come."""
ENGINES_PATIENCE = 120.0
"""The same where engines build, on a machine that is busy."""

Story = Callable[["Driver"], Awaitable[None]]


class Driver:
    """A pilot with what the stories need."""

    def __init__(self, app: CachetuiApp, pilot: Pilot[int], core: FakeCore) -> None:
        self.app = app
        self.pilot = pilot
        self.core = core
        self.patience = PATIENCE

    async def press(self, *keys: str) -> None:
        """Press keys, each handled before the next."""
        for key in keys:
            await self.pilot.press(key)
            await self.pilot.pause()

    async def until(self, condition: Callable[[], object], what: str = "") -> None:
        """Go on until something holds; fails when it does not come."""
        end = time.monotonic() + self.patience
        while not condition():
            if time.monotonic() > end:
                raise AssertionError(f"did not come: {what or condition}\n{self.text()}")
            await self.pilot.pause(0.01)
        await self.pilot.pause()

    async def see(self, *words: str) -> None:
        """Go on until all words are on the screen."""
        await self.until(lambda: all(word in self.text() for word in words), f"{words}")

    async def not_see(self, *words: str) -> None:
        """Go on until none of the words is on the screen."""
        await self.until(lambda: not any(word in self.text() for word in words), f"no {words}")

    async def place(self, name: str) -> None:
        """Go on until the app is at a place."""
        await self.until(lambda: self.app.current_mode == name, f"place {name}")
        await self.until(lambda: self.app.screen.is_mounted)

    def text(self) -> str:
        """The screen as text."""
        strips = self.app.screen._compositor.render_strips(self.app.size)
        lines = ["".join(segment.text for segment in strip) for strip in strips]
        return "\n".join(line.rstrip() for line in lines)

    def line(self, word: str) -> str:
        """The first line of the screen that holds a word."""
        found = [line for line in self.text().splitlines() if word in line]
        assert found, f"{word!r} is not on the screen:\n{self.text()}"
        return found[0]

    def toasts(self) -> list[str]:
        """Messages that were shown and have not gone."""
        return [note.message for note in self.app._notifications]

    @property
    def audit(self) -> FakeAudit:
        audit = self.core.audit
        assert audit is not None
        return audit

    async def start(self, at: float | None = None) -> FakeAudit:
        """Start an audit from Fleet with what the dialog offers."""
        await self.press("r")
        await self.see("legacy-cold", "repeat")
        await self.press("r")
        await self.until(lambda: self.app.session.snapshot is not None, "a snapshot")
        if at is not None:
            self.audit.at(at)
            await self.until(lambda: self._elapsed() == at, f"second {at}")
        return self.audit

    def _elapsed(self) -> float:
        snapshot = self.app.session.snapshot
        return snapshot.elapsed if snapshot is not None else -1.0


def drive(
    story: Story,
    core: FakeCore | None = None,
    *,
    size: tuple[int, int] = (80, 24),
    opened: bool = True,
    **options: Any,
) -> int | None:
    """Run a story; returns what the app was left with. With `opened` the core's document is
    looked at as a kept audit first."""
    core = core or FakeCore()
    if opened:
        core.store.documents[core.document.audit] = core.document
        options.setdefault("audit", core.document.audit)
    if core.settings.builds:
        options.setdefault("build", next(iter(core.settings.builds.values())))
    app = CachetuiApp(core, **options)
    app.moment = lambda at: f"2025-10-09 {int(at) % 86400 // 3600:02}:00"  # type: ignore[method-assign]
    app.now = lambda: core.document.started_at + 7200  # type: ignore[method-assign]

    async def main() -> None:
        async with app.run_test(size=size, notifications=True) as pilot:
            driver = Driver(app, pilot, core)
            await driver.place("fleet")
            if opened:
                await driver.until(lambda: app.session.document is not None, "the document")
            await story(driver)

    asyncio.run(main())
    return app.return_value


def drive_engines(
    story: Story, core: Core, build: BuildSettings, *, size: tuple[int, int] = (80, 24)
) -> None:
    """Run a story on a core whose hosts are real."""
    app = CachetuiApp(core, build=build)

    async def main() -> None:
        async with app.run_test(size=size, notifications=True) as pilot:
            driver = Driver(app, pilot, cast("FakeCore", core))
            driver.patience = ENGINES_PATIENCE
            await driver.place("fleet")
            await story(driver)

    asyncio.run(main())
