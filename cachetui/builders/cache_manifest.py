"""What BuildKit writes of an exported cache, read: manifests, indexes, and configurations.

Sources: BuildKit `cache/remotecache/export.go` (registry and local), `cache/remotecache/inline`,
`cache/remotecache/v1/spec.go` (the graph of keys); the OCI image specification. All of it comes
from a registry or folder that anybody may have written, so it is read within limits. Pure.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeVar

import msgspec

from cachetui.records.host_json import decode

CACHE_CONFIG = "application/vnd.buildkit.cacheconfig.v0"
MAX_BYTES = 32 * 1024 * 1024
"""Of a manifest or configuration: about 100,000 layers or keys."""
MAX_PLATFORMS = 20

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}\Z")
_CREATED = "buildkit/createdat"
_DIFF_ID = "containerd.io/uncompressed"
_TAG = "org.opencontainers.image.ref.name"
_ATTESTATION = "vnd.docker.reference.type"
_MAX_SIZE = 1 << 45
"""Bytes of one blob, 35 TB: beyond any, so that sums stay within 64 bits."""

_T = TypeVar("_T")


class CacheError(ValueError):
    """What was read is no cache that can be understood: a sentence's part, "it is no JSON"."""


@dataclass(frozen=True, slots=True)
class Blob:
    """What a manifest says of a blob: see `records.shared_cache.CacheLayer`."""

    digest: str
    bytes: int
    media_type: str = ""
    created: float | None = None
    diff_id: str | None = None
    platform: str | None = None


@dataclass(frozen=True, slots=True)
class Manifest:
    """A cache's (`cache`), or an image's: what its configuration is, and its layers."""

    config: Blob
    layers: tuple[Blob, ...]

    @property
    def cache(self) -> bool:
        return self.config.media_type == CACHE_CONFIG


@dataclass(frozen=True, slots=True)
class Index:
    """The manifests of an image, one for each platform; attestations are left out."""

    manifests: tuple[Blob, ...]


@dataclass(frozen=True, slots=True)
class Link:
    """An input of a key: the record that it is, and the digest of the path that is read of it, ""
    where it is taken whole."""

    record: int
    selector: str


Results = tuple[tuple[tuple[int, ...], float | None], ...]
"""What is kept of a record: positions in the cache's layers, and when it was made."""


@dataclass(frozen=True, slots=True)
class Key:
    """A record of the graph: for each input the records that it may be, and the results that are
    kept, as positions in the cache's layers, each with its date."""

    inputs: tuple[tuple[Link, ...], ...]
    results: Results


@dataclass(frozen=True, slots=True)
class Graph:
    """The keys of a cache; `layers` are the blobs that results name by position, () for an inline
    cache, whose are those of the image."""

    keys: tuple[Key, ...]
    layers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ImageConfig:
    """An image's configuration: its platform, its layers' content, its cache, None without, and
    its history as the OCI image specification has it."""

    platform: str
    diff_ids: tuple[str, ...]
    graph: Graph | None
    history: tuple[Mapping[str, object], ...] = ()


class _Platform(msgspec.Struct):
    os: str = ""
    architecture: str = ""
    variant: str = ""

    @property
    def text(self) -> str:
        return "/".join(filter(None, (self.os, self.architecture, self.variant)))


class _Descriptor(msgspec.Struct, rename="camel"):
    media_type: str = ""
    digest: str = ""
    size: int = 0
    annotations: dict[str, str] | None = None
    platform: _Platform | None = None


class _Manifest(msgspec.Struct):
    config: _Descriptor | None = None
    layers: list[_Descriptor] | None = None
    manifests: list[_Descriptor] | None = None


class _Result(msgspec.Struct, rename="camel"):
    layer: int = 0
    layers: list[int] | None = None
    created_at: str = ""


class _Link(msgspec.Struct):
    link: int = 0
    selector: str = ""


class _Record(msgspec.Struct):
    inputs: list[list[_Link] | None] | None = None
    layers: list[_Result] | None = None
    chains: list[_Result] | None = None


class _Layer(msgspec.Struct):
    blob: str = ""


class _Graph(msgspec.Struct):
    layers: list[_Layer] | None = None
    records: list[_Record] | None = None


class _RootFs(msgspec.Struct):
    diff_ids: list[str] | None = None


class _Image(_Platform):
    rootfs: _RootFs | None = None
    history: list[dict[str, object]] | None = None
    cache: object = msgspec.field(default=None, name="moby.buildkit.cache.v0")


def is_digest(text: str) -> bool:
    """Whether it is a digest as BuildKit writes them, fit for a path or a reference."""
    return _DIGEST.match(text) is not None


