"""Folders of ours on this machine that are gone when the process is, however it ends."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import weakref
from contextlib import suppress
from pathlib import Path
from typing import Self

_REMOVE = r"""
while read -r _; do :; done
find "$@" -type d ! -perm -700 -exec chmod u+rwx {} \;
rm -rf -- "$@"
"""
"""For sh: the end of its input is the end of the process that holds the other end of the pipe."""

_until_the_end: list[subprocess.Popen[bytes] | None] = []


class OwnFolder:
    """An empty folder that nobody else can read. It is removed by `remove`, when nothing has this
    object any more, and at the end of the process, also where that is killed. A copy that was
    pickled has no part in that."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="cachetui-"))
        self._removal = weakref.finalize(self, _remove, self.path, _remover(self.path))

    def remove(self) -> None:
        """Remove the folder and what is in it, if it is still there."""
        self._removal()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()

    def __getstate__(self) -> dict[str, Path]:
        return {"path": self.path}


def removed_after_process(*paths: Path) -> None:
    """See to it that what is at these paths is removed once this process has ended, also where it
    was killed, and whatever one of its threads made there last."""
    _until_the_end.append(_remover(*paths))


def _remover(*paths: Path) -> subprocess.Popen[bytes] | None:
    """A process that waits for the end of this one, out of reach of its terminal and of signals to
    its group; None where there is no shell."""
    with suppress(OSError):
        return subprocess.Popen(
            ["sh", "-c", _REMOVE, "sh", *map(str, paths)],
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            cwd="/",
        )
    return None


def _remove(folder: Path, remover: subprocess.Popen[bytes] | None) -> None:
    if remover is not None and remover.stdin is not None:
        remover.stdin.close()
        remover.wait()
    shutil.rmtree(folder, ignore_errors=True)
