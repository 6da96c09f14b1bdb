"""A cache that people share between machines, as it was read where it lies."""

from __future__ import annotations

from typing import Literal

from cachetui.records.base import Record

CacheKind = Literal["registry", "local", "inline"]
"""Where docker keeps it: under a reference of its own, in a folder, or in an image's config."""

Held = Literal["kept", "not-kept", "absent", "unknown"]
"""What a cache has of a step: its result; its key alone; neither; or nothing tells."""


ToldBy = Literal["image", "shape"]
"""How a step was found among the keys: by a layer's digest in an image that was built with the
cache, or by how keys stand on each other."""


class CacheLayer(Record, frozen=True, kw_only=True):
    """One layer. `digest` names the blob, `diff_id` its uncompressed content, as in an image's
    `rootfs`; `bytes` is the blob's size. `created` is when its result was made, in seconds since
    the epoch. Each is None where the cache does not say. `platform` is None but in an image."""

    digest: str
    diff_id: str | None = None
    bytes: int | None = None
    created: float | None = None
    platform: str | None = None


class CachedStep(Record, frozen=True, kw_only=True):
    """What a cache has of one instruction of a Dockerfile; `layers` are digests of the blobs that
    its result added, `created` when it was made (seconds since the epoch). `told_by` is None where
    nothing tells, and in records of earlier versions."""

    stage: str | None
    stage_index: int
    index: int
    line: int
    instruction: str
    held: Held
    layers: tuple[str, ...] = ()
    bytes: int | None = None
    created: float | None = None
    platform: str | None = None
    told_by: ToldBy | None = None


class SharedCache(Record, frozen=True, kw_only=True):
    """A cache as a host sees it. `name` is the reference or folder, `digest` that of the manifest.

    `bytes` adds up its layers, each once; `oldest` and `newest` are when results were made, in
    seconds since the epoch, None where none says. `keys` counts the steps that it knows, sources
    among them, `results` those that it has a result of. `problems` are what is wrong with it, in
    sentences; `notes` what could not be told. `steps` are those of a build, None when none was
    asked for.
    """

    name: str
    host: str
    kind: CacheKind
    digest: str
    platforms: tuple[str, ...] = ()
    layers: tuple[CacheLayer, ...] = ()
    keys: int | None = None
    results: int | None = None
    bytes: int = 0
    oldest: float | None = None
    newest: float | None = None
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    steps: tuple[CachedStep, ...] | None = None
