"""What an image holds, as it was gathered: configuration and layers. Frozen, JSON."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from cachetui.outputs.layers import LayerMeta
from cachetui.records.base import Record
from cachetui.records.from_json import from_json

if TYPE_CHECKING:
    from cachetui.store.database import Store

Way = Literal["store", "python", "tar", "stream"]
"""How an image was read: not at all, for all was in the `store`; by our program on the host; by
`tar` there, which picked the layers that were not known; or by a `stream` of all of it here."""

_VERSION = 1


class ImageContents(Record, frozen=True, kw_only=True):
    """An image. `id` is what the host calls it (its meaning depends on the image store), `config`
    the image's configuration as the OCI image spec has it (config.md), build-arg values taken
    out, `config_digest` the digest it had before. `layers` are in order, the base's first;
    `bytes` is what they take uncompressed. `wire_bytes` came over the connection for it, and
    `copied_bytes` were copied to a folder of the host, for files to be opened when the image is
    gone.
    """

    id: str
    config_digest: str
    config: dict[str, Any]
    layers: tuple[LayerMeta, ...]
    bytes: int
    way: Way = "store"
    wire_bytes: int = 0
    seconds: float = 0.0
    copied_bytes: int = 0

    @property
    def digests(self) -> tuple[str, ...]:
        """The layers' digests, in order."""
        return tuple(layer.digest for layer in self.layers)

    @property
    def history(self) -> list[dict[str, Any]]:
        """The configuration's history entries; what is none is left out."""
        found = self.config.get("history")
        return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


class KeptConfig(Record, frozen=True, kw_only=True):
    """An image's configuration in the store, by the image's id, which is a digest over it."""

    digest: str
    config: dict[str, Any]


def local_copies(store: Store) -> Path:
    """The folder for copies of layers that were streamed here."""
    return store.folder / "layers"


def keep_config(store: Store, image_id: str, kept: KeptConfig) -> None:
    """Keep the configuration of the image that a host calls `image_id`."""
    store.keep_blob(f"image:{_VERSION}:{image_id}", msgspec.json.encode(kept))


def kept_config(store: Store, image_id: str) -> KeptConfig | None:
    """The configuration of that image, None when it is not kept or damaged."""
    data = store.blob(f"image:{_VERSION}:{image_id}")
    if data is None:
        return None
    with data:
        try:
            return from_json(data.read(), KeptConfig)
        except msgspec.MsgspecError:
            return None
