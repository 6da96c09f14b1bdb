"""The pictures of the docs: `make screenshots`.

    python -m tests.screenshots [--folder docs/pictures] [--speed 1]

They are taken of the app on the recorded fleet. Its audits run as `cachetui demo` runs them, at the
speed they were recorded at unless told otherwise: what the legacy builder took is known from when
its output came. What the first look at an audit shows is taken in two sizes, also of 200 made-up
hosts, and both audits are written as Markdown.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from msgspec.structs import replace
from textual.pilot import Pilot

from cachetui.config.settings import Settings
from cachetui.core import Core, Options
from cachetui.demo.fleet import DemoCore, build_name, demo_fleet
from cachetui.records.document import Document
from cachetui.report.audit_report import AuditReport
from cachetui.report.formats import markdown
from cachetui.store.database import Store
from cachetui.tui.app import CachetuiApp
from cachetui.tui.screens.open_runs import open_step
from cachetui.tui.screens.step import StepPlace
from cachetui.tui.widgets.grid import Grid
from tests.ragged_fleet import ragged_fleet

FOLDER = Path(__file__).parents[1] / "docs" / "pictures"
SIZE = (112, 30)

PICTURES = ("fleet", "compare", "timeline", "findings", "step", "mounts")
"""Their names, in the order in which they are taken."""

SIZES = ((80, 24), (160, 50))
FIRST_LOOKS = tuple(f"{audit}-{w}x{h}" for audit in ("demo", "ragged") for w, h in SIZES)
"""What one sees first of the recorded fleet, and of 200 hosts in which much differs at once."""

MARKDOWN = ("demo.md", "ragged.md")
"""The same audits as they look in a pull request."""

_TRIES = 30_000
"""Hundredths of a second that something may take to come."""

_FONT = re.compile(r"@font-face\s*\{.*?\}\s*", re.DOTALL)


class Photographer:
    """Drives the app to what is to be seen, and writes what it shows."""

    def __init__(self, pilot: Pilot[int], folder: Path) -> None:
        self.pilot = pilot
        self.folder = folder
        app = pilot.app
        assert isinstance(app, CachetuiApp)
        self.app = app

    async def until(self, condition: Callable[[], object], what: str) -> None:
        """Wait for something; raises TimeoutError when it does not come."""
        for _ in range(_TRIES):
            if condition():
                await self.pilot.pause()
                return
            await self.pilot.pause(0.01)
        raise TimeoutError(what)

    async def press(self, *keys: str) -> None:
        for key in keys:
            await self.pilot.press(key)
            await self.pilot.pause()

    async def place(self, name: str) -> None:
        await self.until(lambda: self.app.current_mode == name, name)

    async def take(self, name: str) -> None:
        """Write what is on the screen."""
        self.app.clear_notifications()
        await self.pilot.pause(0.2)
        path = self.folder / f"{name}.svg"
        picture = slim(self.app.export_screenshot(title="cachetui"))
        document = self.app.session.current()
        for home in homes(document) if document is not None else ():
            picture = picture.replace(f"{home}/", in_its_place(home))
        path.write_text(picture, "utf-8")
        print(f"{path}  {path.stat().st_size // 1024} kB", flush=True)


def slim(svg: str) -> str:
    """The picture without fonts from elsewhere: a viewer's own monospaced font is as good."""
    svg = _FONT.sub("", svg).replace("Fira Code", "DejaVu Sans Mono, Menlo, Consolas")
    return "\n".join(line.strip() for line in svg.splitlines() if line.strip()) + "\n"


async def shop(one: Photographer) -> None:
    """The audit of the first build, once it has ended, and its places."""
    session = one.app.session
    await one.until(lambda: session.explained.findings is not None, "its end, and its findings")
    await one.take("fleet")
    await one.press("o")
    await one.place("compare")
    await one.press("n")
    await one.take("compare")
    await one.press("t")
    await one.place("timeline")
    await one.take("timeline")
    await one.press("w")
    await one.place("findings")
    grid = one.app.screen.query_one("#findings", Grid)
    await one.until(lambda: grid.rows, "the findings")
    await one.take("findings")
    await step(one)


