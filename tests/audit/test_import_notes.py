"""What a killed experiment imported is found by its notes, and removed by whoever comes next."""

from __future__ import annotations

import json
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cachetui.audit.import_notes import ImportNotes
from cachetui.audit.leftovers import remove_noted
from cachetui.config.settings import HostSettings
from cachetui.hosts.cache_records import CacheRecord
from cachetui.hosts.machine import Completed
from cachetui.store.database import Store
from tests.audit.test_made_images import Engine
from tests.make_records import facts

pytestmark = pytest.mark.fault("shared-stopped")

HOST = HostSettings(name="ci-1", address="local")
FACTS = facts(engine_id="E", engine_name="ci-1")
THERE = "2026-11-28 00:20:42.446846845 +0000 UTC"


def now(after: float = 0.0) -> str:
    """A date as docker has it."""
    at = datetime.fromtimestamp(time.time() + after, UTC)
    return at.strftime("%Y-%m-%d %H:%M:%S.%f +0000 UTC")


class Caching(Engine):
    """An engine that has records, by id their date and parents, and removes those that nothing
    stands on, unless it `refuses`."""

    def __init__(self, records: dict[str, tuple[str, str]], refuses: bool = False) -> None:
        super().__init__({})
        self.records, self.refuses = records, refuses
        self.lists = True

    def answer(self, command: str) -> Completed:
        if "builder prune" in command:
            ids = command.partition(" in ")[2].partition(";")[0].split()
            for one in ids:
                used = any(parent == one for _, parent in self.records.values())
                if not self.refuses and not used:
                    self.records.pop(one, None)
            return Completed(0, b"", b"")
        if "system df" in command:
            rows = [
                {"ID": one, "CacheType": "regular", "Size": "1B", "CreatedAt": at, "Parent": parent}
                for one, (at, parent) in self.records.items()
            ]
            return Completed(0 if self.lists else 1, json.dumps(rows).encode(), b"")
        if "SystemTime" in command:
            return Completed(0, datetime.now(UTC).isoformat().encode(), b"")
        return super().answer(command)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def noted(store: Store, *before: str) -> ImportNotes:
    records = [CacheRecord(one, "regular", "", 1) for one in before]
    return ImportNotes.begin(store, "a1", HOST, FACTS, records, {THERE})


def tidied(store: Store, engine: Caching) -> list[str]:
    return list(remove_noted(engine, HOST, FACTS, store, threading.Event()))


def test_they_are_removed_and_told_once(store: Store) -> None:
    notes = noted(store, "own")
    notes.goes_on()
    engine = Caching({"own": (THERE, ""), "in": (THERE, "own"), "ours": (now(), "in")})
    assert tidied(store, engine) == []  # it still goes on
    notes.removed(looked=False)
    (told,) = tidied(store, engine)
    assert told == "removed what audit a1 had left: 2 cache records that audit a1 imported"
    assert list(engine.records) == ["own"]
    assert tidied(store, engine) == []


def test_what_the_user_built_on_them_since_stays_with_what_it_stands_on(store: Store) -> None:
    noted(store).removed(looked=False)
    engine = Caching({"in": (THERE, ""), "theirs": (now(after=600.0), "in")})
    (told,) = tidied(store, engine)
    assert "; but 1 of 1 imported records stay; a build of this Dockerfile may run a step" in told
    assert set(engine.records) == {"in", "theirs"}


def test_an_engine_that_removes_nothing_is_told_of(store: Store) -> None:
    noted(store).removed(looked=False)
    (told,) = tidied(store, Caching({"in": (THERE, "")}, refuses=True))
    assert "but 1 of 1 imported records stay" in told


def test_notes_on_an_engine_that_does_not_list_its_cache_are_kept(store: Store) -> None:
    noted(store).removed(looked=False)
    engine = Caching({"in": (THERE, "")})
    engine.lists = False
    assert tidied(store, engine) == []
    engine.lists = True
    assert len(tidied(store, engine)) == 1


def test_an_experiment_that_removed_them_leaves_no_note(store: Store) -> None:
    noted(store).removed(looked=True)
    engine = Caching({"in": (THERE, "")})
    assert tidied(store, engine) == []
    assert set(engine.records) == {"in"}


@pytest.mark.parametrize("text", ["", "{", '{"audit": 1}\n', '{"audit": "a", "before": []}\n'])
def test_damaged_notes_are_dropped(store: Store, text: str) -> None:
    noted(store).removed(looked=False)
    (file,) = (store.folder / "notes").glob("imported-*.jsonl")
    file.write_text(text)
    assert tidied(store, Caching({"in": (THERE, "")})) == []
    assert not file.exists()
