"""What a report says, in words: shared by the terminal, Markdown, HTML and the app.

Everything here is cleaned text of one line, with a sign beside every word: nothing is told by
colour alone.
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
        """Whether it matters: times apart."""
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
        one = self.difference.b or self.difference.a
        slash = "/" if one is not None and one.type == "d" else ""
        return clean_line(self.difference.path or ".") + slash

    @property
    def sign(self) -> str:
        return PATH_SIGNS[self.difference.kind]


def members(group: OutputGroup, images: Sequence[OutputImage]) -> str:
    """The images of a group in short: "legacy-cold on old,mid; buildkit-cold on new"."""
    found: dict[str, list[str]] = {}
    for image in images:
        if image.group == group.name:
            again = f" #{image.repeat}" if image.repeat > 1 else ""
            found.setdefault(image.scenario + again, []).append(image.host)
    return clean_line(
        "; ".join(f"{scenario} on {fold(hosts)}" for scenario, hosts in found.items())
    )


def rows(report: OutputsReport) -> list[Row]:
    """The steps of the report in order, a cell for each group but the baseline's; where there is
    no other, for that one."""
    groups = shown_groups(report)
    tables = [{key_of(step): step for step in group.difference.steps} for group in groups]
    keys = {key for table in tables for key in table}
    found: list[Row] = []
    for key in sorted(keys, key=lambda key: (key is None, key or (0, 0, 0))):
        steps = [table.get(key) for table in tables]
        first = next(step for step in steps if step is not None)
        found.append(
            Row(
                key,
                first.line,
                clean_line(first.instruction or "layers that no step is known to have made"),
                tuple(map(_cell, steps)),
            )
        )
    return found


def shown_groups(report: OutputsReport) -> tuple[OutputGroup, ...]:
    """The groups that have a column: those that differ, or else the only one."""
    return report.groups[1:] or report.groups


def key_of(step: StepDifference) -> Key:
    found: StepId | None = step.id
    if found is None:
        return None
    return (found.stage_index, found.index, -1 if found.trigger is None else found.trigger)


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
    """The paths of a step that differ, each once for all groups where it does so alike in kind,
    those that matter first; and how many more there are that are not listed."""
    found: dict[tuple[str, str], tuple[PathDifference, list[str]]] = {}
    more = 0
    for cell, group in zip(row.cells, groups, strict=True):
        if cell.step is not None:
            more = max(more, cell.step.more)
            for one in cell.step.paths:
                found.setdefault((one.path, one.kind), (one, []))[1].append(group.name)
    return [PathRow(one, tuple(names)) for one, names in found.values()], more


def what(one: PathDifference, a: str = "A", b: str = "B") -> str:
    """How a path differs, in words: "content: 29 B and 31 B", "mode 644 and 755"."""
    if one.kind in ("only-a", "only-b"):
        below = f" and {one.below} below" if one.below else ""
        there = one.a or one.b
        told = f"only in {a if one.kind == 'only-a' else b}{below}"
        told += f", {size(there.size)}" if there is not None and there.size is not None else ""
        return f"{told}; {one.note}" if one.note else told
    if one.a is None or one.b is None:
        return one.kind
    return clean_line(", ".join(_field(name, one.a, one.b) for name in one.what))


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
    one, other = values[name]
    return f"{name}: {one} both" if one == other else f"{name}: {one} and {other}"


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
    """What was not minded, in one line; empty when nothing was."""
    told: list[str] = []
    differences = [group.difference for group in report.groups]
    times = max((_times(one) for one in differences), default=0)
    if times and not report.strict:
        told.append(f"times of {count(times, 'path')}")
    settings = max((sum(s.bookkeeping for s in one.config) for one in differences), default=0)
    if settings and not report.strict:
        told.append(f"{count(settings, 'setting')} of bookkeeping")
    for pattern in report.ignore:
        most = max((one.ignored.get(pattern, 0) for one in differences), default=0)
        told.append(f"{clean_line(pattern)} ({count(most, 'path')})")
    return f"ignored: {', '.join(told)}" if told else ""


def _times(one: ImageDifference) -> int:
    return sum(step.counts.times for step in one.steps)


def verdict(report: OutputsReport) -> tuple[str, list[str]]:
    """The answer: a headline, and a line for each group that differs."""
    compared = [image for image in report.images if image.group is not None]
    if not compared:
        return "no image was looked at", []
    if len(compared) == 1:
        return f"one image only ({clean_line(compared[0].label)}): nothing to compare", []
    baseline = clean_line(report.baseline or "")
    if len(report.groups) == 1:
        exact = len({(image.layers, image.config_digest) for image in compared}) == 1
        apart = "to the byte" if exact else "but for what is ignored"
        return f"the {len(compared)} images are the same, {apart}", []
    odd = sum(image.group != report.groups[0].name for image in compared)
    headline = f"{odd} of {count(len(compared), 'image')} differ from {baseline}"
    told: dict[str, list[str]] = {}
    for group in report.groups[1:]:
        told.setdefault(summary(group.difference), []).append(group.name)
    return headline, [f"{', '.join(names)}: {text}" for text, names in told.items()]


def summary(difference: ImageDifference) -> str:
    """How an image differs, in one line: what is there in the end, and from which steps."""
    told = [text for text in (_files(difference.files),) if text]
    settings = [one.name for one in difference.settings]
    if settings:
        told.append(f"{count(len(settings), 'setting')} ({clean_line(', '.join(settings[:3]))})")
    steps = [s for s in difference.steps if s.verdict not in ("identical", "times")]
    if steps:
        lines = [f"line {step.line}" if step.line else "unattributed layers" for step in steps]
        told.append(f"by {', '.join(dict.fromkeys(lines[:5]))}{', …' if len(lines) > 5 else ''}")
    if steps and not _files(difference.files):
        told.insert(0, "the same files in the end")
    return "; ".join(told) or "only times" if not difference.same else "the same"


def _files(counts: Counts) -> str:
    told = []
    if counts.content:
        told.append(f"content of {count(counts.content, 'path')}")
    if counts.only_a:
        told.append(f"{counts.only_a} missing")
    if counts.only_b:
        told.append(f"{counts.only_b} more")
    if counts.metadata:
        told.append(f"metadata of {count(counts.metadata, 'path')}")
    return ", ".join(told)
