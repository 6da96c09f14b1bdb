"""What a peek may do to cache mounts, and whose hosts' user has not agreed to that yet."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cachetui.dockerfile.parse import Dockerfile
from cachetui.records.backend import Backend
from cachetui.store.database import Store

MOUNTS = (
    "the first RUN that misses is stopped some tenths of a second after it began; what it wrote "
    "into a cache mount until then stays there"
)


def to_agree(
    store: Store, hosts: Iterable[str], dockerfile: Dockerfile, backends: Sequence[Backend]
) -> tuple[str, ...]:
    """The hosts to ask about before a peek with these builders: none where it can write into no
    cache mount. Raises `StoreError`."""
    if "buildkit" not in backends or not dockerfile.uses_cache_mounts:
        return ()
    return store.marks.not_agreed(hosts)
