"""Copies of layers, so that a file can be opened when its image is gone.

Runs on hosts too: Python 3.6, standard library only. An audit removes the images that it made;
what a file held could not be shown any more. Copies are no images: no build can reuse them.
"""

import os
import time
from contextlib import suppress
from typing import BinaryIO, Callable, Collection, List, Optional, Tuple

from cachetui.outputs.remote.feed import Piece

_ABANDONED = 6 * 3600.0
"""Seconds after which an unfinished copy belongs to nobody."""


class Copies:
    """Copies of `layers` (digests as hex) in a folder, as `<digest>.tar`: at most `most` bytes in
    the folder, and a tenth of what the disk has free; the oldest of them make room. What still
    does not fit is left out.

    `others` are layers that are not wanted: where a file's name is a digest of them, it need not
    be written to find out. Raises OSError when there can be no such folder.
    """

    def __init__(
        self, folder: str, layers: Collection[str], others: Collection[str], most: int
    ) -> None:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        self._folder = folder
        self._layers, self._others = layers, others
        self._part = os.path.join(folder, f".part-{os.getpid()}-{id(self)}")
        self._file: Optional[BinaryIO] = None
        self._size = 0
        self._old: List[Tuple[float, int, str]] = []
        self._look()
        disk = os.statvfs(folder)
        self._held = sum(size for _, size, _ in self._old)
        self._most = min(most, (disk.f_bavail * disk.f_frsize + self._held) // 10)

    def _look(self) -> None:
        """What is there, the youngest first; what nobody finished goes."""
        for name in os.listdir(self._folder):
            path = os.path.join(self._folder, name)
            with suppress(OSError):
                found = os.stat(path)
                if name.startswith(".part-") and time.time() - found.st_mtime > _ABANDONED:
                    os.unlink(path)
                elif name.endswith(".tar"):
                    self._old.append((found.st_mtime, found.st_size, path))
        self._old.sort(reverse=True)

    def begin(self, name: str) -> Callable[[Piece], None]:
        """A layer begins that is saved under this name; what is returned takes its tar."""
        self.drop()
        self._size = 0
        if name not in self._others:
            with suppress(OSError):
                descriptor = os.open(self._part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                self._file = os.fdopen(descriptor, "wb")
        return self._write

    def _write(self, piece: Piece) -> None:
        if self._file is None:
            return
        self._size += len(piece)
        try:
            while self._held + self._size > self._most:
                self._make_room()
            self._file.write(piece)
        except OSError:
            self.drop()

    def _make_room(self) -> None:
        """Remove the oldest copy that is not of this image. Raises OSError when there is none."""
        if not self._old:
            raise OSError("no room")
        _, size, path = self._old.pop()
        with suppress(FileNotFoundError):
            os.unlink(path)
        self._held -= size

    def end(self, digest: str) -> bool:
        """The layer has ended, and this is its digest; says whether it was kept."""
        path = os.path.join(self._folder, digest + ".tar")
        if self._file is not None and digest in self._layers:
            try:
                self._file.close()
                os.replace(self._part, path)
            except OSError:
                self.drop()
                return False
            self._file = None
            self._held += self._size
            for one in [one for one in self._old if one[2] == path]:
                self._old.remove(one)
                self._held -= one[1]
            return True
        self.drop()
        return False

    def drop(self) -> None:
        """Forget the copy under way, if there is one."""
        if self._file is not None:
            with suppress(OSError):
                self._file.close()
            with suppress(OSError):
                os.unlink(self._part)
            self._file = None
