"""A host and its runs in words, for Fleet. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.cells import cell_len

from cachetui.records.scenario import Scenario
from cachetui.report import cells, units
from cachetui.report.signs import MARKED
from cachetui.tui.view import signs
from cachetui.tui.view.fleet_rows import FleetRow
from cachetui.tui.view.several_hosts import mixed, ranged
from cachetui.tui.view.text import Line, Span, Tone, clean_line, line, width_of

if TYPE_CHECKING:
    from cachetui.audit.progress import Cell, HostProgress
    from cachetui.records.host import HostFacts


def group_size(row: FleetRow) -> str:
    """How many hosts a row stands for; "" for one."""
    return f": {len(row.hosts)} hosts alike" if len(row.hosts) > 1 else ""


def host_cell(
    row: FleetRow, host: HostProgress | None, marked: bool, width: int, number: str = ""
) -> Line:
    """A row's name in `width` cells: the mark, the sign of its state or of how hosts differ, the
    `number` of its cause, the name, and how many hosts it stands for."""
    sign, _, tone = signs.HOST[host.state] if host else (" ", "", "")
    if row.sign and sign == "✓":
        sign, tone = row.sign, "warn"
    size = group_size(row)
    width -= len(number)
    if 3 + cell_len(row.name) + len(size) > width:
        size = size.replace(" hosts", "")
    name = cells.clip_names(clean_line(row.name), max(1, width - 3 - len(size)))
    return line(
        (MARKED if marked else " ", "accent"),
        (f"{sign} ", tone),
        (number, "key"),
        (name, "strong" if row.odd else ""),
        (size, "muted"),
    )


def host_lines(
    hosts: Sequence[HostProgress], row: FleetRow, width: int, *, brief: bool = False
) -> list[Line]:
    """What the hosts of a row, in one state, reported about themselves, in two lines (`brief`: in
    one); then their error and the remedy, if any. What is not the same on all of them shows as a
    range, or mixed."""
    tone: Tone
    state = hosts[0].state
    _, word, tone = signs.HOST[state]
    head: list[str | Span] = [(row.name, "strong"), (f"  {word}", tone)]
    if state == "sending" and hosts[0].to_send:
        sent = ranged([host.sent for host in hosts], units.size)
        head.append((f" {sent} of {units.size(hosts[0].to_send)}", "muted"))
    facts = [host.facts for host in hosts if host.facts is not None]
    if facts:
        told_before = cell_len("".join(span if isinstance(span, str) else span[0] for span in head))
        head.append((f" · {engines(facts, width - told_before - 3)}", ""))
    lines = [tuple(line(*head))]
    if facts and not brief:
        lines.append((("  " + resources(facts, width - 2), "muted"),))
    several = "reasons: f unfolds the group and shows each"
    reason = mixed([host.reason or "" for host in hosts], several)
    remedies = {host.remedy for host in hosts}
    remedy = hosts[0].remedy if len(remedies) == 1 else None
    for sign, tone, text in (("✗", "bad", reason), ("→", "accent", remedy)):
        lines += told(sign, tone, text or "", width)
    return lines


def told(sign: str, tone: Tone, text: str, width: int) -> list[Line]:
    """A text under its sign, in as many lines of `width` cells as it takes; none without text."""
    wrapped = cells.wrap(clean_line(text), width - 4)
    return [
        line((f"  {' ' if number else sign} ", tone), part) for number, part in enumerate(wrapped)
    ]


def engines(facts: Sequence[HostFacts], width: int) -> str:
    """The engine of hosts, its builder, store and platform: in `width` cells without what a
    distribution adds to versions and what the store is laid over, then without what does not fit
    whole."""
    told = _engines(facts, brief=False)
    if cell_len(" · ".join(told)) > width:
        told = _engines(facts, brief=True)
    while len(told) > 1 and cell_len(" · ".join(told)) > width:
        told.pop()
    return " · ".join(told)


def _engines(facts: Sequence[HostFacts], *, brief: bool) -> list[str]:
    def short(text: str, end: str) -> str:
        return text.partition(end)[0] if brief else text

    buildx = [f"buildx {short(each.buildx, '+')}" if each.buildx else "no buildx" for each in facts]
    return [
        mixed([f"Docker {short(each.engine, '+')}" for each in facts], "engines"),
        mixed(buildx, "buildx"),
        mixed([short(each.store, "/") for each in facts], "stores"),
        " or ".join(sorted({each.platform for each in facts})),
    ]


def resources(facts: Sequence[HostFacts], width: int) -> str:
    """What hosts have, and how busy they are, in `width` cells without what does not fit whole."""
    caches = [each.df["Build Cache"] for each in facts if "Build Cache" in each.df]
    parts = [
        (ranged([each.cores for each in facts if each.cores], str), "{} cores"),
        (ranged([f.load for f in facts if f.load is not None], "{:.1f}".format), "load {}"),
        (ranged([f.memory_bytes for f in facts if f.memory_bytes], units.size), "memory {}"),
        (ranged([f.free_bytes for f in facts if f.free_bytes], units.size), "disk {} free"),
        (ranged(caches, units.size), "build cache {}"),
    ]
    told = [words.format(text) for text, words in parts if text]
    while len(told) > 1 and cell_len(" · ".join(told)) > width:
        told.pop()
    return " · ".join(told)


def cell_lines(
    cell: Cell,
    width: int,
    host_reason: str | None = None,
    differs: str = "",
    share: signs.Share | None = None,
    hosts: int = 1,
) -> list[Line]:
    """A cell of the matrix in words, for so many `hosts`. Its reason, in as many lines of `width`
    cells as it takes, is left out when it is the host's own. Where it `differs`, how many hosts do
    the same: see `FleetAgreement.share`."""
    sign, word, tone = signs.CELL[cell.state]
    ended = cell.state in ("done", "stored")
    spans: list[str | Span] = [(f"  {cell.scenario}", "strong")]
    spans += [(f" {sign} {word}", tone)] if cell.state != "done" else []
    if cell.state == "building":
        spans.append(f" {cell.step} of {units.count(cell.steps, 'step')}" if cell.steps else "")
        spans.append(f": {cell.doing}" if cell.doing else "")
    elif ended:
        spans.append(f" · {cell.hits} hit, {cell.misses} missed")
        spans.append(f" · {'~' * (hosts > 1)}{units.seconds(cell.seconds)}")
    if differs and share is not None:
        spans.append((f" · {signs.on_so_many(differs, share)}", "warn"))
    if cell.state == "building" and cell.expected:
        spans.append((f" · took {units.seconds(cell.expected)} before", "muted"))
    if cell.age is not None:
        spans.append((f" · stored, run {units.age(cell.age)}", "muted"))
    if ended and not differs and Scenario.of(cell.scenario).controlled:
        spans.append((" · host's own caches untouched", "muted"))
    lines: list[Line] = [line(*spans)]
    if cell.reason and cell.reason != host_reason:
        reason = clean_line(cell.reason)
        if width_of(lines[0]) + cell_len(reason) + 3 <= width:
            return [line(*spans, f" · {reason}")]
        lines += [line("    ", part) for part in cells.wrap(reason, width - 4)]
    return lines
