"""How images differ, in words: shared by the terminal, Markdown, HTML and the app.

All text is cleaned and of one line, with a sign beside every word: nothing rests on colour alone.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from cachetui.compare.groups import fold
from cachetui.outputs.difference import (
    Counts,
    Entry,
    ImageDifference,
    PathDifference,
    StepDifference,
    Verdict,
)
from cachetui.outputs.outputs_report import OutputGroup, OutputImage, OutputsReport
from cachetui.records.step import StepId
from cachetui.report import units
from cachetui.report.clean import clean_line
from cachetui.report.units import count, size

SIGNS: dict[Verdict, str] = {
    "identical": "=",
    "times": "≈",
    "metadata": "±",
    "content": "≠",
    "only-here": "+",
}
"""A sign for each verdict."""

STYLES: dict[Verdict, str] = {
    "identical": "dim",
    "times": "dim",
    "metadata": "miss",
    "content": "failed",
    "only-here": "mixed",
}
"""The style of each verdict (see `report.style`)."""

PATH_SIGNS = {"times": "≈", "metadata": "±", "content": "≠", "only-a": "-", "only-b": "+"}

Key = tuple[int, int, int] | None
"""A step in a report: (stage, index, trigger or -1), None for layers of no known step."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A step in one group: `word` is "identical", "content 3", …; `paths` are those that differ."""

    verdict: Verdict
    word: str
    step: StepDifference | None

    @property
    def differs(self) -> bool:
        """Whether it differs in more than times."""
        return self.verdict not in ("identical", "times")

    @property
    def text(self) -> str:
        return f"{SIGNS[self.verdict]} {self.word}"


@dataclass(frozen=True, slots=True)
class Row:
    """A step in all groups that differ from the baseline, in their order."""

    key: Key
    line: int | None
    instruction: str
    cells: tuple[Cell, ...]

    @property
    def differs(self) -> bool:
        return any(cell.differs for cell in self.cells)


@dataclass(frozen=True, slots=True)
class PathRow:
    """A path of a step that differs: in which groups, by name, and how in the first of them."""

    difference: PathDifference
    groups: tuple[str, ...]

    @property
    def path(self) -> str:
        """The path, a slash at the end of a folder's."""
        entry = self.difference.b or self.difference.a
        slash = "/" if entry is not None and entry.type == "d" else ""
        return clean_line(self.difference.path or ".") + slash

    @property
    def sign(self) -> str:
        return PATH_SIGNS[self.difference.kind]


def members(group: OutputGroup, images: Sequence[OutputImage]) -> str:
    """The images of a group in short: "legacy-cold on old,mid; buildkit-cold on new"."""
    hosts_by_scenario: dict[str, list[str]] = {}
    for image in images:
        if image.group == group.name:
            repeat = f" #{image.repeat}" if image.repeat > 1 else ""
            hosts_by_scenario.setdefault(image.scenario + repeat, []).append(image.host)
    return clean_line(
        "; ".join(f"{scenario} on {fold(hosts)}" for scenario, hosts in hosts_by_scenario.items())
    )


def groups(report: OutputsReport) -> list[tuple[str, str]]:
    """(name, images) of each group, then ("–", image and reason) of what could not be compared."""
    named = [
        (
            group.name,
            members(group, report.images) + (" (baseline)" if group is report.groups[0] else ""),
        )
        for group in report.groups
    ]
    left_out = [
        (units.NOTHING, f"{clean_line(image.label)}: {clean_line(image.reason or '')}")
        for image in report.images
        if image.group is None
    ]
    return named + left_out


def rows(report: OutputsReport) -> list[Row]:
    """The steps of the report in order, a cell for each of `shown_groups`."""
    tables = [
        {key_of(step): step for step in group.difference.steps} for group in shown_groups(report)
    ]
    keys = {key for table in tables for key in table}
    ordered: list[Row] = []
    for key in sorted(keys, key=lambda key: (key is None, key or (0, 0, 0))):
        steps = [table.get(key) for table in tables]
        first = next(step for step in steps if step is not None)
        ordered.append(
            Row(
                key,
                first.line,
                clean_line(first.instruction or "layers of no known step"),
                tuple(map(_cell, steps)),
            )
        )
    return ordered


def shown_groups(report: OutputsReport) -> tuple[OutputGroup, ...]:
    """The groups that have a column: those that differ, or else the only one."""
    return report.groups[1:] or report.groups


def key_of(step: StepDifference) -> Key:
    """The place of a step in a report, which sorts and may be absent."""
    place: StepId | None = step.id
    if place is None:
        return None
    return (place.stage_index, place.index, -1 if place.trigger is None else place.trigger)


def _cell(step: StepDifference | None) -> Cell:
    if step is None:
        return Cell("identical", "no such step", None)
    counts = step.counts
    number = {
        "content": counts.content + counts.only_a + counts.only_b,
        "metadata": counts.metadata,
        "times": counts.times,
    }.get(step.verdict)
    if step.verdict == "only-here":
        return Cell(step.verdict, "missing" if step.only == "a" else "only here", step)
    if step.verdict == "identical" and counts.ignored:
        return Cell(step.verdict, f"ignored {counts.ignored}", step)
    return Cell(step.verdict, f"{step.verdict} {number}" if number else step.verdict, step)


def paths(row: Row, groups: Sequence[OutputGroup]) -> tuple[list[PathRow], int]:
    """The paths of a step that differ, and how many more there are that are not listed. A path
    stands once for all groups where it differs in the same kind; those that matter come first."""
    by_kind: dict[tuple[str, str], tuple[PathDifference, list[str]]] = {}
    more = 0
    for cell, group in zip(row.cells, groups, strict=True):
        if cell.step is not None:
            more = max(more, cell.step.more)
            for path in cell.step.paths:
                by_kind.setdefault((path.path, path.kind), (path, []))[1].append(group.name)
    return [PathRow(path, tuple(names)) for path, names in by_kind.values()], more


