"""What a worker may ask of the auditor's store, for one host at a time."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from cachetui.cluster.messages import PIECE
from cachetui.records.base import Record
from cachetui.records.run import Run
from cachetui.store.database import Store
from cachetui.store.journal import Journal
from cachetui.store.troubles import cannot_keep


class StoreCalls:
    """The calls of one execution. Files that come in pieces are below `folder`. Each method that
    keeps raises `StoreError`."""

    def __init__(self, store: Store, folder: Path) -> None:
        self._store, self._folder = store, folder
        self._journals: dict[str, Journal] = {}
        self._lock = threading.Lock()
        self._over = False
        self._calls: dict[str, Callable[..., Any]] = {
            "digest": store.hasher.digest,
            "find": store.find,
            "keep_manifest": store.keep_manifest,
            "blob": self._blob,
            "new_file": self._new_file,
            "add_to_file": self._add_to_file,
            "keep_blob": self._keep_blob,
            "keep_run": self._keep_run,
            "begin_journal": self._begin_journal,
            "left_journals": self._left_journals,
            "note": self._note,
            "leave_journal": lambda name: self._journal(name).leave(),
            "drop_journal": lambda name: self._journal(name).drop(),
        }

    def call(self, method: str, *arguments: Any) -> Any:
        """What the call of that name gives. Raises `KeyError` where there is none of that name."""
        return self._calls[method](*arguments)

    def leave_journals(self) -> None:
        """Nothing more will be noted: let the next audit find what is noted."""
        with self._lock:
            self._over = True
            journals, self._journals = list(self._journals.values()), {}
        for journal in journals:
            journal.leave()

    def _blob(self, key: str, at: int) -> bytes | None:
        """A piece of what is kept under a key, b"" behind its end, None where nothing is kept."""
        file = self._store.blob(key)
        if file is None:
            return None
        with file:
            file.seek(at)
            return file.read(PIECE)

    def _new_file(self) -> str:
        try:
            return tempfile.mkdtemp(dir=self._folder).rpartition("/")[2]
        except OSError as error:
            raise cannot_keep("results", self._store.folder, error) from None

    def _file(self, name: str) -> Path:
        return self._folder / Path(name).name / "file"

    def _add_to_file(self, name: str, data: bytes) -> None:
        try:
            with self._file(name).open("ab") as file:
                file.write(data)
        except OSError as error:
            raise cannot_keep("results", self._store.folder, error) from None

    def _whole(self, name: str | None) -> Path | None:
        """The file of that name, which may have had no bytes."""
        if name is None:
            return None
        self._add_to_file(name, b"")
        return self._file(name)

    def _remove(self, name: str | None) -> None:
        if name is not None:
            with suppress(OSError):
                self._file(name).unlink()
                self._file(name).parent.rmdir()

    def _keep_blob(self, key: str, name: str) -> None:
        try:
            path = self._whole(name)
            assert path is not None
            self._store.keep_blob(key, path)
        finally:
            self._remove(name)

    def _keep_run(self, run: Run, log: str | None) -> None:
        try:
            self._store.keep_run(run, log=self._whole(log))
        finally:
            self._remove(log)

    def _begin_journal(self, topic: str, name: str, head: Record) -> str:
        return self._held(self._store.begin_journal(topic, name, head))

    def _left_journals(self, topic: str) -> list[tuple[str, list[bytes], float]]:
        return [
            (self._held(journal), journal.lines(), journal.written_at)
            for journal in self._store.left_journals(topic)
        ]

    def _held(self, journal: Journal) -> str:
        """What the worker calls a journal that is open here."""
        with self._lock:
            if not self._over:
                name = f"{len(self._journals)}"
                self._journals[name] = journal
                return name
        journal.leave()
        raise RuntimeError("the host was lost meanwhile")

    def _journal(self, name: str) -> Journal:
        with self._lock:
            return self._journals[name]

    def _note(self, name: str, record: Record) -> None:
        self._journal(name).note(record)
