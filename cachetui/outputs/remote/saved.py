"""What `docker save` prints, read as a stream: the image's configuration and its layers' files.

Runs on hosts too: Python 3.6, standard library only. Every engine writes another archive (our
lab: 20.10 `<id>/layer.tar`; from 25 on an OCI layout; with containerd's store one whose layers
may be gzip or zstd, beside attestations and manifests of other platforms), and which layer is
which may stand at its end. So everything is told by its content: a layer by the digest of its
uncompressed tar, which the configuration lists, and the configuration by that very list.

What is found comes as lines: entries (see `entries`) between two lines of `mark`s.
"""

import base64
import hashlib
import json
from typing import Any, Collection, Dict, Iterable, Iterator, Optional, Sequence, Set, Tuple

from cachetui.outputs.remote.copies import Copies
from cachetui.outputs.remote.entries import Layer, escape, plain
from cachetui.outputs.remote.feed import GZIP_MAGIC, ZSTD_MAGIC, Feed, Piece, Unreadable
from cachetui.outputs.remote.tarstream import Member, Reader

MOST_JSON = 8 << 20
"""Bytes of a file that is looked at as JSON."""

MARK = b"\x01"
"""Begins every line that is no entry: entries hold no control characters but tabs."""

Part = Tuple[bytes, int, Iterable[Piece]]
"""A file of the archive: its name, its size, its bytes."""


def mark(word: str, *fields: str) -> bytes:
    """A line that is no entry."""
    return MARK + "\t".join((word, *fields)).encode("utf-8", "replace")


def parts(blocks: Iterable[Piece]) -> Iterator[Part]:
    """The regular files of an archive that is streamed whole."""
    reader = Reader(Feed(blocks))
    for member in reader:
        if member.kind == "f" and member.sparse is None:
            yield plain(member.path), member.size, reader.content()


def framed_parts(blocks: Iterable[Piece]) -> Iterator[Part]:
    """Files that come one after the other, a line `name TAB size` before each."""
    feed = Feed(blocks)
    while True:
        head = b""
        while not head.endswith(b"\n"):
            byte = feed.take(1)
            if not byte and not head:
                return
            if not byte or len(head) > 4096:
                raise Unreadable("a file without its name and size")
            head += byte
        name, _, size = head.rstrip(b"\n").rpartition(b"\t")
        if not size.isdigit():
            raise Unreadable("a file without its name and size")
        content = feed.pieces(int(size))
        yield plain(name), int(size), content
        for _ in content:
            pass


def alias(name: bytes) -> str:
    """What names a layer's file for good: the digest of the blob, or the id of 20.10."""
    words = name.decode("utf-8", "replace").split("/")
    if words[-1] == "layer.tar" and len(words) > 1:
        return words[-2]
    return words[-1]


def read_image(
    archive: Iterable[Part],
    layers: Sequence[str],
    needed: Collection[str],
    skip: Collection[str] = (),
    copies: Optional[Copies] = None,
) -> Iterator[bytes]:
    """Lines for an image whose uncompressed layers have these digests (hex, in order).

    `needed` are those whose entries are wanted, `skip` aliases of layers that are known. It ends
    as soon as all is found. Lines that are no entries:

        layer ALIAS                                     its entries follow
        end ALIAS DIGEST BYTES ENTRIES OUTSIDE ERROR    no error: they are whole
        copied DIGEST                                   a copy of the layer lies on the host
        config DIGEST BASE64                            the image's configuration
        done                                            all was found
    """
    left: Set[str] = set(needed)
    config = False
    for name, size, content in archive:
        label = alias(name)
        if label in skip:
            continue
        feed = Feed(content)
        document = _small_json(feed, size)
        if document is not None:
            if not config and _lists(document[1], layers):
                config = True
                digest = hashlib.sha256(document[0]).hexdigest()
                yield mark("config", digest, base64.b64encode(document[0]).decode())
        elif _may_be_layer(feed, size):
            shown = escape(label.encode()).decode()
            yield mark("layer", shown)
            layer = Layer(feed, copies.begin(label) if copies is not None else None)
            yield from layer.lines()
            if copies is not None and copies.end(layer.digest):
                yield mark("copied", layer.digest)
            if not layer.error:
                left.discard(layer.digest)
            figures = (str(layer.size), str(layer.entries), str(layer.outside))
            yield mark("end", shown, layer.digest, *figures, layer.error)
        if config and not left:
            yield mark("done")
            return


def read_files(
    archive: Iterable[Part],
    layer: str,
    paths: Collection[bytes],
    skip: Collection[str],
    limit: int,
) -> Iterator[bytes]:
    """Lines `file PATH SIZE BASE64` for files of the layer of this digest, at most `limit` bytes
    of each, then `done`. The last entry of a path holds, as for who unpacks the layer."""
    for name, size, content in archive:
        feed = Feed(content)
        if alias(name) in skip or _small_json(feed, size) is not None:
            continue
        if _may_be_layer(feed, size):
            found = _Wanted(feed, paths, limit)
            for _ in found.lines():
                pass
            if found.digest == layer:
                for path, (length, data) in found.files.items():
                    text = base64.b64encode(data).decode()
                    yield mark("file", escape(path).decode(), str(length), text)
                yield mark("done")
                return


class _Wanted(Layer):
    """A layer of which the beginnings of some files are kept."""

    def __init__(self, feed: Feed, paths: Collection[bytes], limit: int) -> None:
        super().__init__(feed)
        self.files: Dict[bytes, Tuple[int, bytes]] = {}
        self._paths = frozenset(paths)
        self._limit = limit

    def pieces(self, member: Member, reader: Reader) -> Iterator[Piece]:
        """The content, kept on its way."""
        path = plain(member.path)
        if path not in self._paths:
            yield from super().pieces(member, reader)
            return
        kept = bytearray()
        for piece in super().pieces(member, reader):
            kept += piece[: self._limit - len(kept)]
            yield piece
        self.files[path] = (member.size, bytes(kept))


def _small_json(feed: Feed, size: int) -> Optional[Tuple[bytes, Any]]:
    """The file's bytes and what they say when it is JSON; else the feed is as it was."""
    if size > MOST_JSON or feed.peek(1) not in (b"{", b"["):
        return None
    data = feed.take(size)
    try:
        return data, json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError):
        feed.push_back(data)
        return None


def _lists(document: Any, layers: Sequence[str]) -> bool:
    """Whether a document is the configuration of an image of just these layers."""
    rootfs = document.get("rootfs") if isinstance(document, dict) else None
    found = rootfs.get("diff_ids") if isinstance(rootfs, dict) else None
    return isinstance(found, list) and found == ["sha256:" + layer for layer in layers]


def _may_be_layer(feed: Feed, size: int) -> bool:
    """Whether a file is a tar, or gzip or zstd. 20.10 saves files of a few bytes beside."""
    head = feed.peek(4)
    return size >= 512 or head[:2] == GZIP_MAGIC or head == ZSTD_MAGIC
