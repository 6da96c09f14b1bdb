"""What is said of a host, a run and its steps, as lines. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len

from cachetui.report import cells, units
from cachetui.tui import signs
from cachetui.tui.matrix import FleetRow
from cachetui.tui.text import Line, Span, Tone, clean_line, cut, fit, line

if TYPE_CHECKING:
    from cachetui.audit.progress import Cell, HostProgress
    from cachetui.records.run import Run
    from cachetui.records.step import Step

_SIDE = 21
"""Cells of a run in the list of steps."""


def alike(entry: FleetRow) -> str:
    """How many hosts a row stands for, "" for one."""
    return f": {len(entry.hosts)} hosts alike" if len(entry.hosts) > 1 else ""


def host_cell(entry: FleetRow, host: HostProgress | None, marked: bool, width: int) -> Line:
    """A row's name: the mark, the sign of its state or of the odd one out, how many are alike."""
    sign, _, tone = signs.HOST[host.state] if host else (" ", "", "")
    if entry.odd and sign == "✓":
        sign, tone = "≠", "warn"
    many = alike(entry)
    if 3 + cell_len(entry.name) + len(many) > width:
        many = many.replace(" hosts", "")
    name = cut(entry.name, max(1, width - 3 - len(many)))
    return line(
        ("◆" if marked else " ", "accent"),
        (f"{sign} ", tone),
        (name, "strong" if entry.odd else ""),
        (many, "muted"),
    )


def host_lines(host: HostProgress, entry: FleetRow, width: int) -> list[Line]:
    """What a host told of itself, in two lines; or why it could not, and what would help."""
    tone: Tone
    _, word, tone = signs.HOST[host.state]
    head: list[str | Span] = [(entry.name, "strong"), (f"  {word}", tone)]
    if host.state == "sending" and host.to_send:
        head.append((f" {units.size(host.sent)} of {units.size(host.to_send)}", "muted"))
    facts = host.facts
    if facts is not None:
        buildx = f" · buildx {facts.buildx}" if facts.buildx else " · no buildx"
        head.append((f" · Docker {facts.engine}{buildx} · {facts.store} · {facts.platform}", ""))
    lines = [tuple(line(*head))]
    if facts is not None:
        parts = [
            f"{facts.cores} cores" if facts.cores else "",
            f"load {facts.load:.1f}" if facts.load is not None else "",
            f"memory {units.size(facts.memory_bytes)}" if facts.memory_bytes else "",
            f"disk {units.size(facts.free_bytes)} free" if facts.free_bytes else "",
            f"build cache {units.size(facts.df['Build Cache'])}"
            if "Build Cache" in facts.df
            else "",
        ]
        lines.append((("  " + " · ".join(part for part in parts if part), "muted"),))
    for sign, tone, text in (("✗", "bad", host.reason), ("→", "accent", host.remedy)):
        wrapped = cells.wrap(clean_line(text or ""), width - 4)
        for number, part in enumerate(wrapped):
            lines.append(line((f"  {' ' if number else sign} ", tone), part))
    return lines


def step_lines(runs: list[Run], width: int, most: int) -> list[Line]:
    """The steps of a run in `most` lines, beside those of another when there is one; where not
    all have room, those that differ."""
    names = [run.host for run in runs]
    from cachetui.compare.align import align

    rows = align(runs)
    longest = max((cell_len(clean_line(row.instruction)) for row in rows), default=0) + 9
    room = max(10, min(max(longest, 40), width - _SIDE * len(runs) - 1))
    shown_rows = [row for row in rows if row.differs] if len(rows) >= most else list(rows)
    left_out = len(rows) - len(shown_rows)
    head = f"   {runs[0].scenario}"
    if left_out and shown_rows and len(head) + 19 <= room:
        head += ": where they differ"
    if left_out and not shown_rows:
        steps = units.count(left_out, "step")
        if len(runs) == 1:
            return [line((head, "title")), ((f"   {steps} · enter shows them", "muted"),)]
        same = f"   ✓ none of {steps} differs between {names[0]} and {names[1]}"
        return [line((head, "title")), line((same, "good"), (" · enter shows them", "muted"))]
    lines = [
        line(
            *fit(((head, "title"),), room),
            *(part for name in names for part in fit(((f"  {name}", "strong"),), _SIDE)),
        )
    ]
    if len(shown_rows) >= most:
        left_out += len(shown_rows) - most + 2
        shown_rows = shown_rows[: most - 2]
    for row in shown_rows:
        sign: Span = ("≠ ", "warn") if row.differs else ("  ", "")
        number: Span = (f"{row.line:>3} ", "muted")
        text = cells.shorten(clean_line(row.instruction), room - 7)
        shown = fit(line(sign, number, (text, "strong" if row.differs else "")), room)
        for column, step in enumerate(row.cells):
            if step is None:
                shown = line(*shown, *fit((("  –", "muted"),), _SIDE))
                continue
            odd = row.differs and column == 0
            seconds = units.seconds(step.seconds) if step.seconds is not None else ""
            status = line(
                ("≠" if odd else " ", "odd" if odd else ""), " ", *signs.step_status(step)
            )
            shown = line(*shown, *fit(status, 15), *fit(((f"{seconds:>6}", ""),), _SIDE - 15))
        lines.append(shown)
    if left_out and len(lines) < most:
        lines.append(((f"   {units.count(left_out, 'more step')} · enter compares all", "muted"),))
    return lines


