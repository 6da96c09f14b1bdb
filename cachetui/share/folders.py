"""A folder's way from host to host: streamed through this machine, never whole here, checked."""

from __future__ import annotations

import re
import shlex
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from queue import Empty, Full, Queue

from cachetui.builders.client import last_line
from cachetui.hosts.machine import Cancel, HostError, Machine

COPY_SECONDS = 3600.0
LIST_SECONDS = 600.0
BLOCKS = 64
"""Blocks that may wait for the other host: 2 MiB in all at 32 KiB each."""

_POLL = 0.2
_BLOB = re.compile(r"\./blobs/sha256/([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class FolderContents:
    """The files of a folder: path from "./" on → SHA-256 in hex; `bytes` of all of them."""

    digests: dict[str, str]
    bytes: int


def read_cache(machine: Machine, folder: str, cancel: Cancel) -> FolderContents:
    """What a cache's folder holds. Raises `HostError`, also where a blob is not what its name
    says."""
    contents = read_contents(machine, folder, cancel)
    for path, digest in contents.digests.items():
        blob = _BLOB.fullmatch(path)
        if blob is not None and blob[1] != digest:
            raise HostError(
                machine.name,
                "shell",
                f"the cache in {folder} is damaged: {path} does not match its digest",
                "look at the disk of that host",
            )
    return contents


def read_contents(machine: Machine, folder: str, cancel: Cancel) -> FolderContents:
    """What a folder holds. Raises `HostError`."""
    at = shlex.quote(folder)
    done = machine.run(
        f"cd {at} && find . -type f -exec sha256sum {{}} + && echo && "
        "find . -type f -exec cat {} + | wc -c",
        timeout=LIST_SECONDS,
        cancel=cancel,
    )
    listed, _, total = done.text.rpartition("\n\n")
    if done.status != 0 or not total.strip().isdigit():
        said = last_line(done.error_text, {}) or f"exit status {done.status}"
        raise HostError(machine.name, "shell", f"the cache in {folder} cannot be read: {said}")
    digests: dict[str, str] = {}
    for line in listed.splitlines():
        digest, _, path = line.partition("  ")
        digests[path] = digest
    return FolderContents(digests, int(total))


def copy_folder(
    source: Machine,
    machine: Machine,
    folder: str,
    to: str,
    contents: FolderContents,
    cancel: Cancel,
) -> None:
    """Copy a folder of one host to another, and see that it came whole. Raises `HostError`; what
    came is then still there, below `to`."""
    pipe = _Pipe(source, folder, cancel)
    pipe.start()
    at = shlex.quote(to)
    try:
        done = machine.run(
            f"umask 077; mkdir -p {at} && tar -C {at} -xf -",
            stdin=pipe.blocks(),
            timeout=COPY_SECONDS,
            cancel=cancel,
        )
    finally:
        pipe.stop()
    if pipe.error is not None:
        raise pipe.error
    if done.status != 0:
        said = last_line(done.error_text, {}) or f"exit status {done.status}"
        raise HostError(
            machine.name,
            "shell",
            f"the cache could not be unpacked in {to}: {said}",
            "see that there is room (df -h), and that tar works there",
        )
    if read_contents(machine, to, cancel).digests != contents.digests:
        raise HostError(
            machine.name,
            "shell",
            f"the cache from {source.name} arrived damaged",
            f"run again; if that does not help, check the disks of {source.name} and "
            f"{machine.name}",
        )


@dataclass
class _Pipe:
    """Reads a folder of a host in a thread of its own, at most `BLOCKS` ahead of the reader."""

    source: Machine
    folder: str
    cancel: Cancel
    error: HostError | None = None
    _queue: Queue[bytes | None] = field(default_factory=lambda: Queue(BLOCKS))
    _stopped: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._read, name="cachetui-copy", daemon=True)
        self._thread.start()

    def blocks(self) -> Iterator[bytes]:
        """What was read, in order."""
        while not self._stopped.is_set():
            try:
                block = self._queue.get(timeout=_POLL)
            except Empty:
                continue
            if block is None:
                return
            yield block

    def stop(self) -> None:
        """Read no more; returns once the host's command has ended."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()

    def _read(self) -> None:
        command = f"tar -C {shlex.quote(self.folder)} -cf - . 2>/dev/null"
        try:
            status = self.source.stream(command, self._put, timeout=COPY_SECONDS, cancel=self)
            if status != 0 and not self._stopped.is_set():
                self.error = HostError(
                    self.source.name, "shell", f"the cache in {self.folder} could not be read"
                )
        except HostError as error:
            if not self._stopped.is_set():
                self.error = error
        finally:
            self._put(None, 0.0)

    def _put(self, block: bytes | None, _: float) -> None:
        while not self._stopped.is_set():
            try:
                self._queue.put(block, timeout=_POLL)
                return
            except Full:
                continue

    # What `Cancel` asks for: set when the copy is to end.

    def is_set(self) -> bool:
        return self._stopped.is_set() or self.cancel.is_set()

    def wait(self, timeout: float | None = None) -> bool:
        return self.is_set() or self.cancel.wait(timeout) or self.is_set()
