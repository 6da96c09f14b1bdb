"""Which packages steps left in one image and not in another, from the lists in the two."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from cachetui.hosts.machine import HostError
from cachetui.outputs.compare import Lines, Output, content_changes
from cachetui.outputs.difference import Entry
from cachetui.outputs.filediff import Fetched
from cachetui.outputs.package_lists import Package, is_package_list, packages_in
from cachetui.records.stale import PackageChange
from cachetui.records.step import StepId

MOST_PATHS = 5
"""Paths that are named of a step."""

Read = Callable[[str, Entry | None], Fetched]
"""The content of a path that an image has, of none that it has not. Raises `HostError`."""


@dataclass
class StepChanges:
    """What a step left otherwise: `files` counts paths of other content, `paths` are the first of
    them, `unread` lists of packages that differ and could not be read."""

    files: int = 0
    paths: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    first: dict[Package, str] = field(default_factory=dict)
    second: dict[Package, str] = field(default_factory=dict)

    @property
    def packages(self) -> tuple[PackageChange, ...]:
        """By manager and name."""
        return tuple(
            PackageChange(
                manager=package[0],
                name=package[1],
                imported=self.first.get(package),
                anew=self.second.get(package),
            )
            for package in sorted({*self.first, *self.second})
            if self.first.get(package) != self.second.get(package)
        )


def changed_by_step(
    a: Output, b: Output, lines: Lines, read_a: Read, read_b: Read
) -> dict[StepId, StepChanges]:
    """What each step left in `a` with other content than in `b`, in the order of the Dockerfile.
    Raises `LayerError`, and `HostError` where a host is gone."""
    found: dict[StepId, StepChanges] = {}
    for step, path, before, after in content_changes(a, b, lines):
        if step is None:
            continue
        changes = found.setdefault(step, StepChanges())
        changes.files += 1
        if len(changes.paths) < MOST_PATHS:
            changes.paths.append(path)
        if not is_package_list(path):
            continue
        try:
            sides = read_a(path, before), read_b(path, after)
        except HostError as error:
            if error.kind in ("cancelled", "lost"):
                raise
            changes.unread.append(path)
            continue
        if not all(side.complete for side in sides):
            changes.unread.append(path)
            continue
        changes.first |= packages_in(path, sides[0].data)
        changes.second |= packages_in(path, sides[1].data)
    return found
