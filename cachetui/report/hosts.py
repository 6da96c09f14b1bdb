"""The fleet's facts as a table for the terminal, and as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cachetui.records.host import HostFacts, HostReport
from cachetui.report import cells, units
from cachetui.report.clean import clean_line
from cachetui.report.escape import markdown_table, markdown_text
from cachetui.report.passages import trouble
from cachetui.report.signs import HOST_STATES, WARNING
from cachetui.report.style import paint

HEADINGS = (
    "host",
    "engine",
    "buildx",
    "store",
    "backends",
    "platform",
    "cores",
    "load",
    "memory",
    "disk free",
    "build cache",
    "images",
)
_RIGHT = frozenset({"cores", "load", "memory", "disk free", "build cache", "images"})
FAILED = HOST_STATES["failed"].sign
_GAP = "  "
_WIDEST = 24


def table(reports: Sequence[HostReport], *, width: int, color: bool) -> str:
    """A row for each host, then what is wrong and what to do about it; ends in a newline.

    Columns that do not fit `width` go into further tables below, with the hosts named again.
    """
    rows = [facts(report) for report in reports]
    widths = [
        min(_WIDEST, max(map(cells.width, column))) for column in zip(HEADINGS, *rows, strict=True)
    ]
    lines: list[str] = []
    for part in _parts(widths, width):
        lines += [""] * bool(lines)
        lines.append(paint(_line(HEADINGS, part, widths, width), "bold", color))
        for report, row in zip(reports, rows, strict=True):
            text = _line(row, part, widths, width)
            lines.append(paint(text, "" if report.status == "ok" else "failed", color))
    problems = remarks(reports)
    lines += [""] * bool(problems)
    for remark in problems:
        lines += cells.wrap(remark, width, "", "  ")
    return "\n".join(lines) + "\n"


def markdown(reports: Sequence[HostReport]) -> str:
    """The same as one Markdown table and a list."""
    lines = markdown_table(HEADINGS, [facts(report) for report in reports])
    problems = remarks(reports)
    lines += [""] * bool(problems)
    lines += [f"- {markdown_text(remark)}" for remark in problems]
    return "\n".join(lines) + "\n"


def facts(report: HostReport) -> tuple[str, ...]:
    """A host's facts under `HEADINGS`, cleaned; its status instead of an engine when it is bad."""
    known = report.facts
    if known is None:
        shown = report.engine or (
            f"{FAILED} {report.status}" if report.status != "ok" else units.NOTHING
        )
        return (clean_line(report.name), shown, *[units.NOTHING] * (len(HEADINGS) - 2))
    load = units.NOTHING if known.load is None else f"{known.load:.1f}"
    if known.load is not None and known.cores and known.load > known.cores:
        load = f"{WARNING} {load}"
    return tuple(
        clean_line(text)
        for text in (
            report.name,
            known.engine,
            known.buildx or units.NOTHING,
            known.store,
            ", ".join(known.backends) or "none",
            known.platform,
            units.NOTHING if known.cores is None else str(known.cores),
            load,
            units.size(known.memory_bytes),
            units.size(known.free_bytes),
            units.size(known.df.get("Build Cache")),
            units.size(known.df.get("Images")),
        )
    )


def remarks(reports: Sequence[HostReport]) -> list[str]:
    """What is wrong, a sentence each, cleaned: hosts in trouble, missing and other builders, high
    load."""
    problems: list[str] = []
    for report in reports:
        name = clean_line(report.name)
        if report.status != "ok":
            problems.append(f"{FAILED} {trouble(report)}")
        known = report.facts
        if known is None:
            continue
        problems += [
            f"{WARNING} {name}: no {clean_line(backend)}: {clean_line(why)}"
            for backend, why in known.missing.items()
        ]
        if known.rootless:
            user = f"{clean_line(known.user)}'s" if known.user else "its user's"
            problems.append(
                f"{WARNING} {name}: a rootless engine: its caches and images are {user} own"
            )
        problems += [f"{WARNING} {name}: {clean_line(text)}" for text in _builders(known)]
        if known.load is not None and known.cores and known.load > known.cores:
            load = f"{known.load:.1f} on {units.count(known.cores, 'core')}"
            problems.append(f"{WARNING} {name}: loaded ({load}): timings are less reliable")
    return problems


def _builders(known: HostFacts) -> Iterator[str]:
    """Builders that are not docker's own."""
    builder, other = known.builder, known.buildx_builder
    if builder is not None and not builder.of_docker:
        yield f"docker build uses the builder {builder.text}"
    if other is not None and other != builder and not other.of_docker:
        yield f"docker buildx build, bake and compose use the builder {other.text}"


def _parts(widths: Sequence[int], width: int) -> list[list[int]]:
    """Positions of the columns of each table; all but the first repeat the hosts' names."""
    parts: list[list[int]] = [[0]]
    used = widths[0]
    for position in range(1, len(widths)):
        if used + len(_GAP) + widths[position] > width and len(parts[-1]) > 1:
            parts.append([0])
            used = widths[0]
        parts[-1].append(position)
        used += len(_GAP) + widths[position]
    return parts


def _line(row: Sequence[str], part: Sequence[int], widths: Sequence[int], width: int) -> str:
    texts = (
        cells.pad(row[position], widths[position], right=HEADINGS[position] in _RIGHT)
        for position in part
    )
    return cells.clip(_GAP.join(texts).rstrip(), width)
