"""The parts of the terminal's table: blocks of steps, what agrees, failures, verdict, why.

Scenarios stand side by side as far as the width goes, the rest in blocks below, each with the steps
named again: no line wraps, and the hosts of one scenario, which are compared, stay together.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from cachetui.report import cells, overview_table, units
from cachetui.report.clean import clean_line
from cachetui.report.columns import Column
from cachetui.report.passages import LEFT, TROUBLES
from cachetui.report.reasons import NEEDS, OTHERS, Needed, Reason, Reasons
from cachetui.report.shell import to_paste
from cachetui.report.style import paint
from cachetui.report.view import DIFFERENCES, View

NARROWEST = 40
"""A narrower terminal is drawn for as if it were this wide."""

_LABEL_MAX = 52
_COLUMN_MAX = 22
_BETWEEN = " │ "


@dataclass(frozen=True, slots=True)
class _Drawn:
    """A column with its widths, which its scenario shares: of words, of seconds, and in all."""

    column: Column
    word: int
    seconds: int
    width: int


_Block = list[list[_Drawn]]
"""Parts that stand side by side: each is columns of one scenario."""


class Table:
    """`gap` is what stands between columns: two cells, one where room is dear."""

    def __init__(self, view: View, width: int, color: bool) -> None:
        self.view = view
        self.width = width
        self.color = color
        self.gap = "  " if width >= 100 else " "
        self.number = max((len(str(row.line)) for row in view.rows), default=1)
        self.margin = 2 + self.number + 1 + 2
        longest = max((cells.width(row.instruction) for row in view.rows), default=0)
        self.longest = max(longest, len("seconds"))

    def paint(self, text: str, style: str) -> str:
        return paint(text, style, self.color)

    def heading(self) -> list[str]:
        """The build, and its facts."""
        lines = [self.paint(cells.clip(self.view.title, self.width), "bold")]
        facts = cells.wrap(", ".join(self.view.facts), self.width)
        return lines + self._painted(facts, "dim")

    def columns(self, *, short: bool = False) -> list[str]:
        """Which hosts stand behind columns: of each as many as a line holds where it is to be
        `short`."""
        lines = [""] if self.view.folded else []
        for label, names in self.view.folded:
            text = f"{label} = {names}"
            lines += (
                [cells.clip_names(text, self.width)]
                if short
                else cells.wrap(text, self.width, "", "  ")
            )
        return lines

    def blocks(self, brief: Collection[str] = ()) -> list[_Block]:
        """The columns, in blocks that fit beside the names of the steps; not those of the scenarios
        in `brief`."""
        least = 12 if self.width < 64 else 18 if self.width < 100 else 30
        room = self.width - self.margin - min(least, self.longest)
        blocks: list[_Block] = []
        left = 0
        for scenario, columns in self.view.scenarios.items():
            if scenario in brief:
                continue
            for part in self._parts(_draw(columns), room):
                needed = self._width(part) + len(_BETWEEN)
                if needed > left:
                    blocks.append([])
                    left = room + len(_BETWEEN)
                blocks[-1].append(part)
                left -= needed
        return blocks

    def agreeing(
        self, clauses: Mapping[str, str], *, short: bool = False, folded: bool = False
    ) -> list[str]:
        """A line for each scenario in which all hosts agree (one in all where it is to be `short`),
        and how to see what is left out of it or was folded."""
        more = self._painted([f"(--all shows {'every step' if folded else 'their steps'})"], "dim")
        if not clauses:
            return more if folded else []
        if short:
            text = f"all hosts agree in {', '.join(map(clean_line, clauses))} (--all shows all)"
            return cells.wrap(text, self.width)
        names = max(map(cells.width, clauses))
        lines = [
            cells.clip(f"{cells.pad(clean_line(name), names)}  {clause}", self.width)
            for name, clause in clauses.items()
        ]
        return ["", *lines, *more]

    def _parts(self, columns: Sequence[_Drawn], room: int) -> list[list[_Drawn]]:
        """The columns of a scenario in as few parts as fit `room` each, of like size."""
        at_most = max(1, (room + len(self.gap)) // (columns[0].width + len(self.gap)))
        count = -(-len(columns) // at_most)
        each = -(-len(columns) // count)
        return [list(columns[i : i + each]) for i in range(0, len(columns), each)]

    def _width(self, part: Sequence[_Drawn]) -> int:
        """Cells that a part takes: at least the name of its scenario."""
        return max(self._used(part), cells.width(part[0].column.scenario))

    def _used(self, part: Sequence[_Drawn]) -> int:
        return sum(drawn.width for drawn in part) + len(self.gap) * (len(part) - 1)

    def _across(self, block: _Block, text: Callable[[_Drawn], str]) -> str:
        """A line of a block: `text` gives each column's, filled to its width."""
        sides: list[str] = []
        for part in block:
            fill = " " * (self._width(part) - self._used(part))
            sides.append(self.gap.join(map(text, part)) + fill)
        return _BETWEEN.join(sides)

    def block(self, block: _Block, *, folded: bool = False) -> list[str]:
        """A block: scenarios, hosts, steps, totals. Where it is `folded`, steps in a row that every
        column has alike share a row, and those that nobody runs have none."""
        inner = sum(map(self._width, block)) + len(_BETWEEN) * (len(block) - 1)
        label = max(0, min(_LABEL_MAX, self.longest, self.width - self.margin - inner))
        left = self.margin + label
        names = [cells.pad(part[0].column.scenario, self._width(part)) for part in block]
        hosts = self._across(block, lambda drawn: cells.pad(drawn.column.label, drawn.width))
        lines = [
            " " * left + _BETWEEN.join(self._painted(names, "bold")),
            " " * left + hosts,
        ]
        stage = ""
        for positions in self._rows(block, folded):
            row = self.view.rows[positions[0]]
            if row.stage != stage and not folded:
                stage = row.stage
                lines.append(self.paint(cells.clip(f"── {stage} ──", self.width), "dim"))
            mark = row.sign({part[0].column.scenario for part in block})
            sign = self.paint(mark, "bold") if mark else " "
            name = cells.pad(self._name(positions, label), label)
            across = self._across(block, self._drawer(positions))
            lines.append(f"{sign} {row.line:{self.number}} {name}  {across}")
        lines.append(self.paint("─" * (left + inner), "dim"))
        return lines + self._totals(block, left)

    def _rows(self, block: _Block, folded: bool) -> Iterator[list[int]]:
        """The positions of the steps that share a row, row by row."""
        columns = [drawn.column for part in block for drawn in part]
        scenarios = {column.scenario for column in columns}
        unseen = {"absent", "base", "not-needed"} if folded else {"absent"}
        shown = [
            position
            for position in range(len(self.view.rows))
            if not all(column.cells[position].status in unseen for column in columns)
        ]
        if not folded:
            yield from ([position] for position in shown)
            return

        def look(position: int) -> tuple[object, ...]:
            seen = [column.cells[position] for column in columns]
            looks = [(cell.status, cell.sign, cell.word) for cell in seen]
            return (self.view.rows[position].sign(scenarios), *looks)

        yield from (list(positions) for _, positions in groupby(shown, look))

    def _name(self, positions: Sequence[int], width: int) -> str:
        """The first of these steps, and how far they go."""
        first, last = self.view.rows[positions[0]], self.view.rows[positions[-1]]
        more = f" … to line {last.line}" if len(positions) > 1 else ""
        return cells.shorten(first.instruction, max(0, width - len(more))) + more

    def _drawer(self, positions: Sequence[int]) -> Callable[[_Drawn], str]:
        """Draws a column's cell of these steps, which look alike: with the seconds of all."""

        def draw(drawn: _Drawn) -> str:
            own = [drawn.column.cells[position] for position in positions]
            cell, took = own[0], [each.took for each in own if each.seconds]
            seconds = units.seconds(sum(took)) if len(own) > 1 and took else cell.seconds
            what = cells.pad(f"{cell.sign} {cell.word}", 2 + drawn.word)
            text = f"{what} {cells.pad(seconds, drawn.seconds, right=True)}"
            filled = " " * (drawn.width - cells.width(text))
            return self.paint(text, "odd" if cell.odd else cell.status) + filled

        return draw

    def _totals(self, block: _Block, left: int) -> list[str]:
        columns = [drawn.column for part in block for drawn in part]

        def line(name: str, text: Callable[[_Drawn], str]) -> str:
            return cells.pad(f"{' ' * (self.number + 3)}{name}", left) + self._across(block, text)

        def seconds(drawn: _Drawn) -> str:
            inside = 2 + drawn.word + 1 + drawn.seconds
            return cells.pad(cells.pad(drawn.column.seconds, inside, right=True), drawn.width)

        def ending(drawn: _Drawn) -> str:
            text = cells.pad(drawn.column.ending, drawn.width)
            return text if drawn.column.ending == "ok" else self.paint(text, "failed")

        lines = [
            line("hits", lambda drawn: cells.pad(drawn.column.ratio, drawn.width)),
            line("seconds", seconds),
        ]
        if any(column.ending != "ok" for column in columns):
            lines.append(line("result", ending))
        if any(column.stored for column in columns):
            lines.append(line("stored", lambda drawn: cells.pad(drawn.column.stored, drawn.width)))
        return lines

    def legend(self, hidden: Collection[str] = (), *, short: bool = False) -> list[str]:
        """What the signs and words mean that stand outside the `hidden` scenarios; those of where
        hosts differ alone where it is to be `short`."""
        meanings = self.view.legend_without_agreeing if hidden else self.view.legend
        if short:
            return self._painted(
                cells.wrap("; ".join(m for m in meanings if m in DIFFERENCES), self.width), "dim"
            )
        legend = cells.wrap("; ".join(meanings), self.width)
        return ["", *self._painted(legend, "dim")] if legend else []

    def failures(self) -> list[str]:
        lines: list[str] = []
        for failure in self.view.failures:
            head = f"✗ {', '.join(failure.scenarios)} on {failure.hosts}: {failure.reason}"
            lines += ["", *self._painted(cells.wrap(head, self.width, "", "  "), "failed")]
            lines += cells.wrap(failure.step, self.width, "  ", "    ")
            lines += [f"  │ {cells.clip(line, self.width - 4)}" for line in failure.tail]
        return lines

    def passages(self) -> list[str]:
        lines: list[str] = []
        for passage in self.view.passages:
            lines += ["", self.paint(passage.heading, "bold")]
            for text in passage.lines:
                lines += cells.wrap(text, self.width, "  ", "    ")
        return lines

    def passages_in_short(self) -> list[str]:
        """What is wrong with hosts, what is left there, and how much more there is to read."""
        lines: list[str] = []
        others: list[str] = []
        for passage in self.view.passages:
            if passage.heading in (TROUBLES, LEFT):
                text = f"{passage.heading}: {'; '.join(passage.lines)}"
                lines += cells.wrap(text, self.width, "", "  ")
            else:
                others.append(f"{passage.heading} ({len(passage.lines)})")
        if others:
            more = f"--all shows more: {', '.join(others)}"
            lines += self._painted(cells.wrap(more, self.width, "", "  "), "dim")
        return lines

    def verdict(self, places: Iterable[str]) -> list[str]:
        """The headline, and these places where hosts differ."""
        headline = self.view.verdict[0]
        sign = f"{self.view.sign} " if self.view.sign else ""
        lines = ["", *self._painted(cells.wrap(sign + headline, self.width), "bold")]
        for text in places:
            lines += cells.wrap(text, self.width, "  ", "    ")
        return lines

    def overview(self, brief: Collection[str]) -> list[str]:
        """Groups of hosts by the scenarios that are not in `brief`; nothing where each host has a
        column of its own."""
        table = self.view.overview
        if table is None or not self.view.folded:
            return []
        return overview_table.text_lines(table, brief, self.width, self.color)

    def why(self, reasons: Reasons, *, spaced: bool = True, headings: bool = True) -> list[str]:
        """The causes; `spaced` says whether an empty line stands between the sections, and
        `headings` whether each begins with one."""
        lines: list[str] = []
        space = [""] if spaced else []
        needed = self._needs(reasons.needs, space)
        for heading, members in reasons.sections:
            if heading == OTHERS:
                lines += needed
            lines += [*space, self.paint(heading, "bold")] if headings else []
            for reason in members:
                lines += self._reason(reason)
        lines += [] if reasons.others else needed
        if reasons.rest:
            lines += [*space, *self._painted(cells.wrap(reasons.rest, self.width), "dim")]
        return lines

    def _needs(self, needs: Sequence[Needed], space: list[str]) -> list[str]:
        lines = [*space, self.paint(NEEDS, "bold")] if needs else []
        for need in needs:
            lines += cells.wrap(need.text, self.width, "  ", "    ")
            lines += to_paste(need.command, self.width, "      ") if need.command else []
        return lines

    def _reason(self, reason: Reason) -> list[str]:
        head = f"{reason.sign} {reason.title}"
        lines = self._painted(cells.wrap(head, self.width, "  ", "    "), "bold")
        facts = "; ".join((*reason.facts, *filter(None, [reason.name])))
        lines += self._painted(cells.wrap(facts, self.width, "    ", "    "), "dim")
        more = f"and {reason.hidden} more" if reason.hidden else ""
        for text in filter(None, [*reason.evidence, more]):
            lines += cells.wrap(f"- {text}", self.width, "    ", "      ")
        if reason.advice:
            lines += cells.wrap(f"→ {reason.advice}", self.width, "    ", "      ")
        for command in reason.commands:
            if command.heading:
                lines += cells.wrap(command.heading, self.width, "      ", "        ")
            lines += to_paste(command.text, self.width, "      ")
        return lines

    def _painted(self, lines: Sequence[str], style: str) -> list[str]:
        return [self.paint(line, style) for line in lines]


def _draw(columns: Sequence[Column]) -> list[_Drawn]:
    """The columns of a scenario, all of one width."""
    shown = [cell for column in columns for cell in column.cells]
    word = max((cells.width(cell.word) for cell in shown), default=0)
    figures = [*(cell.seconds for cell in shown), *(column.seconds for column in columns)]
    seconds = max(map(cells.width, figures))
    totals = max(
        cells.width(text)
        for column in columns
        for text in (column.ratio, column.ending, column.stored, column.label)
    )
    width = max(2 + word + 1 + seconds, min(totals, _COLUMN_MAX))
    return [_Drawn(column, word, seconds, width) for column in columns]
