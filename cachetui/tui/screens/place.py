"""The base class of places: title, row of places, progress and the foot of keys."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.screen import Screen
from textual.widget import Widget

from cachetui.report import units
from cachetui.tui.app_port import AppPort, app_of
from cachetui.tui.session import Session
from cachetui.tui.view import signs
from cachetui.tui.view.picks import Pick
from cachetui.tui.view.place_names import PLACE_NAMES
from cachetui.tui.view.text import Line, Span, joined, line, width_of
from cachetui.tui.widgets.frame import KeyBar, PlaceTabs, Progress, TitleBar
from cachetui.tui.widgets.grid import Grid

if TYPE_CHECKING:
    from cachetui.records.document import Document
    from cachetui.records.step import StepId
    from cachetui.tui.view.finding_lines import Reason

PLACES: tuple[tuple[str, str], ...] = tuple((name.lower(), name) for name in PLACE_NAMES)
"""The places in the order of their numbers: id and name."""


TO_RUN_OR_OPEN: Line = line(
    ("1", "key"),
    " Fleet, then ",
    ("r", "key"),
    ", runs an audit; ",
    ("6", "key"),
    " History opens one that is stored.",
)
"""What to do where there is no audit to show anything of."""


class Place(Screen[None]):
    """A place: subclasses compose a `body`, and draw it in `update_place`."""

    PLACE: ClassVar[str] = ""
    """The id of the place, as in `PLACES`."""

    ENTER: ClassVar[str] = ""
    """Where `enter` on a row leads, for the foot and the help; "" where it leads nowhere."""

    NEED_ROWS: ClassVar[frozenset[str]] = frozenset()
    """Actions that are possible only where the place's table has rows."""

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
        """The widgets between the row of places and the foot."""
        yield from ()

    @property
    def typed_app(self) -> AppPort:
        """The app, typed."""
        return app_of(self)

    @property
    def session(self) -> Session:
        return self.typed_app.session

    def on_mount(self) -> None:
        self.refresh_place()

    def on_screen_resume(self) -> None:
        self.refresh_place()

    def refresh_place(self) -> None:
        """Draw the place from the current session."""
        if not self.is_mounted or not self.query(TitleBar):
            return  # its widgets are still to come, or gone already while the app ends
        self.show_title()
        self.query_one(Progress).show(self.session.snapshot)
        self.update_place()

    def show_title(self) -> None:
        """Draw the title: whose hosts these are stands behind the build's name."""
        shown = title(
            self.session, self.size.width - 2, self.typed_app.core.hosts_are, self.where_trouble()
        )
        self.query_one(TitleBar).show(*shown)

    def where_trouble(self) -> str:
        """Where the hosts stand that are in trouble, for the title; "" where they are in view."""
        return ""

    def update_place(self) -> None:
        """Draw the body from the session."""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        del parameters
        return action not in self.NEED_ROWS or any(grid.rows for grid in self.query(Grid))

    def copy_text(self) -> str | None:
        """What `y` copies here."""
        return None

    @property
    def exported_audit(self) -> str | None:
        """The stored audit that `e` exports here, None where it is what `exported` gives."""
        return None

    def exported(self) -> Document | None:
        """What `e` exports here: the audit shown, or the part of it in view."""
        return self.session.current()

    def exported_text(self) -> tuple[str, Iterable[str]] | None:
        """A description and the lines, where `e` can write plain text too."""
        return None

    def marked_hosts(self) -> set[str]:
        """The hosts marked here, to start an audit on; none means all."""
        return set()

    def marked_scenarios(self) -> set[str]:
        """The scenarios marked here, to start an audit of; none means all."""
        return set()

    def runs_for_outputs(self) -> tuple[Pick, ...]:
        """The runs whose images `i` compares from here; none means all of the audit."""
        return self.session.picks if len(self.session.picks) > 1 else ()

    def reason_here(self) -> Reason | None:
        """The finding about what the cursor is on, for `w`; None where there is none."""
        return None

    def reason_of_step(self, picks: Sequence[Pick], step: StepId | None) -> Reason | None:
        """The finding about a step in the first of these runs that has one; of the audit shown."""
        from cachetui.findings.record import StepRef
        from cachetui.tui.view.causes import Where, reason_at

        explained = self.session.explained
        if explained.findings is None or explained.document is None:
            return None
        steps = (StepRef.of(step),) if step is not None else None
        for pick in picks:
            if pick.audit == explained.document.audit:
                where = Where((pick.host,), pick.scenario, steps)
                found = reason_at(explained.findings, where)
                if found is not None:
                    return found
        return None

    def excerpt(self, picks: Sequence[Pick]) -> Document | None:
        """These runs as a document; the whole audit when none of them has ended."""
        from cachetui.tui.view.excerpt import excerpt_of_runs

        chosen = [
            (document, run)
            for pick in picks
            if (run := self.session.run(pick)) is not None
            and (document := self.session.document_of(pick)) is not None
        ]
        return excerpt_of_runs(chosen) if chosen else self.session.current()


def title(session: Session, width: int, hosts_are: str = "", where: str = "") -> tuple[Line, Line]:
    """Left and right of the title: the build, what its hosts are, and as much of its audit's state
    as fits, with `where` its trouble is to be seen."""
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
    if hosts_are:
        left.append((f" · {hosts_are}", "accent"))
    if snapshot is None:
        hosts = len(session.hosts)
        return line(*left), line((units.count(hosts, "host") if hosts else "", "muted"))
    parts: list[Line] = []
    trouble = signs.trouble(snapshot)
    if snapshot.finished:
        ended: Span = ("– stopped", "warn") if signs.is_stopped(snapshot) else ("✓ done", "good")
        parts.append(((f"✗ {trouble}{where and f', {where}'}", "bad") if trouble else ended,))
        parts.append(((f"took {units.seconds(snapshot.elapsed)}", "muted"),))
    elif snapshot.stopping:
        parts.append((("stopping…", "warn"),))
    else:
        parts.append(((f"▸ running {signs.clock(snapshot.elapsed)}", "accent"),))
    stored = "stored " if session.read_only else ""
    parts.append(((f"{stored}audit {snapshot.audit}", "muted"),))
    return line(*left), joined(max(width // 2, width - width_of(line(*left)) - 2), parts)
