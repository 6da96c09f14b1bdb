"""The table of Share: steps, totals and what exporting took, below a heading for each group of
hosts; kinds of cache in columns. Pure."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from cachetui.audit.progress import Snapshot
from cachetui.findings.record import Findings
from cachetui.records.document import Document
from cachetui.records.scenario import EXPORT, IMPORT, UNSHARED
from cachetui.records.share import Kept
from cachetui.records.step import StepId
from cachetui.report import cells, units
from cachetui.report.passages import trouble
from cachetui.report.share import MEANINGS, WORDS, ShareRow, ShareTable, ShareView, lay_out_share
from cachetui.tui.view.column import MORE_SIGN_WIDTH, Column
from cachetui.tui.view.text import Line, Tone, clean_line, line

STEP, COLD = "step", ""
"""The keys of the first two columns; the others are names of kinds."""

_TONES: dict[str, Tone] = {"✓": "good", "○": "warn", "✗": "bad", "·": "muted", "–": "muted"}
_OF_WORDS: dict[str, Kept] = {word: kept for kept, word in WORDS.items()}

NO_SHARE: tuple[Line, ...] = (
    line(("No experiment with shared caches is open.", "strong")),
    line("One host builds and exports its cache, others import it. A table then says,"),
    line("step by step, what each kind of cache keeps, and how fast others then build."),
    line(("S", "key"), " starts one; ", ("6", "key"), " History opens one that is kept."),
)


@dataclass(frozen=True, slots=True)
class Here:
    """What the cursor is on: a kind of cache (None: built cold), on a host, at a step."""

    host: str
    kind: str | None
    step: StepId | None

    @property
    def scenario(self) -> str:
        return UNSHARED.name if self.kind is None else f"buildkit-{IMPORT}{self.kind}"


class SharedTable:
    """Rows by key: (table, None) heads a table, (table, stage) a stage, (table, number) is a
    row."""

    def __init__(self) -> None:
        self.document: Document | None = None
        self.view: ShareView | None = None
        self.rows: list[Hashable] = []
        self._rows: dict[Hashable, tuple[ShareTable, ShareRow]] = {}
        self._headings: dict[Hashable, Line] = {}

    def show(self, document: Document | None) -> None:
        """Lay an audit out, where it is such an experiment."""
        share = document.share if document is not None else None
        self.document = document if share is not None else None
        self.view = lay_out_share(document, share) if document is not None and share else None
        self.rows, self._rows, self._headings = [], {}, {}
        for at, table in enumerate(self.view.tables if self.view else ()):
            self._head((at, None), line((table.title, "title")))
            stage = ""
            for number, row in enumerate((*table.rows, *table.totals)):
                if row.stage != stage:
                    stage = row.stage
                    self._head(
                        (at, f"stage {number}"),
                        line((f"── {stage or 'the whole build'} ──", "muted")),
                    )
                self.rows.append((at, number))
                self._rows[at, number] = (table, row)

    def _head(self, key: Hashable, text: Line) -> None:
        self.rows.append(key)
        self._headings[key] = text

    # Drawing

    def heading(self, key: Hashable, width: int) -> Line | None:
        """The line over the whole width of a row that heads others."""
        del width
        return self._headings.get(key)

    def columns(self, width: int) -> tuple[Column, ...]:
        """Step, built cold, and each kind that was tried, in `width` cells."""
        kinds = self.kinds
        room = width - 3 - (14 + 2) * min(4, len(kinds)) - 12 - MORE_SIGN_WIDTH
        return (
            Column(STEP, ("STEP",), max(16, min(52, room)), 3, 90),
            Column(COLD, ("BUILT COLD",), 10, 0, 12),
            *(Column(kind, (kind,), 14, 1, 20) for kind in kinds),
        )

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds that were tried."""
        return self.view.tables[0].columns[1:] if self.view and self.view.tables else ()

    def cell(self, key: Hashable, column: Hashable, width: int) -> Line:
        """A step or total, or what a kind did about it."""
        if key not in self._rows:
            return ()
        table, row = self._rows[key]
        if column == STEP:
            if row.line is None:
                return line((cells.shorten(row.text, width), "strong"))
            return line((f"{row.line:>3} ", "muted"), cells.shorten(row.text, max(4, width - 4)))
        text = self._text(table, row, column)
        return line((text, _TONES.get(text[:1], "")))

    def _text(self, table: ShareTable, row: ShareRow, column: Hashable) -> str:
        names = (COLD, *table.columns[1:])
        return row.cells[names.index(str(column))] if column in names else ""

    # In words

    def verdict(
        self, snapshot: Snapshot | None, findings: Findings | None, width: int, most: int
    ) -> list[Line]:
        """What to make of it, in at most so many lines; while it runs, what each host does."""
        lines: list[Line] = []
        if snapshot is not None and not snapshot.finished:
            lines += [
                line(
                    ("▸ ", "accent"),
                    (f"{cell.host} ", "strong"),
                    doing_of(cell.scenario),
                    (f"  {clean_line(cell.doing)}" if cell.doing else "", "muted"),
                )
                for cell in snapshot.cells
                if cell.state == "building"
            ]
        elif self.view is not None:
            head, *rest = self.view.verdict
            bad = head.startswith(("no", "stopped"))
            sign: tuple[str, Tone] = ("○ ", "warn") if bad else ("✓ ", "good")
            for number, text in enumerate(cells.wrap(head, width - 2)):
                lines.append(line(sign if not number else "  ", (text, "strong")))
            lines += [line("  ", part) for text in rest for part in cells.wrap(text, width - 2)]
            found = findings.findings if findings is not None else ()
            if found:
                told = "; ".join(clean_line(one.title) for one in found)
                text = f"{units.count(len(found), 'finding')}: {told}"
                lines.append(line(("w ", "key"), cells.shorten(text, width - 2)))
        if len(lines) > most:
            lines[most - 1 :] = [line(*lines[most - 1], ("…", "muted"))]
        return lines

    def here(self, at: tuple[Hashable, Hashable] | None) -> Here | None:
        """What the cursor is on; None for a heading, and for what exporting took."""
        if at is None or at[0] not in self._rows:
            return None
        table, row = self._rows[at[0]]
        if not table.hosts:
            return None
        kind = None if at[1] in (STEP, COLD) else str(at[1])
        return Here(row.host or table.hosts[0], kind, row.step)

    def facts(self, at: tuple[Hashable, Hashable] | None, width: int) -> list[Line]:
        """The cell under the cursor in words, then what did not go as it should."""
        lines: list[Line] = []
        share = self.document.share if self.document else None
        if at is not None and at[0] in self._rows and share is not None and self.view is not None:
            table, row = self._rows[at[0]]
            lines.append(line((table.title, "muted"), "  ", (row.text, "strong")))
            text = self._text(table, row, at[1]) if at[1] != STEP else ""
            lines += self._meaning(text, str(at[1]) if at[1] not in (STEP, COLD) else None, table)
        hosts = self.document.hosts if self.document else ()
        troubles = [trouble(host) for host in hosts if host.status in ("failed", "unreachable")]
        for note in (*troubles, *(self.view.notes if self.view else ())):
            lines += _wrapped("! ", note, "warn", width)
        return lines

    def _meaning(self, text: str, kind: str | None, table: ShareTable) -> list[Line]:
        share = self.document.share if self.document else None
        if share is None or kind is None:
            return [line(("built cold: with neither cache nor import", "muted"))] if text else []
        kept = _OF_WORDS.get(text)
        lines = [line((f"{kind}: ", "accent"), MEANINGS[kept])] if kept else []
        one = share.import_of(table.hosts[0], kind) if table.hosts else None
        export = share.export_of(kind)
        if one is not None and one.seconds is not None and not kept:
            cold = units.seconds(share.cold.get(one.host))
            told = f"the whole build takes {units.seconds(one.seconds)} with it, {cold} cold"
            lines.append(line((f"{kind}: ", "accent"), told))
        if not table.hosts and export is not None and export.ref:
            lines.append(line((f"{kind}: ", "accent"), "written to ", clean_line(export.ref)))
        return lines


def doing_of(scenario: str) -> str:
    """What a host does that builds a scenario of the experiment."""
    name = scenario.partition("-")[2]
    if name.startswith(EXPORT):
        return f"exports {name.removeprefix(EXPORT)}"
    return "builds cold" if scenario == UNSHARED.name else f"imports {name.removeprefix(IMPORT)}"


def _wrapped(mark: str, text: str, tone: Tone, width: int) -> list[Line]:
    parts: Sequence[str] = cells.wrap(text, max(10, width - len(mark)))
    return [
        line((mark if number == 0 else " " * len(mark), tone), part)
        for number, part in enumerate(parts)
    ]
