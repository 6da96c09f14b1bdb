"""The matrix of Fleet: hosts in rows, scenarios in columns, or the hosts before an audit. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from cachetui.report import units
from cachetui.report.signs import MARKED
from cachetui.tui.view import before_audit, host_lines, peek_lines, signs
from cachetui.tui.view.causes import (
    Where,
    nothing_to_explain,
    ranks,
    reason_at,
    why_lines,
)
from cachetui.tui.view.column import Column
from cachetui.tui.view.finding_lines import Reason
from cachetui.tui.view.fleet_agreement import FleetAgreement
from cachetui.tui.view.fleet_causes import FleetCauses
from cachetui.tui.view.fleet_columns import FACTS, ColumnChoice, fact_cell, fact_columns
from cachetui.tui.view.fleet_rows import HOST, CellKey, FleetRow, Order, by_host, fleet_rows, merged
from cachetui.tui.view.text import Line, line
from cachetui.tui.view.top_causes import number_of

if TYPE_CHECKING:
    from cachetui.audit.peek_results import Peek
    from cachetui.audit.progress import Cell, HostProgress, Snapshot
    from cachetui.config.settings import HostSettings
    from cachetui.findings.record import Findings
    from cachetui.records.document import Document
    from cachetui.records.host import HostFacts
_ROWS_LOOKED_AT = 40
"""Rows whose signs are explained: more do not fit a screen."""

_FEW_LINES = 6
"""Lines below the matrix that are better used than for a command whose beginning stands above."""

_NOTHING_TO_SEE = {"unsupported", "unreachable", "skipped"}


def _is_in_trouble(host: HostProgress | None) -> bool:
    return host is not None and host.state in ("failed", "unreachable")


class FleetTable:
    """What the matrix shows: `rows` by key, `cells` by host and scenario, `hosts` by name."""

    def __init__(self) -> None:
        self._answers = before_audit.Answers()
        self.rows: dict[str, FleetRow] = {}
        self.cells: dict[str, dict[str, list[Cell]]] = {}
        self.hosts: dict[str, HostProgress] = {}
        self.agreement = FleetAgreement(None)
        self.order = Order()
        self.choice = ColumnChoice()
        self._settings: dict[str, HostSettings] = {}
        self._snapshot: Snapshot | None = None
        self._document: Document | None = None
        self._peeked = peek_lines.Peeked()
        self._causes = FleetCauses()

    def show_hosts(self, hosts: Sequence[HostSettings], answers: before_audit.Answers) -> None:
        """Show the configured hosts and what they report: no audit has been started."""
        self._answers = answers
        self._snapshot = None
        self._settings = {host.name: host for host in hosts}
        self.rows = {host.name: FleetRow(host.name, host.name, (host.name,), "") for host in hosts}
        self.cells, self.hosts = {}, {}

    def show_audit(
        self,
        snapshot: Snapshot,
        document: Document | None,
        *,
        words: str,
        grouped: bool,
        tags: Mapping[str, tuple[str, ...]],
        findings: Findings | None = None,
        peek: Peek | None = None,
        only: Collection[str] = (),
    ) -> None:
        """Show an audit as it stands, the hosts filtered by `words`, and to `only` these if any.
        `document` has the runs that have ended; hosts that `findings` tell the most costly causes
        of come first. `peek` adds the costs to what a peek's runs show."""
        self._peeked.follow(document, peek)
        if document is not self._document:
            self._document = document
            self.agreement = FleetAgreement(document)
        self._snapshot = snapshot
        self.cells = by_host(snapshot)
        self.hosts = {host.name: host for host in snapshot.hosts}
        rows = fleet_rows(
            snapshot,
            document,
            self.agreement,
            words=words,
            order=self.order,
            grouped=grouped,
            tags=tags,
            ranks=ranks(findings, self.hosts),
            only=only,
            said=self._peeked.words(),
        )
        self.rows = {row.key: row for row in rows}

    def verdict(
        self,
        error: BaseException | None,
        findings: Findings | None = None,
        width: int = 80,
        causes: int = 0,
        *,
        typed: bool = True,
    ) -> tuple[Line, ...]:
        """Whether the hosts agree, then the `causes` that cost most, where `typed` with what is to
        be typed; where none is found, what each side did; or `error`, which ended the audit, or why
        its results cannot be kept. Where hosts agree in a peek, how many caches are warm: undecided
        steps are no difference."""
        self._causes.clear()
        if error is not None:
            return (line(("✗ ", "bad"), f"the audit ended early: {error}"),)
        lines = self.agreement.verdict()
        if self._snapshot is not None and self._snapshot.trouble is not None:
            return (line(("✗ ", "bad"), self._snapshot.trouble), *lines[:1])
        if findings is not None and lines and causes and self.agreement.has_reasons(findings):
            return self._causes.show(
                findings,
                self.agreement,
                self.hosts,
                width,
                causes,
                typed=typed,
                summary=tuple(self._peeked.summary()),
            )
        if lines and self.agreement.first is None:
            return (line(*lines[0], *self._peeked.summary()), *lines[1:])
        if lines:
            return lines
        if self._snapshot is not None and not self._snapshot.finished:
            return (line(("Hosts are compared as their runs end.", "muted")),)
        return (line(("Nothing to compare: fewer than two hosts ran a scenario.", "muted")),)

    @property
    def tells_causes(self) -> bool:
        """Whether causes stand above, with what to type."""
        return bool(self._causes)

    def to_copy(self, findings: Findings | None) -> str:
        """What is to be typed for all causes that are shown; "" where there is none."""
        return self._causes.to_copy(findings, self.agreement) if findings is not None else ""

    def columns(self, width: int) -> tuple[Column, ...]:
        """The columns in `width` cells: the hosts, then what was chosen of their facts, and of the
        scenarios, under their builder's name. Scenarios that no host can run come last, for there
        is nothing to see."""
        if self._snapshot is None:
            return before_audit.columns(HOST)
        rows = self.rows.values()
        longest = max((len(row.name) + len(host_lines.group_size(row)) for row in rows), default=8)
        arrow = " ▴" if self.order.backwards else " ▾"
        host_arrow = arrow if self.order.column == HOST else ""
        limit = 44 if width >= 120 else 30 if width >= 60 else 18
        shown, total = sum(len(row.hosts) for row in rows), len(self.hosts)
        count = f"  {shown} of {total}" if shown < total else ""
        hidden = sum(not self.choice.shows(name) for name in self._snapshot.scenarios)
        count += f"  {units.count(hidden, 'column')} hidden" if hidden else ""
        longest += len(self._causes.number(()))
        wide = min(max(longest + 3, len(count), 9), limit)
        columns = [Column(HOST, (count, f"  HOST{host_arrow}"), wide)]
        facts = [self._facts_of(row) for row in rows] if self.choice.facts else []
        columns += fact_columns(self.choice, {self.order.column or HOST: arrow}, facts)
        previous = ""
        for scenario in sorted(self._snapshot.scenarios, key=self._nobody_can_run):
            if not self.choice.shows(scenario):
                continue
            backend, rest = signs.scenario_titles(scenario)
            sorted_by = arrow if self.order.column == scenario else ""
            title = backend if backend != previous else ""
            previous = backend
            columns.append(Column(scenario, (f" {title}", f" {rest}{sorted_by}"), 13, 1, 22))
        return tuple(columns)

    @property
    def scenarios(self) -> tuple[str, ...]:
        """Those of the audit, shown or not; none before an audit."""
        return self._snapshot.scenarios if self._snapshot is not None else ()

    def _nobody_can_run(self, scenario: str) -> bool:
        states = {
            cell.state
            for host_cells in self.cells.values()
            for cell in host_cells.get(scenario, [])
        }
        return bool(states) and states <= _NOTHING_TO_SEE

    def _facts_of(self, row: FleetRow) -> list[HostFacts]:
        """The facts of its hosts, as far as they are known."""
        hosts = (self.hosts.get(name) for name in row.hosts)
        return [host.facts for host in hosts if host is not None and host.facts is not None]

    def merged_cell(self, row: FleetRow, scenario: str) -> Cell | None:
        """One cell for all hosts and repeats of a row."""
        return merged(self.cells, row.hosts, scenario)

    def cell(
        self, row: FleetRow, column: str, width: int, marked: Collection[CellKey | str]
    ) -> Line:
        """What a cell shows. `marked` are marked cells, or names of hosts before an audit."""
        if column == HOST:
            keys = self.keys_of(row, HOST)
            is_marked = row.key in marked or (bool(keys) and all(key in marked for key in keys))
            return host_lines.host_cell(
                row, self.hosts.get(row.key), is_marked, width, self._causes.number(row.hosts)
            )
        if self._snapshot is None:
            return before_audit.cell(self._settings.get(row.key), column, self._answers, width)
        if column in FACTS:
            return fact_cell(column, self._facts_of(row))
        cell = self.merged_cell(row, column)
        if cell is None:
            return ()
        differs = self.agreement.sign_of(row.key, column)
        seen = self._peeked.seen(row.hosts, column)
        if seen:
            shown = signs.before(differs, peek_lines.cell(seen[0], width))
        else:
            shown = signs.cell_line(
                cell,
                width,
                differs=differs,
                times=self._snapshot.repeats,
                hosts=len(row.hosts),
            )
        if any(key in marked for key in self.keys_of(row, column)):
            return line((MARKED, "accent"), *shown[1:])
        return shown

    def key_of_signs(self, above: Sequence[Line], width: int) -> str:
        """What the signs mean that stand in the matrix and in the lines `above` it; "" before an
        audit."""
        if self._snapshot is None:
            return ""
        rows = list(self.rows.values())[:_ROWS_LOOKED_AT]
        columns = (HOST, *self._snapshot.scenarios)
        cells = [self.cell(row, column, 22, ()) for row in rows for column in columns]
        last = self._causes.numbered
        numbered = f"  {number_of(1)}–{number_of(last)} causes above" if last else ""
        key = signs.key_of_signs([*above, *cells], width)
        return key + numbered if len(key) + len(numbered) <= width else key

    def keys_of(self, row: FleetRow, column: str) -> list[CellKey]:
        """The cells of a row: of one scenario, or (`HOST`) of all."""
        return [
            cell.key
            for host in row.hosts
            for scenario, cells in self.cells.get(host, {}).items()
            for cell in cells
            if column in (HOST, scenario)
        ]

    def facts(self, row: FleetRow, column: str, width: int, *, brief: bool = False) -> list[Line]:
        """What is known about the host of a row, and about its cell in words; `brief` leaves out
        the host's resources."""
        lines: list[Line] = []
        hosts = [self.hosts[name] for name in row.hosts if name in self.hosts]
        if hosts:
            lines += host_lines.host_lines(hosts, row, width, brief=brief)
        cell = self.merged_cell(row, column) if column != HOST else None
        if cell is not None:
            reason = hosts[0].reason if hosts else None
            if hosts and hosts[0].state == "unreachable":
                reason = cell.reason  # told of the hosts above
            share = self.agreement.share(row.hosts, column)
            sign = self.agreement.sign_of(row.key, column)
            seen = self._peeked.seen(row.hosts, column)
            if seen:
                known = self._peeked.costs_known
                lines += peek_lines.lines(seen, column, width, sign, share, costs_known=known)
            else:
                lines += host_lines.cell_lines(cell, width, reason, sign, share, len(row.hosts))
        return lines

    def in_trouble(self) -> list[str]:
        """The rows of hosts that could not be reached, or failed."""
        return [
            row.key
            for row in self.rows.values()
            if any(_is_in_trouble(self.hosts.get(name)) for name in row.hosts)
        ]

    def where(self, row: FleetRow, column: str) -> Where:
        """A cell, as the place that a finding can be about."""
        return Where(row.hosts, None if column == HOST else column)

    def why(
        self, row: FleetRow, column: str, findings: Findings, width: int, height: int
    ) -> list[Line]:
        """Why a cell is as it is, in at most `height` lines of `width` cells: the finding that is
        about it, else the one about the hosts that did otherwise. Empty where nothing ended: what
        stands for the cell then says why."""
        found = self.reason(row, column, findings)
        cell = self.merged_cell(row, column) if column != HOST else None
        if cell is not None and cell.state in _NOTHING_TO_SEE:
            return []
        if found is None:
            ended = cell is not None and cell.state in ("done", "stored")
            if cell is None or not ended:
                return []
            unexpected = any(one.first_miss for one in self._peeked.seen(row.hosts, column))
            differs = unexpected or bool(self.agreement.sign_of(row.key, column))
            return [nothing_to_explain(cell.misses, differs=differs)]
        reason, here = found
        elsewhere = "" if here else f"not on {row.name}, which differs"
        told = self._causes.is_typed(reason)
        above = told or (told is not None and height < _FEW_LINES)
        return why_lines(reason, width, height, elsewhere, findings.needs, above=above)

    def reason(
        self, row: FleetRow, column: str, findings: Findings | None
    ) -> tuple[Reason, bool] | None:
        """The finding to show for a cell, and whether it is about the cell itself."""
        here = reason_at(findings, self.where(row, column))
        if here is not None or column == HOST:
            return (here, True) if here is not None else None
        others = self.agreement.unlike(row.key, column)
        there = reason_at(findings, Where(others, column)) if others else None
        return (there, False) if there is not None else None
