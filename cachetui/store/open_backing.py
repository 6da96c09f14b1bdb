"""Which kind of store is at a place: the one choice."""

from __future__ import annotations

from cachetui.store.backing import Backing
from cachetui.store.folder_backing import FolderBacking
from cachetui.store.place import DatabaseAddress, StorePlace
from cachetui.store.read_only import ReadOnlyBacking, can_only_be_read
from cachetui.store.troubles import StoreError


def open_backing(place: StorePlace, warnings: list[str]) -> Backing:
    """What is behind a store at that place; what was set aside as damaged is told in `warnings`.
    Raises `StoreError`."""
    if isinstance(place, DatabaseAddress):
        try:
            from cachetui.store.postgres.database_backing import DatabaseBacking
        except ImportError as error:
            raise StoreError(
                f"the store at {place} needs the client of PostgreSQL ({error.msg}); install it "
                "with: pip install 'cachetui[postgres]'"
            ) from None
        return DatabaseBacking(place, warnings)
    kind = ReadOnlyBacking if can_only_be_read(place) else FolderBacking
    return kind(place, warnings)
