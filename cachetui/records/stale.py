"""What a build with an imported cache brought that the same build, made anew, would not."""

from __future__ import annotations

from typing import Literal

from cachetui.records.base import Record
from cachetui.records.step import StepId

Manager = Literal["dpkg", "apk", "pip", "npm"]
"""Whose list of installed packages it was read from."""


class PackageChange(Record, frozen=True, kw_only=True):
    """A package of another version: with the import, and made anew. None where it is not there."""

    manager: Manager
    name: str
    imported: str | None = None
    anew: str | None = None


class StaleStep(Record, frozen=True, kw_only=True):
    """A step that hit in a run with an import, and left other content than made anew. `files`
    counts the paths of other content, `paths` are the first of them. `unread` are package lists
    that differ and could not be read. `made` is when the imported result was made, in seconds
    since the epoch, None where the cache does not tell. `unsure`: the hit can be one of the host's
    own cache."""

    stage_index: int
    index: int
    line: int
    instruction: str
    packages: tuple[PackageChange, ...] = ()
    files: int = 0
    paths: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()
    made: float | None = None
    unsure: bool = False

    @property
    def id(self) -> StepId:
        return StepId(self.stage_index, self.index)


class StaleCheck(Record, frozen=True, kw_only=True):
    """The comparison on one host: `imported` and `anew` are the ids of the runs. `hits` counts the
    steps that came with the import, or may have, and `unsure` those of them that can be of the
    host's own cache; `oldest` is when the first of their results was made. `reason` says why
    nothing was compared."""

    host: str
    imported: str = ""
    anew: str = ""
    hits: int = 0
    unsure: int = 0
    oldest: float | None = None
    steps: tuple[StaleStep, ...] = ()
    reason: str | None = None

    @property
    def sound(self) -> bool:
        """Whether nothing that hit is other than what the build makes today. Of an import that
        says something where its hits are not `unsure`."""
        return self.reason is None and not self.steps
