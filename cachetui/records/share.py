"""What an experiment with shared caches showed: one host exported, others imported."""

from __future__ import annotations

from typing import Literal

import msgspec

from cachetui.records.base import Record
from cachetui.records.step import StepId

Kept = Literal["kept", "spared", "here", "not-kept", "unknown"]
"""What a cache did for a step: its result came from the import (`kept`), a later step's hit made it
needless (`spared`), it hit and can as well be the host's own (`here`), or it ran again
(`not-kept`)."""

ShareStatus = Literal["ok", "failed", "unsupported"]


class CacheTransfer(Record, frozen=True, kw_only=True):
    """An import or export of a cache as BuildKit told of it. `name` is what follows its words: the
    reference, or "registry". `ended` says that it came to an end; `error` is BuildKit's own."""

    direction: Literal["import", "export"]
    name: str
    seconds: float | None = None
    ended: bool = False
    error: str | None = None


class KeptStep(Record, frozen=True, kw_only=True):
    """A step of the Dockerfile, and what the import did for it."""

    stage_index: int
    index: int
    kept: Kept

    @property
    def id(self) -> StepId:
        return StepId(self.stage_index, self.index)


class ShareExport(Record, frozen=True, kw_only=True):
    """A kind of cache on the host that exports. `unsupported`: it cannot, for the `reason`, and
    was not asked to. `seconds` and `bytes` are what the export took beside the build, None where
    nothing tells. `ref` is where it lay in the registry, "" for a folder."""

    kind: str
    status: ShareStatus
    reason: str | None = None
    remedy: str | None = None
    seconds: float | None = None
    bytes: int | None = None
    ref: str = ""


class ShareImport(Record, frozen=True, kw_only=True):
    """A kind of cache on a host that imports. `seconds` is how long the whole build took with
    nothing but the import; `notes` say why less was kept than could be."""

    host: str
    kind: str
    status: ShareStatus
    reason: str | None = None
    remedy: str | None = None
    seconds: float | None = None
    steps: tuple[KeptStep, ...] = ()
    notes: tuple[str, ...] = ()

    def kept(self, step: StepId) -> Kept:
        """What became of a step."""
        return next((one.kept for one in self.steps if one.id == step), "unknown")


class Share(Record, frozen=True, kw_only=True):
    """The experiment: `exporter` is a host's name, `kinds` are in the order of tables. `cold` maps
    each importing host to the seconds that the build takes there with neither cache nor import.
    `left` are references that could not be deleted from the registry; those of `left_for_now` are
    still noted, for the next experiment or `cachetui clean` to delete."""

    exporter: str
    kinds: tuple[str, ...]
    exports: tuple[ShareExport, ...]
    imports: tuple[ShareImport, ...] = ()
    cold: dict[str, float] = msgspec.field(default_factory=dict)
    left: tuple[str, ...] = ()
    left_for_now: tuple[str, ...] = ()

    @property
    def failed(self) -> bool:
        """Whether an export or import that was tried failed."""
        exports = any(one.status == "failed" for one in self.exports)
        return exports or any(one.status == "failed" for one in self.imports)

    def export_of(self, kind: str) -> ShareExport | None:
        return next((one for one in self.exports if one.kind == kind), None)

    def import_of(self, host: str, kind: str) -> ShareImport | None:
        wanted = (host, kind)
        return next((one for one in self.imports if (one.host, one.kind) == wanted), None)
