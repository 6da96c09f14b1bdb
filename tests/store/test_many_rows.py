"""A table's many records are read in batches, and each of them as if it were alone."""

from __future__ import annotations

from pathlib import Path

from cachetui.records.base import Record
from cachetui.store.many_rows import BATCH
from cachetui.store.plain_cache import PlainCache
from cachetui.store.spare import Spare


class Small(Record, frozen=True):
    number: int
    text: str = ""


def opened(folder: Path, warnings: list[str]) -> PlainCache:
    return PlainCache(folder / "runs", folder / "damaged", warnings, Spare(folder / "spare"))


def test_all_come_in_the_order_of_keeping_whatever_their_size(tmp_path: Path) -> None:
    warnings: list[str] = []
    cache = opened(tmp_path, warnings)
    large = "x" * 200_000  # in a file of its own
    with cache.together():
        for number in reversed(range(2 * BATCH + 3)):
            text = large if number % 400 == 7 else "é"
            cache.put_record(f"a:{number}", Small(number, text), "results")
        cache.put_record("b:1", Small(-1), "results")
    found = list(cache.records("a:", Small))
    assert [each.number for each in found] == list(reversed(range(2 * BATCH + 3)))
    assert {each.text for each in found} == {large, "é"}
    assert len(cache.keys("a:")) == len(found)
    assert warnings == []
    cache.close()


def test_a_damaged_one_among_them_is_told_and_set_aside(tmp_path: Path) -> None:
    warnings: list[str] = []
    cache = opened(tmp_path, warnings)
    for number in range(5):
        cache.put_record(f"a:{number}", Small(number), "results")
    cache.put_small("a:2", '{"number": 9}\n00000000', "results")
    cache.put("a:3", b"no text", "results")
    assert [each.number for each in cache.records("a:", Small)] == [0, 1, 4]
    assert [warning.split(" is damaged")[0] for warning in warnings] == [
        "the store's a:2",
        "the store's a:3",
    ]
    assert cache.keys("a:") == ["a:0", "a:1", "a:4"]
    cache.close()


def test_one_that_was_removed_meanwhile_is_not_there(tmp_path: Path) -> None:
    cache = opened(tmp_path, [])
    for number in range(3):
        cache.put_record(f"a:{number}", Small(number), "results")
    found = cache.records("a:", Small)
    cache.delete("a:1")
    assert [each.number for each in found] == [0, 2]
    cache.close()
