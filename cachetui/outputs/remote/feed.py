"""A stream of bytes taken in pieces, and the streams that are inside it.

Runs on hosts too: Python 3.6, standard library only. Pieces are views of the blocks as they came;
nothing is put together that need not be, so memory is that of a block.
"""

import hashlib
import shutil
import subprocess
import threading
import zlib
from typing import Any, Callable, Iterable, Iterator, List, Optional, Union

Piece = Union[bytes, memoryview]

BLOCK = 1 << 20
_PACKED = 1 << 16
GZIP_MAGIC = b"\x1f\x8b"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"


class Unreadable(Exception):
    """A stream that cannot be read on: one sentence that says what is wrong with it."""


class Feed:
    """Takes bytes from blocks of any size. `offset` counts what was taken."""

    def __init__(self, blocks: Iterable[Piece]) -> None:
        self._blocks = iter(blocks)
        self._view = memoryview(b"")
        self.offset = 0

    def _more(self) -> bool:
        """Make sure that a byte is there; False at the end."""
        while not self._view:
            block = next(self._blocks, None)
            if block is None:
                return False
            self._view = memoryview(block)
        return True

    def peek(self, count: int) -> bytes:
        """The next `count` bytes (a few), without taking them; fewer at the end."""
        if len(self._view) < count:
            kept = bytes(self._view)
            while len(kept) < count:
                block = next(self._blocks, None)
                if block is None:
                    break
                kept += bytes(block)
            self._view = memoryview(kept)
        return bytes(self._view[:count])

    def take(self, count: int) -> bytes:
        """Exactly `count` bytes, or fewer at the end; the caller bounds `count`."""
        view = self._view
        if len(view) >= count:
            self._view = view[count:]
            self.offset += count
            return bytes(view[:count])
        return b"".join(self.pieces(count, whole=False))

    def pieces(self, count: int, whole: bool = True) -> Iterator[Piece]:
        """The next `count` bytes in pieces. Raises Unreadable when there are fewer, if `whole`."""
        while count > 0:
            if not self._more():
                if whole:
                    raise Unreadable(f"it ends {count} bytes too early")
                return
            piece = self._view[:count]
            self._view = self._view[len(piece) :]
            self.offset += len(piece)
            count -= len(piece)
            yield piece

    def push_back(self, data: bytes) -> None:
        """Have `data`, which was just taken, come again."""
        self.offset -= len(data)
        self._view = memoryview(data + bytes(self._view))

    def rest(self) -> Iterator[Piece]:
        """Everything to the end, in pieces."""
        while self._more():
            piece, self._view = self._view, memoryview(b"")
            self.offset += len(piece)
            yield piece


class Hashed:
    """Passes blocks on and hashes them on the way; `also` is shown each of them."""

    def __init__(
        self, blocks: Iterable[Piece], also: Optional[Callable[[Piece], None]] = None
    ) -> None:
        self._blocks = blocks
        self._hash = hashlib.sha256()
        self._also = also

    def __iter__(self) -> Iterator[Piece]:
        update = self._hash.update
        for block in self._blocks:
            update(block)
            if self._also is not None:
                self._also(block)
            yield block

    def hexdigest(self) -> str:
        return self._hash.hexdigest()


def unpacked(feed: Feed) -> Iterator[Piece]:
    """What the feed holds, decompressed if it is gzip or zstd (told by its first bytes).

    Raises Unreadable when it is damaged, or zstd and nothing here reads that.
    """
    magic = feed.peek(4)
    if magic[:2] == GZIP_MAGIC:
        return _gunzip(feed)
    if magic == ZSTD_MAGIC:
        return _unzstd(feed)
    return feed.rest()


def _gunzip(feed: Feed) -> Iterator[Piece]:
    """gzip, several members in a row too; a block gives at most BLOCK bytes at a time."""
    waiting: Piece = b""
    while True:
        packed, full = zlib.decompressobj(31), False
        while not packed.eof:
            # Small pieces: zlib copies what it leaves of one, each time that it leaves something.
            waiting = waiting or next(feed.pieces(0 if full else _PACKED, whole=False), b"")
            if not waiting and not full:
                raise Unreadable("its gzip data ends too early")
            try:
                data = packed.decompress(waiting, BLOCK)
            except zlib.error as error:
                raise Unreadable(f"its gzip data is damaged: {error}") from None
            waiting, full = packed.unconsumed_tail, len(data) == BLOCK
            if data:
                yield data
        waiting = packed.unused_data
        if len(waiting) < 2:
            waiting += feed.take(2)
        if waiting[:2] != GZIP_MAGIC:
            return  # what follows the last member is padding


def _unzstd(feed: Feed) -> Iterator[Piece]:
    """zstd: by the standard library (3.14), the `zstandard` package, or the `zstd` program.

    Engines with containerd's store save a layer as it was pushed or built, and that may be zstd.
    """
    source = _File(feed)
    try:
        from compression.zstd import ZstdFile  # type: ignore[import-not-found]

        return _read(ZstdFile(source))
    except ImportError:
        pass
    try:
        from zstandard import ZstdDecompressor  # type: ignore[import-not-found]

        return _read(ZstdDecompressor().stream_reader(source, read_across_frames=True))
    except ImportError:
        pass
    program = shutil.which("zstd")
    if program is None:
        raise Unreadable("it is compressed with zstd, and there is no zstd program to read it")
    return _piped(feed, [program, "-dcq"])


class _File:
    """A feed as the readable file that decompressors ask for."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed

    def read(self, size: int = -1) -> bytes:
        return self._feed.take(min(size, BLOCK) if size >= 0 else BLOCK)


def _read(file: Any) -> Iterator[Piece]:
    """A decompressing file in blocks."""
    while True:
        try:
            data = file.read(BLOCK)
        except Unreadable:
            raise
        except Exception as error:
            raise Unreadable(f"its zstd data is damaged: {error}") from None
        if not data:
            return
        yield data


def _piped(feed: Feed, command: List[str]) -> Iterator[Piece]:
    """What a program makes of the feed; a thread writes while this one reads."""
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    trouble: List[BaseException] = []
    writer = threading.Thread(target=_write, args=(feed, process.stdin, trouble), daemon=True)
    writer.start()
    output: Any = process.stdout
    try:
        yield from iter(lambda: output.read(BLOCK), b"")
        writer.join()
        if trouble:
            raise trouble[0]
        if process.wait() != 0:
            raise Unreadable("its zstd data is damaged")
    finally:
        process.kill()
        output.close()
        writer.join()  # from here on the feed is the caller's again
        process.wait()


def _write(feed: Feed, pipe: Any, trouble: List[BaseException]) -> None:
    try:
        with pipe:
            for piece in feed.rest():
                pipe.write(piece)
    except BrokenPipeError:
        pass
    except BaseException as error:
        trouble.append(error)
