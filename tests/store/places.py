"""Places of stores, as other processes are told of them."""

from cachetui.store.place import DatabaseAddress, StorePlace


def word(place: StorePlace) -> str:
    """The word that means the place in a command."""
    return place.url if isinstance(place, DatabaseAddress) else str(place)
