"""Where a store is, for the tests of what holds wherever it is."""

import pytest

from cachetui.store.place import StorePlace


@pytest.fixture(params=["folder", pytest.param("database", marks=pytest.mark.needs("postgres"))])
def place(request: pytest.FixtureRequest) -> StorePlace:
    """An empty place, once of each kind."""
    if request.param == "folder":
        folder: StorePlace = request.getfixturevalue("tmp_path") / "s"
        return folder
    address: StorePlace = request.getfixturevalue("database")
    return address
