"""A look at what a host's own cache has of a build, before the build imports another."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

import msgspec

from cachetui.audit.allowance import count_build
from cachetui.audit.build_run import BuildOutcome, run_build
from cachetui.audit.cleanup import cache_records
from cachetui.audit.host_runs import HostRuns
from cachetui.audit.imported_hits import may_hold, with_brought, with_origins, with_own_layers
from cachetui.audit.imported_records import cache_marks
from cachetui.audit.leftovers import HostLeftovers
from cachetui.audit.shared_cache import BuildOfCache, imported_caches
from cachetui.builders.docker_args import options
from cachetui.dockerfile.parse import needed_stages
from cachetui.hosts.base_now import base_now
from cachetui.hosts.machine import Cancel, HostError, Machine
from cachetui.records.base_now import BaseNow
from cachetui.records.run import Run
from cachetui.records.scenario import Planned
from cachetui.records.shared_cache import SharedCache

NO_RECORDS = "the engine did not list its cache, so it is not known what it held before"
MOUNTS = (
    "the host's own cache was not looked at by a build, which could write to its cache mounts: "
    "where its records do not tell, a hit is here or imported"
)
MOST_BASES = 8
"""Base images whose registries are asked."""

EMPTIES = ("no-cache", "no-cache-filter")


@dataclass
class OwnCacheLook:
    """What one host held of a build. `look` is the build without the import, None where it was not
    needed or not made; `notes` say why not. `imports` are the caches that the build imports, as far
    as they can be read."""

    runs: HostRuns
    leftovers: HostLeftovers
    look: Run | None = None
    imports: tuple[SharedCache, ...] = ()
    notes: tuple[str, ...] = ()

    def take(self, machine: Machine, planned: Planned, cancel: Cancel) -> None:
        """Look, unless the records tell all. Raises `HostError` and `StoreError`."""
        task, records = self.runs.task, self.leftovers.records_before
        file, settings = task.dockerfile, task.settings
        build = BuildOfCache(file, settings.target, settings.build_args)
        self.imports = imported_caches(machine, self.runs.host, settings.docker_args, build)
        self.leftovers.will_import(self.runs.store, cache_marks(self.imports))
        needed = needed_stages(file, settings.target)
        items = [item for stage in needed for item in file.stages[stage].instructions[1:]]
        if records is None:
            self.notes = (NO_RECORDS,)
        elif not any(may_hold(records, item) for item in items):
            return
        if any(item.cache_mounts for item in items):
            self.notes += (MOUNTS,)
            return
        if any(option.name in EMPTIES for option in options(settings.docker_args)):
            return
        job = self.runs.without_import(planned)
        count_build(self.runs.host, self.runs.store)
        with self.runs.store.spool() as folder:
            self.leftovers.expect(job)
            outcome = run_build(
                machine,
                job,
                folder,
                cancel=cancel,
                on_start=lambda _: None,
                on_change=lambda _: None,
            )
            self.leftovers.add(machine, job, outcome)
        self.look = outcome.run
        if outcome.run.status != "ok":
            self.look = None
            self.notes += (
                "what the host's own cache holds could not be looked at: "
                f"{outcome.run.reason or outcome.run.status}",
            )

    def told(self, machine: Machine, outcome: BuildOutcome, cancel: Cancel) -> BuildOutcome:
        """The outcome of the build that imports, with the origin of each hit; where one came with
        the import, also what the base images' names mean now."""
        file, records = self.runs.task.dockerfile, self.leftovers.records_before
        run = with_origins(outcome.run, file, records, self.look)
        run = self._with_brought(machine, msgspec.structs.replace(run, imports=self.imports))
        run = with_own_layers(run, file, self.runs.task.settings.target)
        if any(step.origin in ("imported", "either") for step in run.steps):
            run = msgspec.structs.replace(run, bases_now=self._bases_now(machine, cancel))
        before = self.look.commands if self.look is not None else ()
        notes = (*run.notes, *self.notes)
        commands = (*before, *run.commands)
        run = msgspec.structs.replace(run, commands=commands, notes=notes)
        return BuildOutcome(run, outcome.made)

    def _with_brought(self, machine: Machine, run: Run) -> Run:
        """The run with what the engine's records tell after it, where they can tell more."""
        before = self.leftovers.records_before
        open_ones = (step for step in run.steps if step.origin == "either")
        if before is None or not any(run.imported_layers(step.id) for step in open_ones):
            return run
        with suppress(HostError):
            after = cache_records(machine, self.runs.host, self.runs.facts.builder)
            return with_brought(run, before, after or ())
        return run

    def _bases_now(self, machine: Machine, cancel: Cancel) -> tuple[BaseNow, ...]:
        """Without what a host that is gone, or an audit that is stopped, did not tell."""
        found: list[BaseNow] = []
        with suppress(HostError):
            for ref in self.runs.task.base_images()[:MOST_BASES]:
                buildx = bool(self.runs.facts.buildx)
                found.append(base_now(machine, self.runs.host, ref, buildx=buildx, cancel=cancel))
        return tuple(found)
