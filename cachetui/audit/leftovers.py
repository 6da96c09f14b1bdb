"""What an audit leaves on one host: measured before and after, removed where it is ours."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from cachetui.audit.build_job import BuildJob
from cachetui.audit.build_recorder import BuildRecorder
from cachetui.audit.build_records import forget_builds_command, recorded_names
from cachetui.audit.build_run import BuildOutcome
from cachetui.audit.cache_growth import possible_bytes
from cachetui.audit.cleanup import (
    cache_mounts,
    cache_records,
    empty_mounts_command,
    images_question,
    records_question,
    run_removal,
)
from cachetui.audit.cleanup import image_ids as list_images
from cachetui.audit.engine_images import own_bytes
from cachetui.audit.host_notes import HostNotes, noted_on
from cachetui.audit.import_notes import ImportNotes
from cachetui.audit.import_removal import ImportRemoval, removes_imports, stays_imported
from cachetui.audit.made_images import MadeImages, Removable
from cachetui.audit.task import AuditTask
from cachetui.builders.audit_names import mount_namespace
from cachetui.builders.legacy_images import LegacyMade
from cachetui.config.settings import HostSettings
from cachetui.dockerfile.instruction import Instruction
from cachetui.dockerfile.triggers import stage_triggers
from cachetui.hosts.asked_ahead import AskedAhead
from cachetui.hosts.cache_records import CacheRecord
from cachetui.hosts.machine import Cancel, Machine
from cachetui.records.host import CacheMount, HostFacts
from cachetui.store.database import Store
from cachetui.store.troubles import StoreError


@dataclass(frozen=True)
class Remains:
    """What is on the host after the removal: `in_use` counts images of ours that could not be
    removed or that others use, `unsure` new ones that may be ours; `mounts` are all cache mounts;
    `imported` says, in a sentence, what stays of an import that should not.
    `bytes` is what the audit added to the host's disk, at most that much with `at_most`; None where
    the engine did not tell, before or after."""

    in_use: int
    unsure: int = 0
    bytes: int | None = None
    at_most: bool = False
    mounts: tuple[CacheMount, ...] = ()
    imported: str | None = None

    @property
    def notes(self) -> list[str]:
        """A sentence for each kind of image that stays, and about an import that does."""
        notes: list[str] = [self.imported] if self.imported is not None else []
        if self.in_use:
            images = "1 image is" if self.in_use == 1 else f"{self.in_use} images are"
            notes.append(f"{images} in use and not removed")
        if self.unsure:
            images = "1 image" if self.unsure == 1 else f"{self.unsure} images"
            notes.append(f"{images} may be ours or another build's, and not removed")
        return notes


def remove_noted(
    machine: Machine, host: HostSettings, facts: HostFacts, store: Store, cancel: Cancel
) -> Iterator[str]:
    """Remove what audits left on the host that could not do so themselves; a sentence about each,
    and about a restart of the host. Raises `HostError`."""
    for noted in noted_on(machine, host, facts, store):
        if noted.restarted_at is not None:
            at = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(noted.restarted_at))
            yield f"the host restarted at {at}, before audit {noted.audit} had ended on it"
        try:
            removed = run_removal(machine, noted.commands, cancel)
            stays = noted.stays() if removed else None
        except BaseException:
            noted.journal.leave()
            raise
        if not removed:
            noted.journal.leave()
            continue
        noted.journal.drop()
        if noted.lines:
            but = f"; but {stays}" if stays else ""
            yield f"removed what audit {noted.audit} had left: {', '.join(noted.lines)}{but}"


@dataclass
class HostLeftovers:
    """The bookkeeping of one host. `copied_bytes` of layers were copied on it; `triggers` are the
    ONBUILD triggers of its base images; `import_marks` tell what it imports (see
    `imported_records`)."""

    task: AuditTask
    host: HostSettings
    images: MadeImages = field(default_factory=MadeImages)
    facts: HostFacts | None = None
    import_marks: frozenset[str] = frozenset()
    import_notes: ImportNotes | None = None
    records_before: tuple[CacheRecord, ...] | None = None
    copied_bytes: int = 0
    triggers: Mapping[str, Sequence[str]] = field(default_factory=dict)
    cache_mounts_used: bool = False
    buildkit_ran: bool = False
    notes: HostNotes | None = None
    recorded: set[str] = field(default_factory=set)

    def expect(self, job: BuildJob) -> None:
        """A build is about to run: from now on its tag and cache mounts may be there."""
        self.images.expect(job)
        self.buildkit_ran |= job.planned.backend == "buildkit"
        names = recorded_names(job)
        if names:
            self.recorded |= {*names, mount_namespace(self.task.audit)}
        if job.planned.kind.controlled and job.builder.has_cache_mounts:
            self.cache_mounts_used = True
        self._note()

    def building(self, job: BuildJob, recorder: BuildRecorder) -> None:
        """A build has gone on."""
        if self.import_notes is not None:
            self.import_notes.goes_on()
        if not job.planned.kind.leaves_images:
            self._note(recorder.made(cut=True))

    def _note(self, made: LegacyMade | None = None) -> None:
        if self.notes is not None:
            self.notes.note(
                self.images, mounts=self.cache_mounts_used, recorded=self.recorded, made=made
            )

    def measure_before(
        self,
        machine: Machine,
        facts: HostFacts,
        store: Store,
        on_trouble: Callable[[StoreError], None],
    ) -> None:
        """List images and cache records before anything is built, and begin to note what is made.
        Raises `HostError` and `StoreError`; `on_trouble`: see `HostNotes`."""
        self.images.begin(machine, self.host)
        self.facts = facts
        self.records_before = cache_records(machine, self.host, facts.builder)
        text = self.task.record.dockerfile_text
        self.notes = HostNotes.begin(
            store, self.task.audit, self.host, facts, self.images, text, on_trouble
        )

    def will_import(self, store: Store, marks: Iterable[str]) -> None:
        """From now on what has these marks comes into the host's own cache. Raises `StoreError`
        where that cannot be noted."""
        self.import_marks |= frozenset(marks)
        before, facts = self.records_before, self.facts
        if before is None or facts is None or not removes_imports(facts, self.import_marks):
            return
        if self.import_notes is None:
            self.import_notes = ImportNotes.begin(
                store, self.task.audit, self.host, facts, before, self.import_marks
            )

    def add(self, machine: Machine, job: BuildJob, outcome: BuildOutcome) -> None:
        """A build has run, just now. Raises `HostError`."""
        self.images.add(job, outcome)
        if not job.planned.kind.leaves_images:
            self._note(outcome.made)
            self.images.claim(machine, self.host, outcome)
            self._note()

    def leave_images(self, machine: Machine) -> None:
        """A build ran as the user would run it: what it left is the user's. Raises `HostError`."""
        self.images.before |= list_images(machine, self.host)

    def removal_commands(self, found: Removable) -> list[str]:
        """The commands that remove our tags and what was found, empty our cache mounts, and have
        the engine forget our builds."""
        empty = None
        if self.cache_mounts_used:
            namespace = mount_namespace(self.task.audit)
            empty = empty_mounts_command(self.host, self.task.dockerfile, namespace)
        removal = self.images.removal(self.host, found)
        forget = forget_builds_command(self.host, self.recorded) if self.recorded else None
        return [command for command in (removal, empty, forget) if command]

    def remove(self, machine: Machine, cancel: Cancel) -> Remains | None:
        """Remove what is ours and measure again. Raises `HostError`.

        None after `cancel`: see `run_removal`. What was made stays noted until it is known to be
        gone.
        """
        remains: Remains | None = None
        try:
            remains = self._remove(machine, cancel)
        finally:
            if self.notes is not None:
                self.notes.removed(remains is not None)
            if self.import_notes is not None:
                self.import_notes.removed(remains is not None and remains.imported is None)
        return remains

    def _remove(self, machine: Machine, cancel: Cancel) -> Remains | None:
        found = self.images.on(machine, self.host)
        gone = run_removal(machine, self.removal_commands(found), cancel)
        machine = AskedAhead(machine)
        if gone:
            listing = [images_question(self.host)] if found.images else []
            if self.records_before is not None and self.facts is not None:
                listing.append(records_question(self.host, self.facts.builder))
            machine.ask(listing)
        after, imported = self._take_out_imports(machine, cancel)
        if not gone:
            return None
        present = list_images(machine, self.host) if found.images else frozenset()
        left = (set(found.images) & present) | set(found.kept) | set(found.unsure)
        in_use, unsure = len(left - set(found.unsure)), len(found.unsure)
        before = self.records_before
        if before is None or after is None:
            return Remains(in_use, unsure, imported=imported)
        cached = possible_bytes(before, after, self._instructions) if self.buildkit_ran else 0
        images = own_bytes(machine, self.host, left) if left else 0
        return Remains(
            in_use,
            unsure,
            cached + images + self.copied_bytes,
            at_most=cached > 0 or unsure > 0,
            mounts=cache_mounts(after),
            imported=imported,
        )

    def _take_out_imports(
        self, machine: Machine, cancel: Cancel
    ) -> tuple[tuple[CacheRecord, ...] | None, str | None]:
        """As `ImportRemoval.take_out`, and what an import changes where nothing is removed."""
        before, marks = self.records_before, self.import_marks
        if self.facts is None:
            return None, None
        removal = ImportRemoval(machine, self.host, self.facts, cancel)
        after, stays = removal.take_out(before, marks)
        return after, stays or stays_imported(self.facts, before, after, marks)

    @property
    def _instructions(self) -> list[Instruction]:
        """Those that our builds ran, the triggers of base images included."""
        items = list(self.task.dockerfile.instructions)
        for stage in self.task.dockerfile.stages:
            items += stage_triggers(self.task.dockerfile, stage.index, self.triggers) or ()
        return items