async def step(one: Photographer) -> None:
    """The logs of the step that compiles, cold, of two hosts side by side, as a diff."""
    session = one.app.session
    hosts = [host.name for host in session.hosts][:2]
    session.choose([session.pick((host, "buildkit-cold", 1)) for host in hosts])
    run = session.run(session.picks[0])
    assert run is not None
    longest = max(run.steps, key=lambda step: step.log_lines)
    open_step(one.app, longest.id)
    await one.place("step")
    place = one.app.screen
    assert isinstance(place, StepPlace)
    await one.until(lambda: place.panes and all(p.view.text for p in place.panes), "the logs")
    await one.press("v")
    await one.until(lambda: all(p.view.lines for p in place.panes), "the whole logs")
    await one.take("step")


async def mounts(one: Photographer) -> None:
    """The cache mounts of the second build."""
    await one.until(lambda: one.app.session.document, "the audit")
    await one.press("5")
    await one.place("mounts")
    await one.take("mounts")


async def first_look(one: Photographer, name: str) -> None:
    """What is on the screen once findings are there, without a key."""
    session = one.app.session
    await one.until(lambda: session.explained.findings is not None, "its findings")
    await one.take(name)


def first_looks(core: Core, document: Document, name: str, folder: Path) -> None:
    """What one sees first of a stored audit in each size, and its Markdown."""
    for size in SIZES:
        width, height = size

        async def look(one: Photographer, name: str = f"{name}-{width}x{height}") -> None:
            await first_look(one, name)

        asyncio.run(walk(CachetuiApp(core, audit=document.audit), folder, look, size))
    report = AuditReport(document=document, findings=core.findings(document))
    text = markdown.render(report)
    for home in homes(document):
        text = text.replace(f"{home}/", in_its_place(home))
    (folder / f"{name}.md").write_text(text, "utf-8")


def in_its_place(home: str) -> str:
    """A home folder of as many letters, so that pictures keep their columns."""
    return f"/{'home':-<{len(home) - 1}}"[: len(home)] + "/"


def homes(document: Document) -> set[str]:
    """The recorded hosts' own home folders."""
    folders = {host.facts.cache_folder for host in document.hosts if host.facts is not None}
    return {*filter(None, (each.partition("/.cache/")[0] for each in folders))}


async def walk(
    app: CachetuiApp, folder: Path, story: Callable[..., object], size: tuple[int, int] = SIZE
) -> None:
    async with app.run_test(size=size, notifications=True) as pilot:
        result = story(Photographer(pilot, folder))
        assert asyncio.iscoroutine(result)
        await result


def take_all(folder: Path, speed: float) -> None:
    """Take every picture."""
    folder.mkdir(parents=True, exist_ok=True)
    with demo_fleet(speed=speed) as fleet:
        core: DemoCore = fleet.core()
        try:
            builds = core.settings.builds
            app = CachetuiApp(core, build=builds[build_name("shop")], start=True)
            asyncio.run(walk(app, folder, shop))
            assert app.session.document is not None
            first_looks(core, app.session.document, "demo", folder)
            audit = core.prepare(
                builds[build_name("mounts")], core.settings.hosts, Options(scenarios=None)
            )
            audit.run()
            asyncio.run(walk(CachetuiApp(core, audit=audit.id), folder, mounts))
        finally:
            core.store.close()
    take_ragged(folder)


def take_ragged(folder: Path) -> None:
    """Take what one sees first of 200 hosts in which much differs at once."""
    document = replace(ragged_fleet(), started_at=time.time())
    with tempfile.TemporaryDirectory() as place:
        store = Store(Path(place))
        try:
            store.keep_audit(document)
            for run in document.runs:
                store.keep_run(run)
            core = Core(Settings(path=None, hosts=(), builds={}), store)
            first_looks(core, document, "ragged", folder)
        finally:
            store.close()


def main() -> None:
    """Take them as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--speed", type=float, default=1.0)
    options = parser.parse_args()
    take_all(options.folder, options.speed)


if __name__ == "__main__":
    main()