def read_manifest(data: bytes) -> Manifest | Index:
    """A manifest or an index. A cache that was exported with `image-manifest=false` is an index of
    its layers, and read as a manifest. Raises `CacheError`."""
    read = _decoded(data, _Manifest)
    if read.manifests is not None:
        blobs = tuple(_blob(each) for each in read.manifests if not _is_attestation(each))
        configs = [blob for blob in blobs if blob.media_type == CACHE_CONFIG]
        if configs:
            return Manifest(configs[0], tuple(blob for blob in blobs if blob not in configs))
        if not blobs:
            raise CacheError("its index is empty")
        return Index(blobs)
    if read.config is None:
        raise CacheError("it is neither a cache nor an image: it has no configuration")
    return Manifest(_blob(read.config), tuple(map(_blob, read.layers or ())))


def folder_manifest(data: bytes, tag: str) -> str:
    """The digest of the manifest that a folder's index.json has under a tag. Raises `CacheError`,
    which lists the tags that there are."""
    entries = _decoded(data, _Manifest).manifests or []
    tags = {(each.annotations or {}).get(_TAG, "latest"): each.digest for each in entries}
    if tag not in tags:
        known = ", ".join(sorted(tags)[:MAX_PLATFORMS]) or "none"
        raise CacheError(f"it has no tag {tag}; there are: {known}")
    return _blob(_Descriptor(digest=tags[tag])).digest


def read_graph(data: bytes) -> Graph:
    """The keys of a registry or local cache, from its configuration. Raises `CacheError`."""
    read = _decoded(data, _Graph)
    layers = tuple(layer.blob for layer in read.layers or ())
    return Graph(_keys(read.records or (), len(layers)), layers)


def read_image(data: bytes) -> ImageConfig:
    """An image's configuration. Raises `CacheError`, for a cache in it that is none as well."""
    read = _decoded(data, _Image)
    diff_ids = tuple((read.rootfs.diff_ids if read.rootfs else None) or ())
    graph = None if read.cache is None else _inline(read.cache, len(diff_ids))
    return ImageConfig(read.text or "unknown", diff_ids, graph, tuple(read.history or ()))


def _inline(value: object, layers: int) -> Graph:
    try:
        data = base64.b64decode(value if isinstance(value, str) else "", validate=True)
    except (binascii.Error, ValueError):
        data = b""
    return Graph(_keys(_decoded(data, list[_Record]), layers))


def _decoded(data: bytes, kind: type[_T]) -> _T:
    if len(data) > MAX_BYTES:
        raise CacheError(f"it is larger than {MAX_BYTES >> 20} MiB")
    try:
        return decode(data, kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CacheError(f"it is not what BuildKit writes ({error})") from None


def _keys(records: list[_Record] | tuple[()], layers: int) -> tuple[Key, ...]:
    return tuple(_key(record, len(records), layers) for record in records)


def _key(record: _Record, records: int, layers: int) -> Key:
    inputs = tuple(
        tuple(Link(each.link, each.selector) for each in links or () if 0 <= each.link < records)
        for links in record.inputs or ()
    )
    single = [((each.layer,), each.created_at) for each in record.layers or ()]
    chains = [(tuple(each.layers or ()), each.created_at) for each in record.chains or ()]
    results = tuple(
        (places, rfc3339_seconds(created))
        for places, created in (*single, *chains)
        if places and all(0 <= place < layers for place in places)
    )
    return Key(inputs, results)


def _blob(read: _Descriptor) -> Blob:
    if not is_digest(read.digest):
        raise CacheError("a blob in it has no SHA-256 digest")
    if not 0 <= read.size <= _MAX_SIZE:
        raise CacheError(f"a blob in it has an impossible size, {read.size} bytes")
    notes: Mapping[str, str] = read.annotations or {}
    diff_id = notes.get(_DIFF_ID, "")
    return Blob(
        digest=read.digest,
        bytes=read.size,
        media_type=read.media_type,
        created=rfc3339_seconds(notes.get(_CREATED, "")),
        diff_id=diff_id if is_digest(diff_id) else None,
        platform=read.platform.text if read.platform is not None else None,
    )


def _is_attestation(read: _Descriptor) -> bool:
    return _ATTESTATION in (read.annotations or {})


def rfc3339_seconds(text: str) -> float | None:
    """RFC 3339 in seconds since the epoch. None for what is none, and for Go's zero time."""
    with suppress(ValueError, OverflowError):
        date = datetime.fromisoformat(text)
        if date.year > 1970:
            return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    return None
