"""What every place of the app has: a title, the row of places, the progress, the foot of keys."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import ComposeResult
from textual.screen import Screen
from textual.widget import Widget

from cachetui.report import units
from cachetui.tui import signs
from cachetui.tui.session import Session
from cachetui.tui.text import Line, line
from cachetui.tui.widgets.frame import KeyBar, PlaceTabs, Progress, TitleBar

if TYPE_CHECKING:
    from cachetui.tui.app import CachetuiApp

PLACES: tuple[tuple[str, str], ...] = (
    ("fleet", "Fleet"),
    ("compare", "Compare"),
    ("step", "Step"),
    ("timeline", "Timeline"),
    ("mounts", "Mounts"),
    ("history", "History"),
)
"""The places in the order of their numbers: id and name. Findings and outputs will stand here."""


class Place(Screen[None]):
    """A place: subclasses compose a `body`, and draw in `update_place`."""

    PLACE: ClassVar[str] = ""
    ENTER: ClassVar[str] = ""
    """What `enter` on a row leads to, for the foot and the help."""

    VERTICAL_BREAKPOINTS = [  # noqa: RUF012 - an instance variable in Textual
        (0, "-tiny"),
        (15, "-short"),
        (22, "-usual"),
        (34, "-tall"),
    ]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (70, "-normal"), (120, "-wide")]  # noqa: RUF012

    def compose(self) -> ComposeResult:
        names = [name for name, _ in PLACES]
        number = names.index(self.PLACE) if self.PLACE in names else -1
        yield TitleBar()
        yield PlaceTabs([name for _, name in PLACES], number)
        yield Progress()
        yield from self.body()
        yield KeyBar()

    def body(self) -> Iterator[Widget]:
        """The widgets between the frame's head and foot."""
        raise NotImplementedError

    @property
    def home(self) -> CachetuiApp:
        """The app, typed."""
        app: Any = self.app
        return app  # type: ignore[no-any-return]

    @property
    def session(self) -> Session:
        return self.home.session

    def on_mount(self) -> None:
        self.refresh_place()

    def on_screen_resume(self) -> None:
        self.refresh_place()

    def refresh_place(self) -> None:
        """Draw from the session as it is now."""
        if not self.is_mounted:
            return
        snapshot = self.session.snapshot
        self.query_one(TitleBar).show(*title(self.session))
        self.query_one(Progress).show(snapshot)
        self.update_place()

    def update_place(self) -> None:
        """Draw the body from the session."""

    def copy_text(self) -> str | None:
        """What `y` copies here."""
        return None


def title(session: Session) -> tuple[Line, Line]:
    """Left and right of the title: the build, and how its audit stands."""
    snapshot = session.snapshot
    left: list[str | tuple[str, Any]] = [("cachetui", "title")]
    build = session.build
    document = session.document
    name = document.build.name if document else build.name if build else ""
    if name:
        left += [(" ▸ ", "muted"), (name, "strong")]
        target = document.build.target if document else build.target if build else None
        if target:
            left.append((f" → {target}", "muted"))
    if snapshot is None:
        hosts = len(session.hosts)
        return line(*left), line((units.count(hosts, "host") if hosts else "", "muted"))
    right: list[str | tuple[str, Any]] = []
    trouble = signs.trouble(snapshot)
    if session.read_only:
        right.append(("kept ", "muted"))
    if snapshot.finished:
        right.append((f"✗ {trouble}", "bad") if trouble else ("✓ done", "good"))
        right.append((f" in {units.seconds(snapshot.elapsed)}", "muted"))
    elif snapshot.stopping:
        right.append(("stopping…", "warn"))
    else:
        right.append((f"▸ running {signs.clock(snapshot.elapsed)}", "accent"))
    right.append((f" · {snapshot.audit[:8]}", "muted"))
    return line(*left), line(*right)
