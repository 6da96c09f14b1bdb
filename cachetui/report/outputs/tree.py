"""Differences as a tree: steps, below each the paths that differ, a side for each group of images.

Pure; the words are those of `view`, one side at a time. All text is cleaned.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from cachetui.outputs.difference import Entry, PathDifference, Verdict
from cachetui.outputs.imageconfig import ConfigDifference
from cachetui.outputs.outputs_report import OutputGroup, OutputsReport
from cachetui.report.clean import clean_line
from cachetui.report.outputs import view
from cachetui.report.units import count, size

Key = tuple[str, object, str]
"""A node: what it is ("step", "path", "more", "settings", "setting"), of which step, its name."""


@dataclass(frozen=True, slots=True)
class Node:
    """A line of the tree. `sides` has what each group shown says of a path or a setting, None
    where it is as in the baseline; `step` is the row of a step, and that which a path belongs to.
    """

    key: Key
    name: str
    step: view.Row | None = None
    sides: tuple[PathDifference | ConfigDifference | None, ...] = ()
    open: bool = False

    @property
    def kind(self) -> str:
        return self.key[0]

    @property
    def path(self) -> str | None:
        """The path as the comparison writes it."""
        return self.key[2] if self.kind == "path" else None


def nodes(
    report: OutputsReport, *, everything: bool = False, closed: Collection[Key] = ()
) -> list[Node]:
    """The tree, line by line: steps that differ (or `everything`), their paths unless `closed`,
    and last the settings."""
    tree: list[Node] = []
    groups = view.shown_groups(report)
    for row in view.rows(report):
        times_differ = any(cell.verdict == "times" for cell in row.cells)
        if not (everything or row.differs or (report.strict and times_differ)):
            continue
        below = _paths(row, len(groups)) if len(report.groups) > 1 else []
        key: Key = ("step", row.key, "")
        is_open = key not in closed
        tree.append(Node(key, row.instruction, row, open=is_open))
        if is_open:
            tree += below
    settings = _settings(groups) if len(report.groups) > 1 else []
    if settings:
        head: Key = ("settings", None, "")
        tree.append(Node(head, "configuration", open=head not in closed))
        tree += settings if head not in closed else []
    return tree


def _paths(row: view.Row, groups: int) -> list[Node]:
    """A step's paths: content first, then what only one side has, then metadata."""
    sides: dict[str, list[PathDifference | None]] = {}
    more = 0
    for number, cell in enumerate(row.cells):
        if cell.step is None:
            continue
        more = max(more, cell.step.more)
        for path_difference in cell.step.paths:
            sides.setdefault(path_difference.path, [None] * groups)[number] = path_difference
    below = []
    for path, differences in sides.items():
        first = next(difference for difference in differences if difference is not None)
        shown = view.PathRow(first, ()).path
        below.append(Node(("path", row.key, path), shown, row, tuple(differences)))
    if more:
        below.append(Node(("more", row.key, ""), f"… and {more} more", row))
    return below


def _settings(groups: tuple[OutputGroup, ...]) -> list[Node]:
    sides: dict[str, list[ConfigDifference | None]] = {}
    for number, group in enumerate(groups):
        for setting in group.difference.settings:
            sides.setdefault(setting.name, [None] * len(groups))[number] = setting
    return [
        Node(("setting", None, name), clean_line(name), None, tuple(ones))
        for name, ones in sides.items()
    ]


def baseline_text(node: Node) -> str:
    """What the baseline has of a path or a setting."""
    for side in node.sides:
        if isinstance(side, ConfigDifference):
            return view.setting_value(side.a)
        if side is not None:
            return _entry(side.a) if side.a is not None else "not there"
    return ""


def side_text(difference: PathDifference | ConfigDifference | None) -> tuple[Verdict, str]:
    """How a group has it, with the verdict that colours it; the sign comes first."""
    if difference is None:
        return "identical", "= same"
    if isinstance(difference, ConfigDifference):
        return "metadata", f"± {view.setting_value(difference.b)}"
    sign = view.PATH_SIGNS[difference.kind]
    if difference.kind == "only-a":
        return "content", f"{sign} missing{_below(difference)}"
    if difference.b is None:
        return "content", sign
    if difference.kind == "only-b":
        return "content", f"{sign} {_entry(difference.b)}{_below(difference)}"
    verdict: Verdict = "content" if difference.kind == "content" else difference.kind
    if difference.kind == "content":
        return verdict, f"{sign} {_entry(difference.b)}"
    words = ", ".join(_field(name, difference.b) for name in difference.what)
    return verdict, f"{sign} {words}"


def _below(difference: PathDifference) -> str:
    return f" and {count(difference.below, 'path')} in it" if difference.below else ""


def _entry(entry: Entry) -> str:
    """A path on difference side, in short."""
    if entry.type in "lcb":
        return clean_line(f"→ {entry.link}")
    if entry.size is None:
        return view.kind_of(entry)
    return size(entry.size)


def _field(name: str, entry: Entry) -> str:
    values = {
        "mode": entry.mode,
        "owner": entry.uid,
        "group": entry.gid,
        "attributes": entry.xattrs or "none",
        "time": view.moment(entry.mtime),
        "hard link": entry.link or "none",
    }
    return clean_line(f"{name} {values.get(name, '')}")
