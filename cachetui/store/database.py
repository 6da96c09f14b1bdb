"""Runs and audits kept, looked up by what they were a run of.

Records are validated against their types when read; a damaged one is set aside with a message and
never stops the rest.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, TypeVar

import msgspec

from cachetui.context.manifest import Entry
from cachetui.records.base import Record
from cachetui.records.digest import KEYED
from cachetui.records.document import Document
from cachetui.records.run import Run
from cachetui.store.audit_records import AuditEntry, KeptAudit
from cachetui.store.glance import default_folder
from cachetui.store.host_marks import HostMarks
from cachetui.store.journal import Journal, left_journals
from cachetui.store.log_blocks import LogError
from cachetui.store.open_backing import open_backing
from cachetui.store.place import StorePlace
from cachetui.store.run_log import RunLog
from cachetui.store.secret import LOST
from cachetui.store.sizes import Kind, Row
from cachetui.store.spool import Spool
from cachetui.store.table import Table
from cachetui.store.troubles import StoreError, cannot_keep

_T = TypeVar("_T")

RUN_PARTS = ("raw", "log", "gone:log", "gone:raw", "run")
"""What the keys of a run begin with, in the order in which they go."""


class Store:
    """Everything kept, in one place. Threads and processes may share it.

    `warnings` collects what was set aside as damaged, for the caller to report; `hasher` makes the
    digests of values that may be kept here; `in_use` tells what is not to be removed now,
    `marks` what is kept of hosts by name. `folder` is on this machine, whatever the place; `where`
    says to people what the place is. Raises `StoreError` when the place cannot be made or
    opened, and from every `keep_…`.
    """

    def __init__(self, place: StorePlace | None = None) -> None:
        self.warnings: list[str] = []
        self._backing = open_backing(place or default_folder(), self.warnings)
        self.folder = self._backing.folder
        self.where = self._backing.where
        self.in_use = self._backing.in_use
        self._runs, self._audits, self._blobs = self.caches
        self.marks = HostMarks(self._audits)
        self._spool = Spool(self.folder / "spool")
        try:
            self._spool.make()
        except OSError as error:
            raise cannot_keep("results", self.folder, error) from None
        secret = self._backing.secret()
        self.hasher = secret.hasher
        if secret.problem is not None:
            self.warnings.append(secret.problem)
        elif secret.made and self._has_keyed_digests():
            self.warnings.append(LOST)

    def prepare(self) -> None:
        """Find out before work that takes hours whether its results can be kept. Raises
        `StoreError`."""
        self._backing.prepare()
        with self.spool():
            pass

    def _has_keyed_digests(self) -> bool:
        """Whether an audit was kept with digests that a secret was needed for."""
        for key in self._audits.keys("doc:"):
            with suppress(ValueError):  # damaged: set aside when it is asked for
                if KEYED in (self._audits.text(key) or ""):
                    return True
        return False

    def begin_journal(self, topic: str, name: str, head: Record) -> Journal:
        """Begin notes that outlive this process, locked while it lives. Raises `StoreError`."""
        file = f"{topic}-{name}-{time.time_ns():x}.jsonl"
        return Journal.begin(self.folder / "notes" / file, head)

    def left_journals(self, topic: str) -> Iterator[Journal]:
        """The notes on a topic whose writers are gone: see `journal.left_journals`."""
        return left_journals(self.folder / "notes", topic)

    @property
    def caches(self) -> tuple[Table, Table, Table]:
        """The tables: runs, audits, blobs."""
        return (self._backing.runs, self._backing.audits, self._backing.blobs)

    def rows(self) -> dict[str, Row]:
        """What each entry takes, by its key. Raises `StoreError`."""
        return {key: row for cache in self.caches for key, row in cache.rows().items()}

    def room(self) -> int:
        """Bytes that limits are for."""
        return self._backing.room()

    def overhead(self, rows: dict[str, Row]) -> float:
        """Bytes that tables take for each byte of a value in them."""
        return self._backing.overhead(rows)

    def kinds(self) -> tuple[Kind, ...]:
        """What takes how much, largest first. Raises `StoreError`."""
        return self._backing.kinds(self.rows())

    def use(self, audit: str) -> None:
        """The audit is looked at, until the store is closed."""
        self.in_use.use(audit)

    def close(self) -> None:
        self._backing.close()

    @contextmanager
    def spool(self) -> Iterator[Path]:
        """A folder for the files of a run under way, gone afterwards. Raises `StoreError` in place
        of an `OSError`, which is one of these files'."""
        try:
            with self._spool.folder() as folder:
                yield folder
        except OSError as error:
            raise cannot_keep("results", self.folder, error) from None

    def abandoned(self) -> Iterator[Path]:
        """The folders of runs whose process was killed."""
        return self._spool.abandoned()

    # Runs

    def keep_run(self, run: Run, *, log: Path | None = None) -> None:
        """Keep a run with its log (a `LogWriter` file), at once.

        A run whose log cannot be kept is kept without, and the error is raised then.
        """
        trouble: StoreError | None = None
        with self._backing.keeping():
            if log is not None:
                try:
                    self._runs.put(f"log:{run.id}", log, "results")
                except StoreError as error:
                    trouble = error
                    day = time.strftime("%Y-%m-%d")
                    gone = f"the log could not be kept on {day}: {error}"
                    self._runs.put_small(f"gone:log:{run.id}", gone, "results")
            self._runs.put_record(f"run:{run.id}", run, "results")
            if run.of and run.status in ("ok", "failed"):
                self._runs.put_small(f"of:{run.of}", run.id, "results")
        if trouble is not None:
            raise trouble

    def keep_missing(self, runs: Iterable[Run]) -> None:
        """Keep those of the runs that are not there: the store was made anew since."""
        for run in runs:
            if f"run:{run.id}" not in self._runs:
                self.keep_run(run)

    def run(self, run_id: str) -> Run | None:
        """The run of that id, None when it is not there or damaged (see `warnings`)."""
        return self._runs.record(f"run:{run_id}", Run)

    def find(self, of: str, max_age: float) -> Run | None:
        """The last run of the same thing, made within `max_age` seconds; None without one, and
        when it did not succeed."""
        run_id = self._runs.text(f"of:{of}")
        run = self.run(run_id) if run_id is not None else None
        if run is None or run.status != "ok" or time.time() - run.started_at > max_age:
            return None
        return run

    def last_seconds(self, of: str) -> float | None:
        """How long the last run of the same thing took, whatever its age."""
        run = self.find(of, float("inf"))
        return run.seconds if run else None

    def log(self, run_id: str) -> RunLog | None:
        """The log of a run, read lazily; the caller closes it. None without one: see
        `log_gone`."""
        file = self._runs.file(f"log:{run_id}") if self.log_gone(run_id) is None else None
        try:
            return RunLog.open(file) if file is not None else None
        except LogError as error:
            self.warnings.append(f"log of run {run_id}: {error}")
            return None

    def log_gone(self, run_id: str) -> str | None:
        """Why a run has no log any more, as a sentence; None where it has one, or never had."""
        return self._runs.text(f"gone:log:{run_id}")

    def remove_logs(self, runs: Sequence[str], why: str) -> None:
        """Remove the logs of these runs, which say `why` from then on; and raw outputs, which
        earlier versions kept."""
        with self._runs.together():
            for run_id in runs:
                self._runs.put_small(f"gone:log:{run_id}", why, "results")
        self._runs.remove(f"{part}:{run_id}" for run_id in runs for part in ("raw", "log"))

    def keep_manifest(self, digest: str, entries: tuple[Entry, ...]) -> None:
        """Keep what a build context held, once for all audits of it."""
        key = f"manifest:{digest}"
        if key not in self._runs:
            with self._backing.keeping():
                self._runs.put_record(key, entries, "a context's manifest")

    def manifest(self, digest: str) -> tuple[Entry, ...] | None:
        """What the context of that digest held, None when it is not kept."""
        return self._runs.record(f"manifest:{digest}", tuple[Entry, ...])

    # Blobs

    def keep_blob(self, key: str, data: bytes | Path) -> None:
        """Keep bytes, or a file's, under a key that says what they are, such as a digest."""
        with self._backing.keeping():
            self._blobs.put(key, data, key)

    def blob(self, key: str) -> BinaryIO | None:
        """What is kept under a key, for the caller to close; None when there is nothing."""
        return self._blobs.file(key)

    # Audits

    def keep_audit(self, document: Document) -> None:
        """Keep an audit, whole or partial; again under the same id replaces it."""
        kept = KeptAudit(
            document=msgspec.structs.replace(document, runs=()),
            runs=tuple((run.id, run.stored) for run in document.runs),
        )
        entry = AuditEntry(
            audit=document.audit,
            build=document.build.name,
            started_at=document.started_at,
            seconds=document.seconds,
            hosts=len(document.hosts),
            runs=len(document.runs),
            failed=sum(run.status not in ("ok", "unsupported") for run in document.runs),
            scenarios=document.scenarios,
        )
        with self._backing.keeping():
            self._audits.put_record(f"doc:{document.audit}", kept, "the audit")
            self._audits.put_record(f"entry:{document.audit}", entry, "the audit")

    def audits(self) -> list[AuditEntry]:
        """The history, newest first."""
        pinned = set(self._audits.keys("pin:"))
        known = [
            msgspec.structs.replace(entry, pinned=f"pin:{entry.audit}" in pinned)
            for entry in self._audits.records("entry:", AuditEntry)
        ]
        return sorted(known, key=lambda entry: entry.started_at, reverse=True)

    def pin(self, audit: str, pinned: bool = True) -> None:
        """Never remove an audit to keep the store within a limit, or do so again."""
        if pinned:
            self._audits.put_small(f"pin:{audit}", "", "the pin")
        else:
            self._audits.delete(f"pin:{audit}")

    def audit(self, audit: str) -> Document | None:
        """An audit whole; its notes say how many of its runs are no longer there."""
        kept = self.kept(audit)
        if kept is None:
            return None
        found = self._runs.records_of([f"run:{run_id}" for run_id, _ in kept.runs], Run)
        runs = [
            msgspec.structs.replace(run, stored=stored)
            for run_id, stored in kept.runs
            if (run := found.get(f"run:{run_id}")) is not None
        ]
        notes = kept.document.notes
        if lost := len(kept.runs) - len(runs):
            notes = (*notes, f"{lost} of its runs are no longer in the store")
        return msgspec.structs.replace(kept.document, runs=tuple(runs), notes=notes)

    def resolve(self, name: str) -> str | None:
        """The audit that `name` means: an id, the unique beginning of one, or "last", which is
        the last that built (see `last_built`), or the last peek where none did."""
        entries = self.audits()
        if name == "last":
            last = _last_built(entries) or next(iter(entries), None)
            return last.audit if last else None
        matching = [entry.audit for entry in entries if name and entry.audit.startswith(name)]
        if name in matching:
            return name
        return matching[0] if len(matching) == 1 else None

    def last_built(self) -> AuditEntry | None:
        """The last audit that built: a peek stops its builds."""
        return _last_built(self.audits())

    def keep_proof(self, audit: str, proof: Record) -> None:
        """Keep what an experiment for a finding of this audit showed, beside earlier ones."""
        with self._backing.keeping():
            self._audits.put_record(f"proof:{audit}:{time.time_ns()}", proof, "the proof")

    def proofs(self, audit: str, kind: type[_T]) -> tuple[_T, ...]:
        """The proofs of an audit as records of that `kind`, in the order of keeping."""
        keys = sorted(self._audits.keys(f"proof:{audit}:"))
        proofs = (self._audits.record(key, kind) for key in keys)
        return tuple(proof for proof in proofs if proof is not None)

    def delete_audit(self, audit: str) -> None:
        """Forget an audit with its proofs, and those of its runs that no other audit names."""
        kept = self.kept(audit)
        others = (other for other in self.all_kept() if other.document.audit != audit)
        still_named = {run_id for other in others for run_id, _ in other.runs}
        runs = [run_id for run_id, _ in kept.runs] if kept is not None else []
        own = [run_id for run_id in runs if run_id not in still_named]
        self._runs.remove([key for run_id in own if (key := self._found_under(run_id))])
        self.remove_audits([audit], own)

    def _found_under(self, run_id: str) -> str | None:
        """The key whose newest run this is, None where it is that of none."""
        run = self.run(run_id)
        key = f"of:{run.of}" if run is not None else ""
        return key if key and self._runs.text(key) == run_id else None

    def remove_audits(self, audits: Iterable[str], runs: Sequence[str]) -> None:
        """Remove audits with their proofs, and these runs, which no other audit names."""
        for audit in audits:
            proofs = self._audits.keys(f"proof:{audit}:")
            self._audits.remove([f"{part}:{audit}" for part in ("doc", "entry", "pin")] + proofs)
        self._runs.remove(f"{part}:{run_id}" for run_id in runs for part in RUN_PARTS)
        self._blobs.remove(f"contents:{run_id}" for run_id in runs)

    def kept(self, audit: str) -> KeptAudit | None:
        """An audit without its runs, None when it is not there or damaged."""
        return self._audits.record(f"doc:{audit}", KeptAudit)

    def all_kept(self) -> Iterator[KeptAudit]:
        """All whole audits without their runs, in the order of keeping. Raises `StoreError`."""
        return self._audits.records("doc:", KeptAudit)


def _last_built(entries: Iterable[AuditEntry]) -> AuditEntry | None:
    return next((entry for entry in entries if not entry.peek), None)
