"""What a host answered, command by command, and when: kept as one small file a host."""

from __future__ import annotations

import codecs
import gzip
import re
from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path

import msgspec

from cachetui.records.from_json import from_json
from cachetui.records.versions import version_key

SUFFIX = ".json.gz"
_ENGINE_ID = re.compile(r'\{"ID":"([^"]+)","Containers":')
"""The engine's own in what `docker info` prints as JSON."""


class RecordingError(Exception):
    """A recording that cannot be read: names the file and what is wrong with it."""


class Chunk(msgspec.Struct, frozen=True, array_like=True):
    """A block of output: seconds from the command's start to its arrival, 1 for standard output
    or 2 for standard error, and the text, with placeholders (see `placeholders`)."""

    at: float
    source: int
    text: str


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """A command as `placeholders.normalise` makes it, what it printed, and how it ended after
    `seconds`."""

    command: str
    status: int
    seconds: float
    chunks: tuple[Chunk, ...] = ()


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """All that one audit of a build asked of the host, in order. `before` tells what its users
    had done with this build there, so that what was found there can be understood."""

    build: str
    before: str
    scenarios: tuple[str, ...]
    exchanges: tuple[Exchange, ...]


class Recording(msgspec.Struct, frozen=True, kw_only=True):
    """A recorded host. `recorded` is the day (ISO, UTC); the versions are those that the host's
    own engine told; `about` says in words where all this comes from."""

    about: str
    recorded: str
    host: str
    engine: str
    client: str
    buildx: str | None
    store: str
    sessions: tuple[Session, ...]

    @property
    def engine_text(self) -> str:
        """The engine in a few words: "Docker 28.5.2, buildx 0.29.1, overlayfs"."""
        versions = [f"Docker {_plain(self.engine)}"]
        versions.append(f"buildx {_plain(self.buildx)}" if self.buildx else "no buildx")
        return ", ".join((*versions, self.store))


def _plain(version: str) -> str:
    """A version without its distributor's suffix."""
    return ".".join(map(str, version_key(version))) or version


def chunks_of(blocks: Iterable[tuple[float, int, bytes]]) -> tuple[Chunk, ...]:
    """Blocks of output, cut anywhere, as chunks that are cut between characters.

    Raises UnicodeDecodeError for output that is not UTF-8: bytes are never changed in silence.
    """
    decoders = {source: codecs.getincrementaldecoder("utf-8")() for source in (1, 2)}
    chunks = []
    for at, source, block in blocks:
        text = decoders[source].decode(block)
        if text:
            chunks.append(Chunk(round(at, 4), source, text))
    for decoder in decoders.values():
        decoder.decode(b"", final=True)
    return tuple(chunks)


def replace_across(chunks: Iterable[Chunk], values: Mapping[str, str]) -> tuple[Chunk, ...]:
    """Replace text that may be cut between chunks: what replaces it goes whole into the chunk
    in which it began."""
    chunks = tuple(chunks)
    for old, new in values.items():
        for source in (1, 2):
            mine = [at for at, chunk in enumerate(chunks) if chunk.source == source]
            texts = _replace([chunks[at].text for at in mine], old, new)
            changed = dict(zip(mine, texts, strict=True))
            chunks = tuple(
                msgspec.structs.replace(chunk, text=changed.get(at, chunk.text))
                for at, chunk in enumerate(chunks)
            )
    return tuple(chunk for chunk in chunks if chunk.text)


def _replace(texts: list[str], old: str, new: str) -> list[str]:
    whole = "".join(texts)
    parts: list[list[str]] = [[] for _ in texts]
    ends, total = [], 0
    for text in texts:
        total += len(text)
        ends.append(total)
    place = at = 0

    def take(until: int) -> None:
        nonlocal place, at
        while at < until:
            while ends[place] <= at:
                place += 1
            stop = min(until, ends[place])
            parts[place].append(whole[at:stop])
            at = stop

    while (begins := whole.find(old, at)) >= 0:
        take(begins)
        while ends[place] <= at:
            place += 1
        parts[place].append(new)
        at = begins + len(old)
    take(total)
    return ["".join(part) for part in parts]


def encode(recording: Recording) -> bytes:
    """A recording as it is kept: the same one always gives the same bytes."""
    return gzip.compress(msgspec.json.encode(recording), 9, mtime=0)


def decode(data: bytes, name: str) -> Recording:
    """A kept recording. Raises `RecordingError`."""
    try:
        return from_json(gzip.decompress(data), Recording)
    except (OSError, EOFError, msgspec.MsgspecError) as error:
        raise RecordingError(f"the recording {name} cannot be read: {error}") from None


def copy_of(recording: Recording, number: int) -> Recording:
    """The recording of another host that does the same: it says that it is an engine of its own,
    with `number` in its ID. One engine under several names is built on under one at a time."""
    sessions = tuple(
        msgspec.structs.replace(
            session,
            exchanges=tuple(_with_another_id(each, number) for each in session.exchanges),
        )
        for session in recording.sessions
    )
    return msgspec.structs.replace(recording, sessions=sessions)


def _with_another_id(exchange: Exchange, number: int) -> Exchange:
    """The same exchange, where what was printed is not `docker info`."""
    found = _ENGINE_ID.search("".join(chunk.text for chunk in exchange.chunks))
    if found is None:
        return exchange
    digits = f"{number:06}"
    another = f"{found[1][: -len(digits)]}{digits}"
    return msgspec.structs.replace(
        exchange, chunks=replace_across(exchange.chunks, {found[1]: another})
    )


def recordings() -> tuple[Recording, ...]:
    """The recorded fleet that comes with cachetui, oldest engine first."""
    folder = resources.files(__package__) / "recordings"
    loaded = [
        decode(file.read_bytes(), file.name)
        for file in folder.iterdir()
        if file.name.endswith(SUFFIX)
    ]
    if not loaded:
        raise RecordingError("no recordings came with this cachetui; install it again")
    return tuple(
        sorted(
            loaded,
            key=lambda recording: (version_key(recording.engine), "containerd" in recording.store),
        )
    )


def save(recording: Recording, folder: Path) -> Path:
    """Write a recording below `folder`; returns its file."""
    file = folder / f"{recording.host}{SUFFIX}"
    file.write_bytes(encode(recording))
    return file
