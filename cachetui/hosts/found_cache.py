"""A shared cache as it was read on a host, before it is put beside a build."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from cachetui.builders.cache_manifest import Blob, CacheError, Graph, Manifest
from cachetui.hosts.machine import HostError
from cachetui.records.shared_cache import CacheKind

EXPORT_AGAIN = "export the cache again; builds that import it go on without it"

_Read = TypeVar("_Read")


@dataclass(frozen=True, slots=True)
class ImageLayers:
    """The layers of an image by their content, the base's first, and its history as the OCI image
    specification has it."""

    name: str
    diff_ids: tuple[str, ...]
    history: tuple[Mapping[str, object], ...]


@dataclass(frozen=True, slots=True)
class CachePart:
    """A cache's layers and keys; an image has a part for each platform, with its own layers and
    history as `image`. `layers` are in the order in which results name them."""

    layers: tuple[Blob, ...]
    graph: Graph
    platform: str | None = None
    image: ImageLayers | None = None


@dataclass(frozen=True, slots=True)
class FoundCache:
    """What a host has of a cache. `problems` and `notes` are sentences, as in `SharedCache`."""

    kind: CacheKind
    digest: str
    parts: tuple[CachePart, ...]
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def understood(host: str, what: str, reader: Callable[[bytes], _Read], data: bytes) -> _Read:
    """What `reader` makes of these bytes. Raises `HostError` where they are no cache."""
    try:
        return reader(data)
    except CacheError as error:
        raise HostError(host, "shell", f"{what} is not a cache: {error}", EXPORT_AGAIN) from None


def ordered(manifest: Manifest, graph: Graph) -> tuple[tuple[Blob, ...], tuple[str, ...]]:
    """A cache's layers as its graph numbers them, then those that it does not name; and what is
    wrong with them."""
    known = {blob.digest: blob for blob in manifest.layers}
    named = [known.get(digest, Blob(digest, 0)) for digest in graph.layers]
    others = [blob for blob in manifest.layers if blob.digest not in set(graph.layers)]
    missing = len(set(graph.layers) - set(known))
    problem = f"its manifest lacks {missing} of the layers that its steps need; {EXPORT_AGAIN}"
    return (*named, *others), (problem,) if missing else ()
