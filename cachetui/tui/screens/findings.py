"""Findings: why runs differ, how sure that is, what it costs and what to do about it."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from typing import ClassVar

from rich.cells import cell_len
from textual import on
from textual.containers import Container
from textual.widget import Widget

from cachetui.findings.record import Finding, Findings, Need
from cachetui.records.document import Document
from cachetui.report import costs, units
from cachetui.report.reasons import commands_of
from cachetui.report.shell import first_way
from cachetui.tui.screens.open_runs import open_compare, open_step
from cachetui.tui.screens.place import TO_RUN_OR_OPEN, Place
from cachetui.tui.view import keys
from cachetui.tui.view.column import Column
from cachetui.tui.view.finding_lines import (
    Reason,
    confidence_span,
    details,
    hosts_of,
    in_few_words,
    in_order,
)
from cachetui.tui.view.picks import Pick
from cachetui.tui.view.runs_concerned import runs_concerned
from cachetui.tui.view.text import Line, line
from cachetui.tui.widgets.grid import Grid
from cachetui.tui.widgets.wrapped_page import WrappedPage

UNEXPLAINED = "unexplained"
NARROW = 60
"""Width in cells below which the list has signs only; the details have the words."""

_WHOLE_COST = 19
"""Cells of a column that says which builds pay the seconds."""


class FindingsPlace(Place):
    """One row per finding; below or beside it the details of the one under the cursor."""

    PLACE = "findings"
    ENTER = "Runs concerned"
    BINDINGS: ClassVar = keys.FINDINGS
    NEED_ROWS: ClassVar = frozenset(("prove", "details"))
    CSS_PATH = "findings.tcss"

    def __init__(self) -> None:
        super().__init__()
        self._document: Document | None = None
        self._findings: Findings | None = None
        self._rows: tuple[Reason, ...] = ()

    def body(self) -> Iterator[Widget]:
        with Container(id="reasons"):
            yield Grid(cell=self._cell, heading=self._heading, id="findings")
            yield WrappedPage(id="details")

    def on_mount(self) -> None:
        self.query_one(Grid).focus()

    # From the session

    def update_place(self) -> None:
        explained = self.session.explained
        if explained.findings is not self._findings or explained.document is not self._document:
            self._document, self._findings = explained.document, explained.findings
            self._rows = in_order(explained.findings) if explained.findings is not None else ()
        self._show()

    # What is shown

    def _show(self) -> None:
        grid = self.query_one(Grid)
        grid.empty = self._empty()
        explained = len(self._findings.findings) if self._findings else 0
        rows: list[Hashable] = list(range(explained))
        if len(self._rows) > explained:
            rows += [UNEXPLAINED, *range(explained, len(self._rows))]
        wide = self.size.width >= NARROW
        grid.show(
            rows,
            ()
            if not rows
            else (
                Column("cost", ("COST",), _WHOLE_COST if wide else 7),
                Column("sure", ("HOW SURE",) if wide else ("",), 13 if wide else 2),
                Column("what", ("WHY",), 20, 5, 120),
                Column("hosts", ("HOSTS",), 8, 1, 24),
            ),
        )
        self.query_one(WrappedPage).display = bool(rows)
        wanted = self.session.reason
        if wanted is not None and wanted in self._rows:
            grid.move_to_key(self._rows.index(wanted))
            self.session.reason = None
        self._show_details()

    def _empty(self) -> tuple[Line, ...]:
        if self._document is None:
            running = self.session.running
            what = "The audit is under way" if running else "No audit has been run or opened yet"
            told = line((f"{what}; findings come when it has ended.", "strong"))
            return (told,) if running else (told, TO_RUN_OR_OPEN)
        if self.session.explained.error:
            return (line((self.session.explained.error, "bad")),)
        if self._findings is None:
            return (line(("Looking…", "muted")),)
        return (
            line(("✓ ", "good"), "Nothing to explain: every miss was expected."),
            line(('Runs as found (r, then "as found") show what users get.', "muted")),
        )

    def _heading(self, key: Hashable, width: int) -> Line | None:
        del width
        return line(("Unexplained", "title")) if key == UNEXPLAINED else None

    def _cell(self, key: Hashable, column: Hashable, width: int) -> Line:
        assert isinstance(key, int)
        reason = self._rows[key]
        if column == "sure":
            return confidence_span(reason, sign_only=width < 9)
        if column == "cost":
            cost = costs.brief(reason)
            return ((cost if width >= _WHOLE_COST else cost.partition(" ")[0], ""),)
        if column == "hosts":
            return ((hosts_of(reason, width), "muted"),)
        below = len(reason.consequences)
        later = units.count(below, "later step")
        for tail in (f"  +{later}", f"  +{below} later") if below else ():
            text = in_few_words(reason, width - len(tail))
            if cell_len(text) + len(tail) <= width and not text.endswith("…"):
                return ((text, "strong"), (tail, "muted"))
        return ((in_few_words(reason, width), "strong"),)

    @property
    def reason(self) -> Reason | None:
        """The finding, or unexplained difference, under the cursor."""
        at = self.query_one(Grid).cursor
        return self._rows[at[0]] if at and isinstance(at[0], int) else None

    @property
    def _needs(self) -> Sequence[Need]:
        return self._findings.needs if self._findings else ()

    def _show_details(self) -> None:
        reason = self.reason
        needs = self._needs
        dockerfile = self.session.dockerfile()

        def source(width: int) -> Sequence[Line]:
            if reason is None:
                return ()
            ids = {reason.id} if isinstance(reason, Finding) else set(reason.suspects)
            unknown = [need for need in needs if not ids or need.id in ids]
            return details(reason, dockerfile, width, unknown)

        self.query_one(WrappedPage).show_source(
            (self._document and self._document.audit, reason), source
        )

    def on_resize(self) -> None:
        self.call_after_refresh(self._show)

    @on(Grid.Moved, "#findings")
    def _moved(self) -> None:
        self._show_details()

    # Where it leads

    @on(Grid.Opened, "#findings")
    def _opened(self) -> None:
        reason, document = self.reason, self._document
        if reason is None or document is None:
            return
        concerned = runs_concerned(document, reason)
        picks = [Pick(document.audit, run.host, run.scenario, run.repeat) for run in concerned.runs]
        if not picks:
            self.typed_app.tell("No run of this audit shows this cause.")
        elif len(picks) > 1:
            open_compare(self.typed_app, picks, concerned.step)
        else:
            self.session.choose(picks)
            open_step(self.typed_app, concerned.step)

    def action_prove(self) -> None:
        """Prove the finding under the cursor by an experiment, after a question."""
        from cachetui.tui.screens.prove import prove

        reason = self.reason
        if not isinstance(reason, Finding) or self._document is None:
            self.typed_app.tell("Only a finding can be proved.")
            return
        prove(self.typed_app, self._document, reason, self._experiment_ended)

    def _experiment_ended(self) -> None:
        """The findings may be others after an experiment."""
        self.session.explained.again()
        self.refresh_place()

    def action_details(self) -> None:
        """Move the focus to the details, and back."""
        pane, grid = self.query_one(WrappedPage), self.query_one(Grid)
        (grid if pane.has_focus else pane).focus()

    def copy_text(self) -> str | None:
        reason = self.reason
        if reason is None:
            return None
        commands = commands_of(reason, self._needs)
        if commands:
            return "\n".join(command.text for command in first_way(commands))
        return reason.advice if isinstance(reason, Finding) else reason.title
