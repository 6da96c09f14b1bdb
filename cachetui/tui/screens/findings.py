"""Findings: why runs differ, how sure that is, what it costs and what to do about it."""

from __future__ import annotations

import threading
from collections.abc import Hashable, Iterator, Sequence
from typing import ClassVar

from textual import on
from textual.containers import Container
from textual.message import Message
from textual.widget import Widget

from cachetui.findings.record import Finding, Findings
from cachetui.records.document import Document
from cachetui.records.step import StepId
from cachetui.report import units
from cachetui.tui import keys
from cachetui.tui.reasons import Reason, details, hosts_of, ordered, sure
from cachetui.tui.screens.place import Place
from cachetui.tui.session import Pick
from cachetui.tui.text import Line, line
from cachetui.tui.widgets.columns import Column
from cachetui.tui.widgets.grid import Grid
from cachetui.tui.widgets.wrapped import Wrapped

UNEXPLAINED = "unexplained"
NARROW = 60
"""Cells across below which the list has signs alone; the details have the words."""


class FindingsPlace(Place):
    """A row a finding; below or beside it all that is known of the one under the cursor."""

    PLACE = "findings"
    ENTER = "Runs concerned"
    BINDINGS: ClassVar = keys.FINDINGS
    CSS_PATH = "findings.tcss"

    class Found(Message, bubble=False):
        """The findings of an audit were worked out, or could not be."""

        def __init__(self, document: Document, findings: Findings | None, error: str) -> None:
            super().__init__()
            self.document = document
            self.findings = findings
            self.error = error

    def __init__(self) -> None:
        super().__init__()
        self._of: Document | None = None
        self._findings: Findings | None = None
        self._error = ""
        self._rows: tuple[Reason, ...] = ()

    def body(self) -> Iterator[Widget]:
        with Container(id="reasons"):
            yield Grid(cell=self._cell, heading=self._heading, id="findings")
            yield Wrapped(id="details")

    def on_mount(self) -> None:
        self.query_one(Grid).focus()

    # From the session

    def update_place(self) -> None:
        document = self.session.document
        if document is not self._of:
            self._of = document
            self.look_again()
        self._show()

    def look_again(self) -> None:
        """Work the findings out, in a thread: earlier audits are read for it."""
        document = self._of
        self._findings, self._rows, self._error = None, (), ""
        if document is None:
            return

        def body() -> None:
            findings: Findings | None = None
            error = ""
            try:
                findings = self.session.core.findings(document)
            except Exception as caught:  # the store, for one: the screen says so
                error = str(caught)
            self.post_message(self.Found(document, findings, error))

        threading.Thread(target=body, daemon=True, name="findings").start()

    def on_findings_place_found(self, event: Found) -> None:
        if event.document is not self._of:
            return
        self._findings, self._error = event.findings, event.error
        self._rows = ordered(event.findings) if event.findings is not None else ()
        self._show()

    # What is shown

    def _show(self) -> None:
        grid = self.query_one(Grid)
        grid.empty = self._empty()
        found = len(self._findings.findings) if self._findings else 0
        rows: list[Hashable] = list(range(found))
        if len(self._rows) > found:
            rows += [UNEXPLAINED, *range(found, len(self._rows))]
        wide = self.size.width >= NARROW
        grid.show(
            rows,
            (
                Column("cost", ("COST",), 7, align="right"),
                Column("sure", ("HOW SURE",) if wide else ("",), 13 if wide else 2),
                Column("what", ("WHY",), 20, 5, 120),
                Column("hosts", ("HOSTS",), 8, 1, 24),
            ),
        )
        self._show_details()

    def _empty(self) -> tuple[Line, ...]:
        if self._of is None:
            running = self.session.running
            what = "The audit is under way" if running else "No audit has been run or opened yet"
            return (line((f"{what}; findings come when it has ended.", "strong")),)
        if self._error:
            return (line((self._error, "bad")),)
        if self._findings is None:
            return (line(("Looking…", "muted")),)
        return (
            line(("✓ ", "good"), "Nothing to explain: no run missed without being meant to."),
            line(("Runs as found (r, then as found) show what users meet.", "muted")),
        )

    def _heading(self, key: Hashable, width: int) -> Line | None:
        del width
        return line(("Unexplained", "title")) if key == UNEXPLAINED else None

    def _cell(self, key: Hashable, column: Hashable, width: int) -> Line:
        assert isinstance(key, int)
        reason = self._rows[key]
        if column == "sure":
            return sure(reason, sign_only=width < 9)
        if column == "cost":
            return ((units.seconds(reason.seconds), ""),)
        if column == "hosts":
            return ((hosts_of(reason, width), "muted"),)
        more = len(reason.consequences)
        tail = f"  +{more}" if more else ""
        return ((reason.title, "strong"), (tail, "muted"))

    @property
    def here(self) -> Reason | None:
        """What the cursor is on."""
        at = self.query_one(Grid).cursor
        return self._rows[at[0]] if at and isinstance(at[0], int) else None

    def _show_details(self) -> None:
        reason = self.here
        needs = self._findings.needs if self._findings else ()
        dockerfile = self.session.dockerfile()

        def source(width: int) -> Sequence[Line]:
            if reason is None:
                return ()
            ids = {reason.id} if isinstance(reason, Finding) else set(reason.suspects)
            wanted = [need.text for need in needs if not ids or need.id in ids]
            return details(reason, dockerfile, width, wanted)

        self.query_one(Wrapped).tell((self._of and self._of.audit, reason), source)

    def on_resize(self) -> None:
        self.call_after_refresh(self._show)

    @on(Grid.Moved, "#findings")
    def _moved(self) -> None:
        self._show_details()

    # Where it leads

    @on(Grid.Opened, "#findings")
    def _opened(self) -> None:
        reason = self.here
        if reason is None:
            return
        picks = self._picks(reason)
        step = StepId(reason.steps[0].stage_index, reason.steps[0].index) if reason.steps else None
        if not picks:
            self.home.tell("No run of this audit shows it.")
        elif len(picks) > 1:
            self.home.open_compare(picks, step)
        else:
            self.session.choose(picks)
            self.home.open_step(step)

    def _picks(self, reason: Reason) -> tuple[Pick, ...]:
        """The runs concerned: first one of another host that did it otherwise, if there is one."""
        document = self._of
        if document is None:
            return ()
        runs = [r for r in document.runs if r.backend in reason.backends and r.steps]
        wanted = [r for r in runs if r.scenario in reason.scenarios] or [
            r for r in runs if r.kind.as_found or r.kind.cold
        ]
        mine = [r for r in wanted if r.host in reason.hosts]
        if not mine:
            return ()
        scenario, repeat = mine[0].scenario, mine[0].repeat
        others = [
            r
            for r in wanted
            if r.host not in reason.hosts and (r.scenario, r.repeat) == (scenario, repeat)
        ]
        shown = [*others[:1], *(r for r in mine if (r.scenario, r.repeat) == (scenario, repeat))]
        return tuple(Pick(document.audit, r.host, r.scenario, r.repeat) for r in shown[:8])

    def action_prove(self) -> None:
        """Prove the finding under the cursor by an experiment, once that was agreed to."""
        from cachetui.tui.screens.prove import prove

        reason = self.here
        if not isinstance(reason, Finding) or self._of is None:
            self.home.tell("Only a finding can be proved.")
            return
        prove(self.home, self._of, reason, self.look_again_and_show)

    def look_again_and_show(self) -> None:
        """An experiment has ended: what is found may be another."""
        self.look_again()
        self._show()

    def action_details(self) -> None:
        """To the details and back."""
        pane, grid = self.query_one(Wrapped), self.query_one(Grid)
        (grid if pane.has_focus else pane).focus()

    def copy_text(self) -> str | None:
        reason = self.here
        if reason is None:
            return None
        return reason.advice if isinstance(reason, Finding) else reason.title
