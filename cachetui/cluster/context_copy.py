"""A build context on a worker: fetched from the auditor once for each process, when the first host
needs it, and gone with the last host of the audit."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import IO

from cachetui.cluster.link import Calls
from cachetui.cluster.messages import PIECE
from cachetui.context.build_context import Context


class ContextCopy:
    """The tar of a context in a file without a name, so that it goes with the process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._file: IO[bytes] | None = None

    def pieces(self, calls: Calls) -> Iterator[bytes]:
        """The tar, as the auditor's `Context.tar_members` gives it. Raises what that raises."""
        with self._lock:
            if self._file is None:
                self._file = self._fetched(calls)
            file = self._file
        at = 0
        while True:
            with self._lock:
                file.seek(at)
                piece = file.read(PIECE)
            if not piece:
                return
            at += len(piece)
            yield piece

    def close(self) -> None:
        with self._lock:
            if self._file is not None:
                self._file.close()

    @staticmethod
    def _fetched(calls: Calls) -> IO[bytes]:
        file = tempfile.TemporaryFile()  # noqa: SIM115 (it outlives this)
        calls("begin_context")
        while piece := calls("next_of_context"):
            file.write(piece)
        return file


@dataclass(frozen=True)
class CopiedContext(Context):
    """A context whose files are with the auditor; `sources` is empty."""

    copy: ContextCopy | None = None
    calls: Calls | None = None

    @classmethod
    def of(cls, context: Context, copy: ContextCopy, calls: Calls) -> CopiedContext:
        """This context, whose members come from the copy, which asks by `calls`."""
        known = {field.name: getattr(context, field.name) for field in fields(Context)}
        return cls(**known, copy=copy, calls=calls)

    def tar_members(self, linked: Mapping[str, str] | None = None) -> Iterator[bytes]:
        """All of it: a worker knows no file's time, so that none is known to be on a host."""
        assert not linked
        assert self.copy is not None
        assert self.calls is not None
        return self.copy.pieces(self.calls)