def cell_facts(cell: Cell, told: str | None = None) -> Line:
    """A cell in one line of words, without a reason that was `told` already."""
    sign, word, tone = signs.CELL[cell.state]
    spans: list[str | Span] = [(f"  {cell.scenario} ", "strong"), (f"{sign} {word}", tone)]
    if cell.state == "building":
        spans.append(f" step {cell.step} of {cell.steps}: {cell.doing}")
    elif cell.state in ("done", "stored"):
        spans.append(f" · {cell.hits} hit, {cell.misses} missed · {units.seconds(cell.seconds)}")
    if cell.state == "building" and cell.expected:
        spans.append((f" · took {units.seconds(cell.expected)} before", "muted"))
    if cell.age is not None:
        spans.append((f" · stored, run {units.age(cell.age)}", "muted"))
    if cell.reason and cell.reason != told:
        spans.append((f" · {cell.reason}", ""))
    return line(*spans)


def step_cell(step: Step | None, base: Step | None, width: int, slowest: float) -> Line:
    """A step of one run: status, seconds, difference to the baseline's, a bar of its share.

    `base` is the baseline's step, None in the baseline's own column.
    """
    sign, word, tone = signs.of_step(step)
    odd = base is not None and signs.of_step(base)[1] != word
    spans: list[Span] = [("≠" if odd else " ", "odd" if odd else "")]
    spans.append((f"{sign} {word}".ljust(9), tone))
    seconds = step.seconds if step is not None else None
    if seconds is None:
        return tuple(spans)
    spans.append((f"{units.seconds(seconds):>6}", ""))
    change = difference(seconds, base.seconds) if base is not None else ""
    left = width - 16
    if width >= 28 or change:  # in a narrow column the bar takes the place of no difference
        spans.append((f" {change:>7}", "muted"))
        left -= 8
    if left >= 4 and seconds and slowest > 0 and word != "base":
        bar = signs.bar(seconds / slowest, left - 1).rstrip() or "▏"
        spans.append((f" {bar}", tone if tone == "bad" else "accent"))
    return tuple(spans)


def step_facts(step: Step | None, name: str) -> Line:
    """A step of one run in words."""
    if step is None:
        return line((f"{name}: ", "muted"), "it has no step of its own for this line")
    words: list[str | Span] = [(f"{name}: ", "muted"), *signs.step_status(step)]
    if step.seconds is not None:
        by = {
            "engine": "measured by the engine",
            "printed": "as printed",
            "arrival": "by when its output came",
        }.get(step.timing or "", "")
        words.append(f" · {units.seconds(step.seconds)}")
        words.append((f" {by}", "muted"))
    if step.log_lines:
        words.append(f" · {units.count(step.log_lines, 'line')} of log")
    if step.same_as is not None:
        stage, index = step.same_as
        words.append((f" · built once with the equal step {stage}/{index}", "muted"))
    return line(*words)


def difference(seconds: float | None, base: float | None) -> str:
    """Seconds more or less than the baseline's: "+1.2s", "-0.4s", "" where there is none."""
    if seconds is None or base is None:
        return ""
    more = seconds - base
    if abs(more) < 0.05:
        return "±0" if seconds >= 0.05 else ""
    return ("+" if more > 0 else "-") + units.seconds(abs(more))
