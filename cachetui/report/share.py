"""What an experiment with shared caches showed, laid out for reading: the same for all formats.

All text is cleaned for display; none is escaped for a format.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cachetui.compare.groups import fold
from cachetui.records.document import Document
from cachetui.records.share import Kept, Share, ShareExport, ShareImport
from cachetui.records.step import StepId
from cachetui.report import units
from cachetui.report.clean import clean_line
from cachetui.report.columns import stage_name
from cachetui.report.share_verdict import cold_runs, verdict

WORDS: dict[Kept, str] = {
    "kept": "✓ kept",
    "spared": "· spared",
    "here": "· here already",
    "not-kept": "○ not kept",
    "unknown": "?",
}
MEANINGS: dict[Kept, str] = {
    "kept": "kept = its result came with the import",
    "spared": "spared = the hit of a later step made it needless",
    "here": "here already = a hit that can as well be the host's own",
    "not-kept": "not kept = it ran again",
    "unknown": "? = not seen",
}


@dataclass(frozen=True, slots=True)
class ShareRow:
    """A step, or a total (`line` None). `cells` are the columns of its table, the cold build
    first. `step` is None for a total, `host` for what is not one host's."""

    stage: str
    line: int | None
    text: str
    cells: tuple[str, ...]
    step: StepId | None = None
    host: str | None = None


@dataclass(frozen=True, slots=True)
class ShareTable:
    """What `hosts` for which each kind keeps the same have in common; without any, what exporting
    took."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[ShareRow, ...]
    totals: tuple[ShareRow, ...]
    hosts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ShareView:
    """`notes` are sentences below the tables, `verdict` what to make of it, headline first."""

    tables: tuple[ShareTable, ...]
    legend: str
    notes: tuple[str, ...]
    verdict: tuple[str, ...]


def lay_out_share(document: Document, share: Share) -> ShareView:
    """The tables, notes and verdict."""
    kinds = _tried(share)
    groups = _groups(share, kinds)
    tables = [_table(document, share, kinds, hosts) for hosts in groups]
    used = {one.kept for each in share.imports for one in each.steps}
    return ShareView(
        tables=(*tables, *_exports(share, kinds)),
        legend="; ".join(text for kept, text in MEANINGS.items() if kept in used),
        notes=tuple(dict.fromkeys(map(clean_line, _notes(share)))),
        verdict=tuple(map(clean_line, verdict(document, share, kinds))),
    )


def _tried(share: Share) -> list[str]:
    """The kinds that the exporter was asked for."""
    return [e.kind for e in share.exports if e.status != "unsupported"]


def _groups(share: Share, kinds: Sequence[str]) -> list[list[str]]:
    """The importing hosts, those together for which every kind did the same."""
    groups: dict[object, list[str]] = {}
    for host in dict.fromkeys([*share.cold, *(one.host for one in share.imports)]):
        imports = [share.import_of(host, kind) for kind in kinds]
        alike = tuple((one.status, one.reason, one.steps) if one else None for one in imports)
        groups.setdefault(alike, []).append(host)
    return list(groups.values())


def _table(
    document: Document, share: Share, kinds: Sequence[str], hosts: Sequence[str]
) -> ShareTable:
    cold = [run for run in cold_runs(document) if run.host in hosts]
    imports = [share.import_of(hosts[0], kind) for kind in kinds]
    listed = [one.id for each in imports if each for one in each.steps]
    many = len({step.stage_index for step in listed}) > 1
    rows = [
        ShareRow(
            stage=stage_name(step.stage_index, step.stage) if many else "",
            line=step.line,
            text=clean_line(step.instruction),
            cells=(
                _median(one.seconds for run in cold for one in run.steps if one.id == step.id),
                *(
                    WORDS[each.kept(step.id)] if each and each.steps else _state(each)
                    for each in imports
                ),
            ),
            step=step.id,
        )
        for step in (cold[0].steps if cold else ())
        if step.trigger is None and step.id in listed
    ]
    totals = [
        ShareRow(
            stage="",
            line=None,
            text=f"a fresh {clean_line(host)} builds in",
            cells=(
                units.seconds(share.cold.get(host)),
                *(_seconds(share.import_of(host, kind)) for kind in kinds),
            ),
            host=host,
        )
        for host in hosts
    ]
    return ShareTable(
        f"on {clean_line(fold(hosts))}",
        ("built cold", *kinds),
        tuple(rows),
        tuple(totals),
        tuple(hosts),
    )


def _state(each: ShareImport | ShareExport | None) -> str:
    signs = {"failed": "✗ failed", "unsupported": "– not here"}
    return signs.get(each.status, "?") if each else "?"


def _seconds(each: ShareImport | None) -> str:
    return units.seconds(each.seconds) if each and each.status == "ok" else _state(each)


def _median(seconds: Iterable[float | None]) -> str:
    known = [one for one in seconds if one is not None]
    return units.seconds(statistics.median(known)) if known else units.NOTHING


def _exports(share: Share, kinds: Sequence[str]) -> list[ShareTable]:
    """What exporting took on the host that did."""
    exports = [share.export_of(kind) for kind in kinds]
    if not exports:
        return []

    def cells(told: Sequence[str]) -> tuple[str, ...]:
        good = zip(exports, told, strict=True)
        return ("", *(text if e and e.status == "ok" else _state(e) for e, text in good))

    seconds = cells([units.seconds(e.seconds if e else None) for e in exports])
    sizes = cells([units.size(e.bytes if e else None) for e in exports])
    rows = (ShareRow("", None, "seconds", seconds), ShareRow("", None, "bytes", sizes))
    return [ShareTable(f"exported by {clean_line(share.exporter)}", ("", *kinds), (), rows)]


def _notes(share: Share) -> list[str]:
    """What did not go as it should, each with what to do; kinds with the same trouble together."""
    kinds: dict[tuple[str, str], list[str]] = {}
    for export in share.exports:
        if export.status != "ok":
            verb = "does not export" if export.status == "unsupported" else "failed to export"
            kinds.setdefault((f"{share.exporter} {verb}", _why(export)), []).append(export.kind)
    for each in share.imports:
        if each.status != "ok":
            verb = "does not import" if each.status == "unsupported" else "failed to import"
            kinds.setdefault((f"{each.host} {verb}", _why(each)), []).append(each.kind)
    notes = [f"{who} {', '.join(names)}: {why}" for (who, why), names in kinds.items()]
    notes += [f"{each.host}: {text}" for each in share.imports for text in each.notes]
    notes += [
        f"left in the registry, which was not reached; the next `cachetui share` from "
        f"{share.exporter}, or `cachetui clean`, deletes it: {ref}"
        if ref in share.left_for_now
        else f"left in the registry, which did not delete it without a login of its own: {ref}"
        for ref in share.left
    ]
    return notes


def _why(one: ShareImport | ShareExport) -> str:
    return "; ".join(filter(None, (one.reason, one.remedy)))
