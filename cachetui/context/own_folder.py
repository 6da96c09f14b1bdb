"""A folder of ours on this machine, which goes with what needs it, or with the process."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import threading
import weakref
from pathlib import Path
from types import FrameType

_folders: set[Path] = set()


class OwnFolder:
    """An empty folder that nobody else can read. It is removed when nothing has this object any
    more, at the end of the process, and at a SIGTERM that would end it at once. A copy that was
    pickled has no part in that."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="cachetui-"))
        _folders.add(self.path)
        weakref.finalize(self, _remove, self.path)
        if (
            threading.current_thread() is threading.main_thread()
            and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
        ):
            signal.signal(signal.SIGTERM, _end)


def _end(number: int, _frame: FrameType | None) -> None:
    for folder in tuple(_folders):
        _remove(folder)
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)


def _remove(folder: Path) -> None:
    for place, folders, _ in os.walk(folder):
        for name in folders:
            inner = Path(place, name)
            if not inner.is_symlink():
                inner.chmod(0o700)
    shutil.rmtree(folder, ignore_errors=True)
    _folders.discard(folder)