def what(path: PathDifference, a: str = "A", b: str = "B") -> str:
    """How a path differs, in words: "content: 29 B and 31 B", "mode 644 and 755"."""
    if path.kind in ("only-a", "only-b"):
        below = f" and {path.below} below" if path.below else ""
        entry = path.a or path.b
        text = f"only in {a if path.kind == 'only-a' else b}{below}"
        text += f", {size(entry.size)}" if entry is not None and entry.size is not None else ""
        return f"{text}; {path.note}" if path.note else text
    if path.a is None or path.b is None:
        return path.kind
    return clean_line(", ".join(_field(name, path.a, path.b) for name in path.what))


def setting_value(value: str | None) -> str:
    """The value of a setting of an image's configuration."""
    return "not set" if value is None else clean_line(value)


def _field(name: str, a: Entry, b: Entry) -> str:
    """One field of a path on both sides."""
    values = {
        "type": (kind_of(a), kind_of(b)),
        "content": (size(a.size), size(b.size)),
        "target": (a.link, b.link),
        "device": (a.link, b.link),
        "mode": (a.mode, b.mode),
        "owner": (a.uid, b.uid),
        "group": (a.gid, b.gid),
        "attributes": (a.xattrs or "none", b.xattrs or "none"),
        "time": (moment(a.mtime), moment(b.mtime)),
        "hard link": (_linked(a), _linked(b)),
    }
    in_a, in_b = values[name]
    return f"{name}: {in_a} both" if in_a == in_b else f"{name}: {in_a} and {in_b}"


def moment(mtime: str) -> str:
    """A file's time (UTC), as far as it is one."""
    try:
        return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(int(float(mtime))))
    except (ValueError, OverflowError, OSError):
        return mtime


_KINDS = {
    "f": "file",
    "d": "folder",
    "l": "link",
    "h": "file",
    "c": "character device",
    "b": "block device",
    "p": "pipe",
}


def kind_of(entry: Entry) -> str:
    """What a path is: "file", "folder", …"""
    return _KINDS.get(entry.type, "of an unknown type")


def _linked(entry: Entry) -> str:
    return f"of {entry.link}" if entry.type == "h" else "none"


def ignored(report: OutputsReport) -> str:
    """What was ignored, in one line; empty when nothing was."""
    parts: list[str] = []
    differences = [group.difference for group in report.groups]
    times = max((_times(difference) for difference in differences), default=0)
    if times and not report.strict:
        parts.append(f"times of {count(times, 'path')}")
    settings = max((sum(s.bookkeeping for s in d.config) for d in differences), default=0)
    if settings and not report.strict:
        parts.append(f"{count(settings, 'setting')} of builder metadata")
    for pattern in report.ignore:
        paths = max((d.ignored.get(pattern, 0) for d in differences), default=0)
        parts.append(f"{clean_line(pattern)} ({count(paths, 'path')})")
    return f"ignored: {', '.join(parts)}" if parts else ""


def _times(difference: ImageDifference) -> int:
    return sum(step.counts.times for step in difference.steps)


def verdict_sign(report: OutputsReport) -> str:
    """The sign of the verdict: the same, different, or nothing to compare."""
    if report.same:
        return SIGNS["identical"]
    return SIGNS["content"] if len(report.groups) > 1 else units.NOTHING


def verdict(report: OutputsReport) -> tuple[str, list[str]]:
    """The answer: a headline, and a line for each group that differs."""
    compared = [image for image in report.images if image.group is not None]
    if not compared:
        return "no image was read", []
    if len(compared) == 1:
        return f"only one image ({clean_line(compared[0].label)}): nothing to compare", []
    baseline = clean_line(report.baseline or "")
    if len(report.groups) == 1:
        exact = len({(image.layers, image.config_digest) for image in compared}) == 1
        apart = "to the byte" if exact else "apart from what is ignored"
        return f"the {len(compared)} images are the same, {apart}", []
    odd = sum(image.group != report.groups[0].name for image in compared)
    headline = f"{odd} of {count(len(compared), 'image')} differ from {baseline}"
    names_by_summary: dict[str, list[str]] = {}
    for group in report.groups[1:]:
        names_by_summary.setdefault(summary(group.difference), []).append(group.name)
    return headline, [f"{', '.join(names)}: {text}" for text, names in names_by_summary.items()]


def summary(difference: ImageDifference) -> str:
    """How an image differs, in one line: which files and settings, and from which steps."""
    if difference.same:
        return "the same"
    parts = [text for text in (_files(difference.files),) if text]
    settings = [setting.name for setting in difference.settings]
    if settings:
        names = clean_line(", ".join(settings[:3]))
        parts.append(f"{count(len(settings), 'setting')} ({names})")
    steps = [step for step in difference.steps if step.verdict not in ("identical", "times")]
    if steps:
        lines = [f"line {step.line}" if step.line else "unattributed layers" for step in steps]
        parts.append(f"by {', '.join(dict.fromkeys(lines[:5]))}{', …' if len(lines) > 5 else ''}")
        if not _files(difference.files):
            parts.insert(0, "the same files in the end")
    return "; ".join(parts) or "only times"


def _files(counts: Counts) -> str:
    parts = []
    if counts.content:
        parts.append(f"content of {count(counts.content, 'path')}")
    if counts.only_a:
        parts.append(f"{counts.only_a} missing")
    if counts.only_b:
        parts.append(f"{counts.only_b} more")
    if counts.metadata:
        parts.append(f"metadata of {count(counts.metadata, 'path')}")
    return ", ".join(parts)
