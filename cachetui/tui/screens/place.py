"""What every place of the app has: a title, the row of places, the progress, the foot of keys."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import ComposeResult
from textual.screen import Screen
from textual.widget import Widget

from cachetui.report import units
from cachetui.tui import signs
from cachetui.tui.names import PLACE_NAMES
from cachetui.tui.session import Pick, Session
from cachetui.tui.text import Line, Span, joined, line, width_of
from cachetui.tui.widgets.frame import KeyBar, PlaceTabs, Progress, TitleBar

if TYPE_CHECKING:
    from cachetui.records.document import Document
    from cachetui.tui.app import CachetuiApp

PLACES: tuple[tuple[str, str], ...] = tuple((name.lower(), name) for name in PLACE_NAMES)
"""The places in the order of their numbers: id and name."""


class Place(Screen[None]):
    """A place: subclasses compose a `body`, and draw in `update_place`."""

    PLACE: ClassVar[str] = ""
    ENTER: ClassVar[str] = ""
    """What `enter` on a row leads to, for the foot and the help; "" where it leads nowhere."""

    VERTICAL_BREAKPOINTS = [  # noqa: RUF012 - an instance variable in Textual
        (0, "-tiny"),
        (15, "-short"),
        (22, "-usual"),
        (34, "-tall"),
    ]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (70, "-normal"), (120, "-wide")]  # noqa: RUF012

    def compose(self) -> ComposeResult:
        number = [name for name, _ in PLACES].index(self.PLACE)
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
        self.query_one(TitleBar).show(*title(self.session, self.size.width - 2))
        self.query_one(Progress).show(snapshot)
        self.update_place()

    def update_place(self) -> None:
        """Draw the body from the session."""

    def copy_text(self) -> str | None:
        """What `y` copies here."""
        return None

    def exported(self) -> Document | None:
        """What `e` exports here: the audit that is looked at, or the part of it in view."""
        return self.session.current()

    def exported_text(self) -> tuple[str, Iterable[str]] | None:
        """What it is and its lines, where `e` can write plain text too."""
        return None

    def excerpt(self, picks: Sequence[Pick]) -> Document | None:
        """These runs as a document, the whole audit where none of them has ended."""
        from cachetui.tui.excerpt import of_runs

        chosen = [
            (document, run)
            for pick in picks
            if (run := self.session.run(pick)) is not None
            and (document := self.session.document_of(pick)) is not None
        ]
        return of_runs(chosen) if chosen else self.session.current()


def title(session: Session, width: int) -> tuple[Line, Line]:
    """Left and right of the title: the build, and how its audit stands; what has room of it."""
    snapshot = session.snapshot
    left: list[str | Span] = [("cachetui", "title")]
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
    parts: list[Line] = []
    trouble = signs.trouble(snapshot)
    if snapshot.finished:
        parts.append(((f"✗ {trouble}", "bad") if trouble else ("✓ done", "good"),))
        parts.append(((f"took {units.seconds(snapshot.elapsed)}", "muted"),))
    elif snapshot.stopping:
        parts.append((("stopping…", "warn"),))
    else:
        parts.append(((f"▸ running {signs.clock(snapshot.elapsed)}", "accent"),))
    kept = "kept " if session.read_only else ""
    parts.append(((f"{kept}audit {snapshot.audit}", "muted"),))
    return line(*left), joined(max(width // 2, width - width_of(line(*left)) - 2), parts)
