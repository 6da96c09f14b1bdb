"""How two images differ: the records that a comparison gives, and the JSON has."""

from __future__ import annotations

from typing import Literal

import msgspec

from cachetui.outputs.imageconfig import ConfigDifference
from cachetui.outputs.merge import PathKind
from cachetui.records.base import Record
from cachetui.records.step import StepId

Verdict = Literal["identical", "times", "metadata", "content", "only-here"]
"""From alike to different. `times`: the same content, other times. `metadata`: mode, owner,
extended attributes, which names are one file. `content`: bytes, targets, types, or a path that
only one side has. `only-here`: the other image has no such step at all."""

VERDICTS: tuple[Verdict, ...] = ("identical", "times", "metadata", "content", "only-here")

WORDS: dict[Verdict, str] = {
    "identical": "identical",
    "times": "same, other times",
    "metadata": "metadata differs",
    "content": "content differs",
    "only-here": "only here",
}


class Entry(Record, frozen=True, kw_only=True):
    """A path on one side. `type` and `link` as in `remote.entries`; `mode` is octal, as text;
    `size` in bytes and `sha256` of a file's content, `mtime` seconds since the epoch. `layer`
    holds it; `stored_as` is its name there, where the tar has the bytes under another one."""

    type: str
    mode: str
    uid: int
    gid: int
    size: int | None
    mtime: str
    sha256: str | None
    link: str | None
    xattrs: str | None
    layer: str
    stored_as: str | None = None


class PathDifference(Record, frozen=True, kw_only=True):
    """A path that differs. `path` is relative to the root, with `\\xNN` for a backslash, a control
    character or a byte that is not UTF-8. `what` names the fields that differ; `below` counts
    paths in this folder that are only on this side too, and are not listed. `note` says what is
    known of it besides."""

    path: str
    kind: PathKind
    what: tuple[str, ...] = ()
    a: Entry | None = None
    b: Entry | None = None
    below: int = 0
    note: str = ""


class Counts(Record, frozen=True, kw_only=True):
    """Paths that differ, by kind; `ignored` were left out by a pattern."""

    times: int = 0
    metadata: int = 0
    content: int = 0
    only_a: int = 0
    only_b: int = 0
    ignored: int = 0

    @property
    def verdict(self) -> Verdict:
        if self.content or self.only_a or self.only_b:
            return "content"
        return "metadata" if self.metadata else "times" if self.times else "identical"


class StepDifference(Record, frozen=True, kw_only=True):
    """A step's part of two images; `stage_index` None for layers that no step is known to have
    made. `paths` are the first of those that differ, those that matter first of all; `more` how
    many are not listed. `layers_a`, `layers_b` are digests; `only` says on which side a step is
    that the other has not."""

    stage_index: int | None
    index: int | None
    trigger: int | None = None
    line: int | None = None
    instruction: str | None = None
    verdict: Verdict
    counts: Counts
    paths: tuple[PathDifference, ...] = ()
    more: int = 0
    layers_a: tuple[str, ...] = ()
    layers_b: tuple[str, ...] = ()
    only: Literal["a", "b"] | None = None

    @property
    def id(self) -> StepId | None:
        if self.stage_index is None or self.index is None:
            return None
        return StepId(self.stage_index, self.index, self.trigger)


class ImageDifference(Record, frozen=True, kw_only=True):
    """Two images, `a` the one that `b` is compared with. `verdict` is the worst of the steps' and
    the configuration's (whose differences are metadata); `same` whether that is no more than what
    is ignored: times, unless `strict`. `files` counts what differs in the end, all layers applied:
    a step can differ in what a later one removes. `ignored` maps each pattern to how many paths it
    left out. `fingerprint` is equal for two images that differ from `a` in the same way, which is
    to say that they are the same."""

    a: str
    b: str
    verdict: Verdict
    same: bool
    strict: bool = False
    steps: tuple[StepDifference, ...] = ()
    config: tuple[ConfigDifference, ...] = ()
    files: Counts
    ignored: dict[str, int] = msgspec.field(default_factory=dict)
    fingerprint: str = ""

    @property
    def settings(self) -> tuple[ConfigDifference, ...]:
        """The settings that differ and are minded."""
        return tuple(one for one in self.config if self.strict or not one.bookkeeping)
