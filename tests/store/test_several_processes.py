"""Several processes and several openings of one store: nothing that was kept is lost."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import diskcache
import pytest

from cachetui.store.database import Store
from cachetui.store.many_rows import every_key
from cachetui.store.place import StorePlace
from tests.store.places import word

KEEP = """
import sys
from pathlib import Path
from cachetui.store.database import Store
from cachetui.store.place import read_place
sys.stdin.readline()
store = Store(read_place(sys.argv[1]))
for key in sys.argv[2:]:
    store.keep_blob(key, key.encode())
store.close()
print(store.warnings)
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """In memory where there is such a place: SQLite waits for a disk."""
    memory = Path("/dev/shm")
    made = Path(tempfile.mkdtemp(dir=memory if memory.is_dir() else None))
    yield made / "store"
    shutil.rmtree(made)


@pytest.fixture(params=["folder", pytest.param("database", marks=pytest.mark.needs("postgres"))])
def shared(request: pytest.FixtureRequest) -> StorePlace:
    """An empty place, once of each kind."""
    place: StorePlace = request.getfixturevalue(request.param)
    return place


class Other:
    """A process that keeps blobs once it is told to begin."""

    def __init__(self, place: StorePlace, *keys: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", KEEP, word(place), *keys],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def warnings(self) -> str:
        """Let it keep and end; what it was warned of."""
        return self.process.communicate("\n", timeout=60)[0].strip()


def has(place: StorePlace, key: str) -> bool:
    store = Store(place)
    try:
        return store.blob(key) is not None
    finally:
        store.close()


def test_a_second_opening_in_one_process_takes_no_locks_away(shared: StorePlace) -> None:
    first = Store(shared)
    first.keep_blob("first", b"1")
    second = Store(shared)
    assert second.blob("first") is not None
    assert Other(shared, "other").warnings() == "[]"
    first.keep_blob("late", b"2")
    second.keep_blob("later", b"3")
    for key in ("first", "other", "late", "later"):
        assert first.blob(key) is not None, key
    assert Other(shared, "end").warnings() == "[]"
    first.close()
    second.close()
    for key in ("first", "other", "late", "later", "end"):
        assert has(shared, key), key


def test_closing_one_of_two_keeps_the_other_whole(shared: StorePlace) -> None:
    first, second = Store(shared), Store(shared)
    first.keep_blob("first", b"1")
    second.close()
    assert Other(shared, "other").warnings() == "[]"
    first.keep_blob("late", b"2")
    first.close()
    for key in ("first", "other", "late"):
        assert has(shared, key), key


@pytest.mark.fault("several-processes")
def test_a_store_that_many_make_at_once_is_not_taken_for_a_damaged_one(shared: StorePlace) -> None:
    names = [f"p{number}" for number in range(6)]
    others = [Other(shared, name) for name in names]
    said: list[str] = []
    threads = [
        threading.Thread(target=lambda one=other: said.append(one.warnings())) for other in others
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert said == ["[]"] * len(names)
    if isinstance(shared, Path):
        assert not list(shared.glob("*damaged*"))
    for name in names:
        assert has(shared, name), name


@pytest.mark.fault("several-processes")
def test_what_is_kept_after_another_process_set_the_store_aside_is_there(folder: Path) -> None:
    store = Store(folder)
    store.keep_blob("before", b"1")
    (folder / "blobs").rename(folder / "blobs.damaged-1")
    store.keep_blob("after", b"2")
    store.close()
    assert has(folder, "after")


@pytest.mark.fault("several-processes")
@pytest.mark.parametrize("part", ["", "blobs", "blobs/cache.db"])
def test_what_is_kept_after_the_store_was_removed_is_there(folder: Path, part: str) -> None:
    store = Store(folder)
    store.keep_blob("before", b"1")
    gone = folder / part
    if gone.is_dir():
        shutil.rmtree(gone)
    else:
        gone.unlink()
    store.keep_blob("after", b"2")
    store.close()
    assert has(folder, "after")


def test_what_another_removes_while_the_keys_are_read_is_no_damage(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, other = Store(folder), Store(folder)
    for key in ("a:1", "a:2"):
        store.keep_blob(key, b"1")
    removed: list[bool] = []

    def reading(inner: diskcache.Cache) -> list[tuple[object, object]]:
        rows = every_key(inner)
        if not removed:
            other._blobs.delete("a:1")
            removed.append(True)
        return rows

    monkeypatch.setattr("cachetui.store.plain_cache.every_key", reading)
    assert store._blobs.keys("a:") == ["a:2"]
    assert removed
    assert store.warnings == []
    assert not list(folder.glob("*damaged*"))
    store.close()
    other.close()
