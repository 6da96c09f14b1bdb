"""Takes what reading an image gives, from wherever it is read, and keeps it layer by layer."""

from __future__ import annotations

import base64
import binascii
import queue
import threading
import zlib
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

from cachetui.outputs.layers import LayerMeta, LayerWriter, add_alias, known
from cachetui.outputs.remote.feed import Unreadable
from cachetui.outputs.remote.main import GREETING
from cachetui.outputs.remote.saved import MARK
from cachetui.store.database import Store

MAX_LINE = 16 << 20
"""Bytes of a line from a host: a longer one is no line of ours. A configuration is the longest."""

_MOST_AT_ONCE = 1 << 20
_MOST_TALK = 1 << 16
_TAIL = 2000
_MOST_AFTER = 32 << 20


class Intake:
    """Takes the lines of `remote.saved.read_image`.

    Layers of `needed` (digests as hex) are kept in the store. Afterwards `config` is (digest as
    hex, bytes) or None, `kept` the layers that came, `bad` what could not be read: (name,
    reason), `copied` the layers of which the host has a copy, and `saved` what is told of
    `docker save`: (exit status, its words, reason).
    """

    def __init__(self, store: Store, folder: Path, needed: Collection[str]) -> None:
        self.config: tuple[str, bytes] | None = None
        self.kept: dict[str, LayerMeta] = {}
        self.bad: list[tuple[str, str]] = []
        self.saved: tuple[int, str, str] | None = None
        self.done = False
        self.copied: list[str] = []
        self._store = store
        self._needed = set(needed)
        self._writer = LayerWriter(folder)

    def take(self, line: bytes) -> None:
        """A line. Raises Unreadable when it is none of ours."""
        if line[:1] != MARK:
            self._writer.add(line)
            return
        word, *fields = line[1:].decode("utf-8", "replace").split("\t")
        try:
            if word == "end":
                self._end(*fields)
            elif word == "config":
                self.config = (fields[0], base64.b64decode(fields[1], validate=True))
            elif word == "saved":
                self.saved = (int(fields[0]), fields[1], fields[2])
            elif word == "copied":
                self.copied.append(fields[0])
            elif word == "done":
                self.done = True
        except (ValueError, IndexError, TypeError, binascii.Error) as error:
            raise Unreadable(f"an answer that is not understood ({error})") from None

    def _end(
        self, alias: str, digest: str, size: str, _entries: str, outside: str, error: str
    ) -> None:
        """A layer is whole, or its reading ended with an error."""
        if error:
            self.bad.append((alias, error))
        elif digest in self._needed and digest not in self.kept:
            meta = LayerMeta(
                digest=f"sha256:{digest}",
                bytes=int(size),
                entries=0,
                outside=int(outside),
                aliases=(alias,),
            )
            self.kept[digest] = self._writer.keep(self._store, meta)
            return
        else:
            meta_known = known(self._store, f"sha256:{digest}")
            if meta_known is not None:
                add_alias(self._store, meta_known, alias)
        self._writer.drop()


class Unpacker:
    """Takes what our program on a host prints, and passes its lines on.

    `talk` is what came before its greeting: what a shell said instead of it.
    """

    def __init__(self, take: Callable[[bytes], None]) -> None:
        self.wire_bytes = 0
        self.talk = b""
        self._take = take
        self._packed = zlib.decompressobj()
        self._greeted = False
        self._rest = b""

    def output(self, block: bytes, _arrived: float) -> None:
        """A block of its output. Raises Unreadable when that is not ours."""
        self.wire_bytes += len(block)
        if not self._greeted:
            before, greeting, block = (self.talk + block).partition(GREETING)
            self.talk = before[-_MOST_TALK:]
            if not greeting:
                return
            self._greeted = True
        try:
            full = False
            while block or full:
                data = self._packed.decompress(block, _MOST_AT_ONCE)
                block, full = self._packed.unconsumed_tail, len(data) == _MOST_AT_ONCE
                self._lines(data)
        except zlib.error as error:
            raise Unreadable(f"an answer that is damaged ({error})") from None

    def _lines(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > MAX_LINE:
            raise Unreadable("an answer that is not understood (a line without an end)")
        for line in lines:
            self._take(line)


class _Enough(Exception):
    """The reader has what it wants, and much more would come."""


class Bridge:
    """Blocks that one thread receives and another one reads, a few at a time.

    `read` runs in a thread of its own, on the blocks as an iterator. What it leaves is dropped.
    """

    def __init__(self, read: Callable[[Iterator[bytes]], None]) -> None:
        self.wire_bytes = 0
        self.tail = b""
        self._queue: queue.Queue[bytes | None] = queue.Queue(maxsize=64)
        self._over = threading.Event()
        self._after = 0
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=(read,), name="outputs")
        self._thread.start()

    def output(self, block: bytes, _arrived: float) -> None:
        """A block has come. Raises `_Enough` when the reader has ended long ago."""
        self.wire_bytes += len(block)
        self.tail = (self.tail + block)[-_TAIL:] if len(block) < _TAIL else block[-_TAIL:]
        while not self._over.is_set():
            try:
                self._queue.put(block, timeout=0.2)
                return
            except queue.Full:
                pass
        self._after += len(block)
        if self._after > _MOST_AFTER:
            raise _Enough

    def receive(self, run: Callable[[], int]) -> int | None:
        """Run what calls `output`, and wait for the reader; its exit status, None if it was
        stopped because the reader had all. Raises what the reader raised, or else `run`."""
        status: int | None = None
        try:
            status = run()
        except _Enough:
            pass
        except BaseException:
            self._close()
            raise
        self._close()
        if self._error is not None:
            raise self._error
        return status

    def _close(self) -> None:
        while not self._over.is_set():
            try:
                self._queue.put(None, timeout=0.2)
                break
            except queue.Full:
                pass
        self._thread.join()

    def _run(self, read: Callable[[Iterator[bytes]], None]) -> None:
        try:
            read(self._blocks())
        except BaseException as error:
            self._error = error
        finally:
            self._over.set()

    def _blocks(self) -> Iterator[bytes]:
        while (block := self._queue.get()) is not None:
            yield block
