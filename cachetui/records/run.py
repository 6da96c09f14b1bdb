"""One build of one scenario on one host, as it was observed."""

from __future__ import annotations

from typing import Literal

import msgspec

from cachetui.records.backend import Backend
from cachetui.records.base import Record
from cachetui.records.base_now import BaseNow
from cachetui.records.scenario import Scenario
from cachetui.records.share import CacheTransfer
from cachetui.records.shared_cache import SharedCache
from cachetui.records.step import Step, StepId

RunStatus = Literal["ok", "failed", "unsupported", "cancelled", "lost"]


OutputFormat = Literal["legacy", "plain", "rawjson"]


class Image(Record, frozen=True, kw_only=True):
    """What a run built: `id` as the host names it (its meaning depends on the image store),
    `layers` the uncompressed layer digests (comparable between stores), `bytes` its size."""

    id: str
    layers: tuple[str, ...]
    bytes: int


class MountUse(Record, frozen=True, kw_only=True):
    """A cache mount that a RUN step names: `id` is its own or the target (BuildKit's default)."""

    stage_index: int
    index: int
    target: str
    id: str
    sharing: str = "shared"


class Run(Record, frozen=True, kw_only=True):
    """One build of one scenario on one host.

    `id` names it in the store. `of` is the digest of what it was a run of (see `store`).
    `started_at` is seconds since the epoch, by our clock; `seconds` the wall time of the
    build's command. `hit_ratio` is hits over the steps that can hit, None when none can.
    `commands` are the shell commands that ran on the host, in order. `load` is the host's
    1-minute load average just before. `left_images` are image IDs that the run made and that
    could not be removed. `context_digest` is what it built where that was not the audit's own
    context, but one that the host keeps. `bases` maps a FROM's reference to the digest that
    BuildKit resolved it to and printed: it leaves no image behind that could be asked.
    `transfers` are the imports and exports of caches that BuildKit told of; `imports` are the
    caches that a `buildkit-imported` run was to import, as they were read before it; `bases_now` is
    what the base images' names meant in their registries after it, where a hit came with one.
    """

    id: str
    audit: str
    host: str
    scenario: str
    repeat: int
    status: RunStatus
    reason: str | None = None
    stored: bool = False
    started_at: float
    seconds: float
    hit_ratio: float | None = None
    steps: tuple[Step, ...] = ()
    image: Image | None = None
    output_format: OutputFormat | None = None
    exit_status: int | None = None
    context_bytes: int | None = None
    commands: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    mounts: tuple[MountUse, ...] = ()
    left_images: tuple[str, ...] = ()
    load: float | None = None
    engine: str | None = None
    of: str = ""
    context_digest: str | None = None
    bases: dict[str, str] = msgspec.field(default_factory=dict)
    transfers: tuple[CacheTransfer, ...] = ()
    imports: tuple[SharedCache, ...] = ()
    bases_now: tuple[BaseNow, ...] = ()

    @property
    def kind(self) -> Scenario:
        """The scenario, typed."""
        return Scenario.of(self.scenario)

    @property
    def backend(self) -> Backend:
        return self.kind.backend

    def imported_layers(self, step: StepId) -> tuple[str, ...]:
        """The digests of the blobs that the result of a step added, in the caches of `imports`."""
        return tuple(
            layer
            for cache in self.imports
            for held in cache.steps or ()
            if (held.stage_index, held.index) == (step.stage_index, step.index)
            for layer in held.layers
        )

    def imported_at(self, step: StepId) -> float | None:
        """When the result of a step was made that a cache in `imports` has, in seconds since the
        epoch; the first of several, None where none tells."""
        dates = [
            held.created
            for cache in self.imports
            for held in cache.steps or ()
            if (held.stage_index, held.index) == (step.stage_index, step.index)
            and held.created is not None
        ]
        return min(dates, default=None)
