"""The auditor's store as a worker sees it: nothing is kept here, the auditor is asked and told.

What an audit of a host does not need of a store is not there.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import msgspec

from cachetui.audit.allowance import Allowance
from cachetui.audit.keeping import Keeping
from cachetui.cluster.link import Calls
from cachetui.cluster.messages import PIECE
from cachetui.context.manifest import Entry
from cachetui.records.base import Record
from cachetui.records.digest import ValueHasher
from cachetui.records.run import Run
from cachetui.store.database import Store
from cachetui.store.journal import Journal
from cachetui.store.troubles import StoreError, cannot_keep


class AuditorsHasher(ValueHasher):
    """Has the auditor make the digests, each once: its secret does not travel."""

    def __init__(self, key: str, calls: Calls) -> None:
        self.key = key
        self._calls = calls
        self._known: dict[str, str] = {}

    def digest(self, value: str) -> str:
        if value not in self._known:
            self._known[value] = self._calls("digest", value)
        return self._known[value]


class AuditorsJournal(Journal):
    """Notes that the auditor keeps: they outlive this worker."""

    def __init__(
        self, calls: Calls, name: str, lines: list[bytes] | None = None, written_at: float = 0.0
    ) -> None:
        self._calls, self._name = calls, name
        self._lines, self._written_at = lines or [], written_at
        self._last = b""

    def note(self, record: Record) -> None:
        line = msgspec.json.encode(record)
        if line != self._last:
            self._calls("note", self._name, record)
            self._last = line

    def lines(self) -> list[bytes]:
        return self._lines

    @property
    def written_at(self) -> float:
        return self._written_at

    def leave(self) -> None:
        self._calls("leave_journal", self._name)

    def drop(self) -> None:
        self._calls("drop_journal", self._name)


class AuditorsStore(Store):
    """What `HostAudit` and what it calls need of a store. Raises `StoreError` where the auditor's
    does. `folder` is for files under way alone."""

    def __init__(self, calls: Calls, hasher_key: str, folder: Path) -> None:
        self.folder = folder
        self.warnings = []
        self.hasher = AuditorsHasher(hasher_key, calls)
        self._calls = calls

    @contextmanager
    def spool(self) -> Iterator[Path]:
        try:
            with tempfile.TemporaryDirectory(dir=self.folder) as folder:
                yield Path(folder)
        except OSError as error:
            raise cannot_keep("results", self.folder, error) from None

    def begin_journal(self, topic: str, name: str, head: Record) -> Journal:
        return AuditorsJournal(self._calls, self._calls("begin_journal", topic, name, head))

    def left_journals(self, topic: str) -> Iterator[Journal]:
        for name, lines, written_at in self._calls("left_journals", topic):
            yield AuditorsJournal(self._calls, name, lines, written_at)

    def keep_run(self, run: Run, *, log: Path | None = None) -> None:
        self._calls("keep_run", run, self._sent(log))

    def find(self, of: str, max_age: float) -> Run | None:
        run: Run | None = self._calls("find", of, max_age)
        return run

    def keep_manifest(self, digest: str, entries: tuple[Entry, ...]) -> None:
        self._calls("keep_manifest", digest, entries)

    def keep_blob(self, key: str, data: bytes | Path) -> None:
        self._calls("keep_blob", key, self._sent(data))

    def blob(self, key: str) -> BinaryIO | None:
        data = b""
        while True:
            piece = self._calls("blob", key, len(data))
            if piece is None:
                return None
            if not piece:
                return BytesIO(data)
            data += piece

    def _sent(self, data: bytes | Path | None) -> str | None:
        """What the auditor calls the file that now has these bytes there."""
        if data is None:
            return None
        name: str = self._calls("new_file")
        try:
            with data.open("rb") if isinstance(data, Path) else BytesIO(data) as file:
                while piece := file.read(PIECE):
                    self._calls("add_to_file", name, piece)
        except OSError as error:
            raise cannot_keep("results", self.folder, error) from None
        return name


class AuditorsAllowance(Allowance):
    """Hours and days are those of the auditor's clock, counts those of its store."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    def not_now(self) -> str | None:
        why: str | None = self._calls("not_now")
        return why

    def count_build(self) -> None:
        self._calls("count_build")


class AuditorsKeeping(Keeping):
    """Whether the auditor can keep results; a trouble there stops the builds of all workers."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    @property
    def trouble(self) -> str | None:
        trouble: str | None = self._calls("trouble")
        return trouble

    def failed(self, error: StoreError) -> None:
        self._calls("not_kept", error)
