"""A host and its runs in words, for Fleet. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len

from cachetui.report import cells, units
from cachetui.report.signs import MARKED
from cachetui.tui.view import signs
from cachetui.tui.view.fleet_rows import FleetRow
from cachetui.tui.view.text import Line, Span, Tone, clean_line, cut, line

if TYPE_CHECKING:
    from cachetui.audit.progress import Cell, HostProgress
    from cachetui.records.host import HostFacts


def group_size(row: FleetRow) -> str:
    """How many hosts a row stands for; "" for one."""
    return f": {len(row.hosts)} hosts alike" if len(row.hosts) > 1 else ""


def host_cell(row: FleetRow, host: HostProgress | None, marked: bool, width: int) -> Line:
    """A row's name in `width` cells: the mark, the sign of its state or of the odd one out, the
    name, and how many hosts it stands for."""
    sign, _, tone = signs.HOST[host.state] if host else (" ", "", "")
    if row.odd and sign == "✓":
        sign, tone = "≠", "warn"
    size = group_size(row)
    if 3 + cell_len(row.name) + len(size) > width:
        size = size.replace(" hosts", "")
    name = cut(row.name, max(1, width - 3 - len(size)))
    return line(
        (MARKED if marked else " ", "accent"),
        (f"{sign} ", tone),
        (name, "strong" if row.odd else ""),
        (size, "muted"),
    )


def host_lines(host: HostProgress, row: FleetRow, width: int) -> list[Line]:
    """What a host reported about itself, in two lines; then its error and the remedy, if any."""
    tone: Tone
    _, word, tone = signs.HOST[host.state]
    head: list[str | Span] = [(row.name, "strong"), (f"  {word}", tone)]
    if host.state == "sending" and host.to_send:
        head.append((f" {units.size(host.sent)} of {units.size(host.to_send)}", "muted"))
    facts = host.facts
    if facts is not None:
        buildx = f" · buildx {facts.buildx}" if facts.buildx else " · no buildx"
        head.append((f" · Docker {facts.engine}{buildx} · {facts.store} · {facts.platform}", ""))
    lines = [tuple(line(*head))]
    if facts is not None:
        lines.append((("  " + _resources(facts), "muted"),))
    for sign, tone, text in (("✗", "bad", host.reason), ("→", "accent", host.remedy)):
        wrapped = cells.wrap(clean_line(text or ""), width - 4)
        for number, part in enumerate(wrapped):
            lines.append(line((f"  {' ' if number else sign} ", tone), part))
    return lines


def _resources(facts: HostFacts) -> str:
    parts = [
        f"{facts.cores} cores" if facts.cores else "",
        f"load {facts.load:.1f}" if facts.load is not None else "",
        f"memory {units.size(facts.memory_bytes)}" if facts.memory_bytes else "",
        f"disk {units.size(facts.free_bytes)} free" if facts.free_bytes else "",
        f"build cache {units.size(facts.df['Build Cache'])}" if "Build Cache" in facts.df else "",
    ]
    return " · ".join(part for part in parts if part)


def cell_line(cell: Cell, host_reason: str | None = None) -> Line:
    """A cell of the matrix in words. Its reason is left out when it is the host's own."""
    sign, word, tone = signs.CELL[cell.state]
    spans: list[str | Span] = [(f"  {cell.scenario} ", "strong"), (f"{sign} {word}", tone)]
    if cell.state == "building":
        spans.append(f" {cell.step} of {units.count(cell.steps, 'step')}" if cell.steps else "")
        spans.append(f": {cell.doing}" if cell.doing else "")
    elif cell.state in ("done", "stored"):
        spans.append(f" · {cell.hits} hit, {cell.misses} missed · {units.seconds(cell.seconds)}")
    if cell.state == "building" and cell.expected:
        spans.append((f" · took {units.seconds(cell.expected)} before", "muted"))
    if cell.age is not None:
        spans.append((f" · stored, run {units.age(cell.age)}", "muted"))
    if cell.reason and cell.reason != host_reason:
        spans.append((f" · {cell.reason}", ""))
    return line(*spans)
