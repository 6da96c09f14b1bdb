"""Which kind of store is at a place: the one choice."""

from __future__ import annotations

from pathlib import Path

from cachetui.store.backing import Backing
from cachetui.store.folder_backing import FolderBacking
from cachetui.store.read_only import ReadOnlyBacking, can_only_be_read


def open_backing(place: Path, warnings: list[str]) -> Backing:
    """What is behind a store at that place; what was set aside as damaged is told in `warnings`.
    Raises `StoreError`."""
    kind = ReadOnlyBacking if can_only_be_read(place) else FolderBacking
    return kind(place, warnings)
