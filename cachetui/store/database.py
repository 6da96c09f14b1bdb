"""Runs and audits kept on disk, looked up by what they were a run of.

Bytes and text only: diskcache unpickles what it finds (CVE-2025-69872), so `_PlainDisk` refuses
every row and value that is a pickle. Records are validated against their types when read; a
damaged one is set aside with a message and never stops the rest.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, TypeVar, cast

import diskcache
import msgspec
import platformdirs
from diskcache.core import MODE_PICKLE

from cachetui.context.build_context import Entry
from cachetui.records.base import Record
from cachetui.records.document import Document
from cachetui.records.run import Run
from cachetui.records.to_json import to_json
from cachetui.store.log_blocks import LogError
from cachetui.store.run_log import RunLog

_NEVER_CULL = 1 << 60
_T = TypeVar("_T")


class StoreError(Exception):
    """The store cannot be opened or written: says where, and what would help."""


class Refused(Exception):
    """A row of the store holds a pickle, which is never loaded."""


class _PlainDisk(diskcache.Disk):  # type: ignore[misc]
    """A diskcache `Disk` of text and bytes only."""

    def put(self, key: object) -> tuple[object, bool]:
        if not isinstance(key, str):
            raise TypeError(f"store keys are text, not {type(key).__name__}")
        return key, True

    def get(self, key: object, raw: object) -> object:
        if not raw:
            raise Refused("a pickled key")
        return key

    def store(self, value: object, read: bool, key: object = diskcache.UNKNOWN) -> Any:
        if not read and not isinstance(value, str | bytes):
            raise TypeError(f"store values are text or bytes, not {type(value).__name__}")
        return super().store(value, read, key=key)

    def fetch(self, mode: int, filename: str | None, value: object, read: bool) -> object:
        if mode == MODE_PICKLE:
            raise Refused("a pickled value")
        return super().fetch(mode, filename, value, read)


class AuditEntry(Record, frozen=True, kw_only=True):
    """A line of the history. `hosts` and `runs` are counts; times in seconds since the epoch."""

    audit: str
    build: str
    started_at: float
    seconds: float
    hosts: int
    runs: int
    failed: int
    scenarios: tuple[str, ...] = ()


class _KeptAudit(Record, frozen=True, kw_only=True):
    """An audit without its runs, which are kept by themselves: (id, reused from the store)."""

    document: Document
    runs: tuple[tuple[str, bool], ...]


def default_folder() -> Path:
    """The user's cache folder for cachetui, by XDG's rules."""
    return Path(platformdirs.user_cache_dir("cachetui", appauthor=False))


class Store:
    """Everything kept, below one folder (mode 0700). Threads and processes may share it.

    `warnings` collects what was set aside as damaged, for the caller to tell. Raises
    `StoreError` when the folder cannot be made or opened.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or default_folder()
        self.warnings: list[str] = []
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self.folder.chmod(0o700)
            self._spool = self.folder / "spool"
            self._spool.mkdir(exist_ok=True)
            self._runs = self._open("runs")
            self._audits = self._open("audits")
            self._blobs = self._open("blobs")
        except (OSError, sqlite3.Error, diskcache.Timeout) as error:
            raise StoreError(
                f"cannot keep results in {self.folder}: {error}; "
                "name another folder with --store or $CACHETUI_STORE"
            ) from None

    def _open(self, name: str) -> diskcache.Cache:
        folder = self.folder / name
        options: dict[str, Any] = {
            "disk": _PlainDisk,
            "eviction_policy": "none",
            "size_limit": _NEVER_CULL,
            "cull_limit": 0,
        }
        try:
            return diskcache.Cache(str(folder), **options)
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise
            aside = folder.with_name(f"{name}.damaged-{time.time_ns()}")
            folder.rename(aside)
            self.warnings.append(f"the store's {name} were damaged ({error}); set aside as {aside}")
            return diskcache.Cache(str(folder), **options)

    def close(self) -> None:
        self._runs.close()
        self._audits.close()
        self._blobs.close()

    @contextmanager
    def spool(self) -> Iterator[Path]:
        """A folder for the files of a run under way, gone afterwards."""
        folder = Path(tempfile.mkdtemp(dir=self._spool))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    # Runs

    def keep_run(self, run: Run, *, log: Path | None = None, raw: Path | None = None) -> None:
        """Keep a run with its log (a `LogWriter` file) and raw output (zlib blocks), at once."""
        try:
            for part, path in (("log", log), ("raw", raw)):
                if path is not None:
                    with path.open("rb") as file:
                        self._runs.set(f"{part}:{run.id}", file, read=True)
            self._runs.set(f"run:{run.id}", to_json(run).decode())
            if run.of and run.status in ("ok", "failed"):
                self._runs.set(f"of:{run.of}", run.id)
        except (OSError, sqlite3.Error, diskcache.Timeout) as error:
            raise StoreError(f"cannot keep a run in {self.folder}: {error}") from None

    def run(self, run_id: str) -> Run | None:
        """The run of that id, None when it is not there or damaged (see `warnings`)."""
        return self._read(self._runs, f"run:{run_id}", Run)

    def find(self, of: str, max_age: float) -> Run | None:
        """The last successful run of the same thing, made within `max_age` seconds."""
        try:
            run_id = self._runs.get(f"of:{of}")
        except Refused:
            return None
        run = self.run(run_id) if isinstance(run_id, str) else None
        if run is None or run.status != "ok" or time.time() - run.started_at > max_age:
            return None
        return run

    def last_seconds(self, of: str) -> float | None:
        """How long the last run of the same thing took, whatever its age."""
        run = self.find(of, float("inf"))
        return run.seconds if run else None

    def log(self, run_id: str) -> RunLog | None:
        """The log of a run, read lazily; the caller closes it."""
        try:
            file = self._file(f"log:{run_id}")
            return RunLog.open(file) if file is not None else None
        except LogError as error:
            self.warnings.append(f"log of run {run_id}: {error}")
            return None

    def raw(self, run_id: str) -> BinaryIO | None:
        """What the build printed, as kept: concatenated zlib streams."""
        return self._file(f"raw:{run_id}")

    def _file(self, key: str, cache: diskcache.Cache | None = None) -> BinaryIO | None:
        try:
            found = (self._runs if cache is None else cache).get(key, read=True)
            return BytesIO(found) if isinstance(found, bytes) else cast(BinaryIO | None, found)
        except (Refused, OSError) as error:
            self.warnings.append(f"{key}: cannot be read: {error}")
            return None

    def keep_manifest(self, digest: str, entries: tuple[Entry, ...]) -> None:
        """Keep what a build context held, once for all audits of it."""
        key = f"manifest:{digest}"
        if key not in self._runs:
            self._runs.set(key, to_json(entries).decode())

    def manifest(self, digest: str) -> tuple[Entry, ...] | None:
        """What the context of that digest held, None when it is not kept."""
        return self._read(self._runs, f"manifest:{digest}", tuple[Entry, ...])

    # Blobs

    def keep_blob(self, key: str, data: bytes | Path) -> None:
        """Keep bytes, or a file's, under a key that says what they are, such as a digest."""
        try:
            if isinstance(data, bytes):
                self._blobs.set(key, data)
            else:
                with data.open("rb") as file:
                    self._blobs.set(key, file, read=True)
        except (OSError, sqlite3.Error, diskcache.Timeout) as error:
            raise StoreError(f"cannot keep {key} in {self.folder}: {error}") from None

    def blob(self, key: str) -> BinaryIO | None:
        """What is kept under a key, for the caller to close; None when there is nothing."""
        return self._file(key, self._blobs)

    # Audits

    def keep_audit(self, document: Document) -> None:
        """Keep an audit, whole or partial; again under the same id replaces it."""
        kept = _KeptAudit(
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
        try:
            self._audits.set(f"doc:{document.audit}", to_json(kept).decode())
            self._audits.set(f"entry:{document.audit}", to_json(entry).decode())
        except (OSError, sqlite3.Error, diskcache.Timeout) as error:
            raise StoreError(f"cannot keep the audit in {self.folder}: {error}") from None

    def audits(self) -> list[AuditEntry]:
        """The history, newest first."""
        keys = [key for key in self._keys(self._audits) if key.startswith("entry:")]
        entries = [self._read(self._audits, key, AuditEntry) for key in keys]
        return sorted((e for e in entries if e), key=lambda e: e.started_at, reverse=True)

    def audit(self, audit: str) -> Document | None:
        """An audit whole; runs that are no longer there are said in its notes."""
        kept = self._read(self._audits, f"doc:{audit}", _KeptAudit)
        if kept is None:
            return None
        runs: list[Run] = []
        lost = 0
        for run_id, stored in kept.runs:
            run = self.run(run_id)
            if run is None:
                lost += 1
            else:
                runs.append(msgspec.structs.replace(run, stored=stored))
        notes = kept.document.notes
        if lost:
            notes = (*notes, f"{lost} of its runs are no longer in the store")
        return msgspec.structs.replace(kept.document, runs=tuple(runs), notes=notes)

    def resolve(self, word: str) -> str | None:
        """The audit that `word` names: an id, the unique beginning of one, or "last"."""
        entries = self.audits()
        if word == "last":
            return entries[0].audit if entries else None
        found = [e.audit for e in entries if e.audit.startswith(word)]
        if word in found:
            return word
        return found[0] if len(found) == 1 else None

    def keep_proof(self, audit: str, proof: Record) -> None:
        """Keep what an experiment for a finding of this audit showed, beside earlier ones."""
        try:
            self._audits.set(f"proof:{audit}:{time.time_ns()}", to_json(proof).decode())
        except (OSError, sqlite3.Error, diskcache.Timeout) as error:
            raise StoreError(f"cannot keep the proof in {self.folder}: {error}") from None

    def proofs(self, audit: str, kind: type[_T]) -> tuple[_T, ...]:
        """The proofs of an audit as records of that `kind`, in the order of keeping."""
        keys = sorted(key for key in self._keys(self._audits) if key.startswith(f"proof:{audit}:"))
        found = [self._read(self._audits, key, kind) for key in keys]
        return tuple(one for one in found if one is not None)

    def delete_audit(self, audit: str) -> None:
        """Forget an audit with its proofs, and those of its runs that no other audit names."""
        kept = self._read(self._audits, f"doc:{audit}", _KeptAudit)
        self._audits.delete(f"doc:{audit}")
        self._audits.delete(f"entry:{audit}")
        for key in self._keys(self._audits):
            if key.startswith(f"proof:{audit}:"):
                self._audits.delete(key)
        if kept is None:
            return
        named: set[str] = set()
        for entry in self.audits():
            other = self._read(self._audits, f"doc:{entry.audit}", _KeptAudit)
            named |= {run_id for run_id, _ in other.runs} if other else set()
        for run_id, _ in kept.runs:
            if run_id not in named:
                for part in ("run", "log", "raw"):
                    self._runs.delete(f"{part}:{run_id}")
                self._blobs.delete(f"contents:{run_id}")

    def _keys(self, cache: diskcache.Cache) -> list[str]:
        try:
            return [key for key in cache if isinstance(key, str)]
        except Refused as error:
            self.warnings.append(f"the store holds {error}, which is not read")
            return []

    def _read(self, cache: diskcache.Cache, key: str, kind: type[_T]) -> _T | None:
        text: object = None
        try:
            text = cache.get(key)
            if text is None:
                return None
            if not isinstance(text, str):
                raise msgspec.ValidationError("not text")
            return msgspec.json.decode(text, type=kind)
        except (Refused, msgspec.MsgspecError, OSError, sqlite3.Error) as error:
            self._set_aside(cache, key, text)
            self.warnings.append(f"the store's {key} is damaged and was set aside: {error}")
            return None

    def _set_aside(self, cache: diskcache.Cache, key: str, text: object) -> None:
        with suppress(OSError, sqlite3.Error, diskcache.Timeout):
            if isinstance(text, str):
                aside = self.folder / "damaged"
                aside.mkdir(exist_ok=True)
                (aside / f"{key.replace(':', '-')}-{time.time_ns()}").write_text(text)
            cache.delete(key)
