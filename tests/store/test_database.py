"""The store: what is kept comes back, what is damaged is set aside, pickles are refused."""

from __future__ import annotations

import pickle
import resource
import shutil
import sqlite3
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cachetui.context.manifest import Entry
from cachetui.findings.record import Evidence, Proof, StepRef
from cachetui.records.document import BuildRecord, Document
from cachetui.records.host import HostReport
from cachetui.records.run import Run
from cachetui.records.step import StepId
from cachetui.store.database import Store
from cachetui.store.log_writer import LogWriter
from cachetui.store.place import StorePlace
from cachetui.store.plain_cache import PlainCache
from cachetui.store.spare import SIZE, Spare
from cachetui.store.troubles import StoreError


def run(name: str, of: str = "", *, age: float = 0.0, status: str = "ok") -> Run:
    return Run(
        id=name,
        audit="a1",
        host="h",
        scenario="legacy-cold",
        repeat=1,
        status=status,  # type: ignore[arg-type]
        started_at=time.time() - age,
        seconds=1.5,
        of=of,
    )


def document(audit: str, *runs: Run) -> Document:
    return Document(
        audit=audit,
        build=BuildRecord(name="api", context_digest="sha256:0", dockerfile="Dockerfile"),
        hosts=(HostReport(name="h", status="ok"),),
        runs=runs,
        started_at=time.time(),
        seconds=2.0,
        version="0",
        scenarios=("legacy-cold",),
    )


def rows(store: Store, name: str) -> Path:
    return store.folder / name / "cache.db"


def test_a_run_and_its_log_come_back(place: StorePlace) -> None:
    store = Store(place)
    with store.spool() as folder:
        writer = LogWriter(folder / "log")
        writer.write(StepId(0, 1), b"hello\n" * 100000)
        writer.close()
        store.keep_run(run("r1", "of"), log=folder / "log")
    assert not folder.exists()
    again = Store(place)
    assert again.run("r1") == store.run("r1")
    log = again.log("r1")
    assert log is not None
    with log:
        assert log.step(StepId(0, 1)).lines == 100000
    assert again.log("r2") is None


def test_the_folder_is_private(tmp_path: Path) -> None:
    assert Store(tmp_path / "s").folder.stat().st_mode & 0o777 == 0o700


def test_find_minds_age_and_status(place: StorePlace) -> None:
    store = Store(place)
    store.keep_run(run("old", "k", age=100))
    assert store.find("k", 50) is None
    found = store.find("k", 200)
    assert found is not None
    assert found.id == "old"
    store.keep_run(run("failed", "k", status="failed"))
    assert store.find("k", 200) is None  # the last one failed: an older success is no answer
    store.keep_run(run("cancelled", "k2", status="cancelled"))
    assert store.find("k2", 200) is None
    store.keep_run(run("found-as-it-was", ""))
    assert store.find("", 200) is None


def test_an_audit_is_assembled_and_forgotten(place: StorePlace) -> None:
    store = Store(place)
    shared, own = run("shared"), run("own")
    for one in (shared, own):
        store.keep_run(one)
    first = document("1124-a", shared, own)
    store.keep_audit(first)
    store.keep_audit(document("1124-b", msgspec.structs.replace(shared, stored=True)))
    assert store.audit("1124-a") == first
    second = store.audit("1124-b")
    assert second is not None
    assert second.runs[0].stored
    assert store.resolve("1124-a") == "1124-a"
    assert store.resolve("1124") is None
    assert store.resolve("last") == "1124-b"
    store.delete_audit("1124-a")
    assert [entry.audit for entry in store.audits()] == ["1124-b"]
    assert store.run("own") is None
    assert store.run("shared") is not None


def test_what_finds_the_runs_of_an_audit_goes_with_it(place: StorePlace) -> None:
    store = Store(place)
    old, own, new = run("old", "again"), run("own", "once"), run("new", "again")
    for one in (old, own, new):
        store.keep_run(one)
    store.keep_audit(document("1124-a", old, own))
    store.keep_audit(document("1124-b", new))
    store.delete_audit("1124-a")
    runs, _, _ = store.caches
    assert list(runs.keys("of:")) == ["of:again"]
    assert runs.text("of:again") == "new"


def proof(audit: str, at: float) -> Proof:
    return Proof(
        audit=audit,
        id="base-drift",
        steps=(StepRef(0, 0),),
        host="h",
        outcome="proved",
        evidence=(Evidence(kind="experiment", text="it hits", data={"run": "r1"}),),
        at=at,
        commands=("docker build .",),
    )


def test_proofs_are_kept_beside_their_audit_and_go_with_it(place: StorePlace) -> None:
    store = Store(place)
    store.keep_audit(document("1124-a"))
    store.keep_audit(document("1124-ab"))
    made = [proof("1124-a", 2.0), proof("1124-a", 1.0)]
    for one in made:
        store.keep_proof(one.audit, one)
    store.keep_proof("1124-ab", proof("1124-ab", 3.0))
    again = Store(place)
    assert again.proofs("1124-a", Proof) == tuple(made)
    again.delete_audit("1124-a")
    assert again.proofs("1124-a", Proof) == ()
    assert again.proofs("1124-ab", Proof) == (proof("1124-ab", 3.0),)


def test_a_damaged_proof_is_set_aside_and_the_rest_stays(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.keep_proof("1124-a", proof("1124-a", 1.0))
    store.keep_proof("1124-a", proof("1124-a", 2.0))
    with sqlite3.connect(rows(store, "audits")) as database:
        first = "SELECT min(key) FROM Cache"
        database.execute(f"UPDATE Cache SET value = '{{}}' WHERE key = ({first})")
    again = Store(tmp_path)
    assert again.proofs("1124-a", Proof) == (proof("1124-a", 2.0),)
    assert "was set aside" in again.warnings[0]


@pytest.mark.fault("damaged-store")
def test_a_pickle_is_refused_and_told(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.keep_audit(document("a"))
    store.close()
    evil = pickle.dumps({"never": "loaded"})
    with sqlite3.connect(rows(store, "audits")) as db:
        db.execute("UPDATE Cache SET mode = 4, value = ? WHERE key = 'entry:a'", (evil,))
    again = Store(tmp_path)
    assert again.audits() == []
    assert any("pickle" in warning for warning in again.warnings)


@pytest.mark.fault("damaged-store")
def test_a_pickled_key_is_refused(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.keep_audit(document("a"))
    store.close()
    with sqlite3.connect(rows(store, "audits")) as db:
        db.execute(
            "UPDATE Cache SET raw = 0, key = ? WHERE key = 'entry:a'", (pickle.dumps("entry:a"),)
        )
    again = Store(tmp_path)
    again.audits()
    assert any("pickle" in warning for warning in again.warnings)


@pytest.mark.fault("damaged-store")
def test_a_damaged_record_is_passed_over_and_the_rest_stays(place: StorePlace) -> None:
    store = Store(place)
    store.keep_run(run("good"))
    store.keep_run(run("bad"))
    store._runs.put("run:bad", '{"id": 7}', "a run")
    store.keep_audit(document("a", run("good"), run("bad")))
    assert store.run("bad") is None
    assert store.run("good") is not None
    assert "run:bad" in store.warnings[0]
    kept = store.audit("a")
    assert kept is not None
    assert [one.id for one in kept.runs] == ["good"]
    assert kept.notes == ("1 of its runs are no longer in the store",)


@pytest.mark.fault("damaged-store")
def test_a_damaged_record_is_set_aside_and_the_rest_stays(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.keep_run(run("good"))
    store.keep_run(run("bad"))
    store._runs.put("run:bad", '{"id": 7}', "a run")
    assert store.run("bad") is None
    assert store.run("good") is not None
    assert "run:bad" in store.warnings[0]
    assert list((tmp_path / "damaged").iterdir())


def test_a_damaged_database_is_set_aside(tmp_path: Path) -> None:
    Store(tmp_path).close()
    (tmp_path / "runs" / "cache.db").write_bytes(b"this is no database" * 1000)
    for other in (tmp_path / "runs").glob("cache.db-*"):
        other.unlink()
    store = Store(tmp_path)
    assert "set aside" in store.warnings[0]
    store.keep_run(run("r"))
    assert store.run("r") is not None


def test_a_folder_that_cannot_be_made_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="CACHETUI_STORE"):
        Store(tmp_path / "file" / "store")


def test_nothing_but_text_and_bytes_is_stored(place: StorePlace) -> None:
    store = Store(place)
    with pytest.raises(TypeError):
        store._runs.put("k", {"a": 1}, "this")  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        store._runs.put(7, "text", "this")  # type: ignore[arg-type]


def test_a_name_that_is_not_utf8_is_kept_as_far_as_json_can(place: StorePlace) -> None:
    store = Store(place)
    store.keep_manifest("sha256:1", (Entry("context/a\udcff", "file", 0o644),))
    (entry,) = store.manifest("sha256:1") or ()
    assert entry.path == "context/a\ufffd"


def test_a_file_that_does_not_fit_leaves_nothing_behind(tmp_path: Path) -> None:
    store = Store(tmp_path / "s")
    before = sorted((tmp_path / "s").rglob("*"))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64 * 1024, limits[1]))
    try:
        with pytest.raises(StoreError, match=r"cannot keep big: no larger file is allowed in .*/s"):
            store.keep_blob("big", bytes(100_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert sorted((tmp_path / "s").rglob("*")) == before


def test_a_run_whose_log_does_not_fit_is_kept_without(tmp_path: Path) -> None:
    store = Store(tmp_path / "s")
    (tmp_path / "log").write_bytes(bytes(100_000))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64 * 1024, limits[1]))
    try:
        with pytest.raises(StoreError):
            store.keep_run(run("r1"), log=tmp_path / "log")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert store.run("r1") is not None
    assert store.log("r1") is None


def test_notes_and_running_logs_that_are_gone_are_told(tmp_path: Path) -> None:
    store = Store(tmp_path / "s")
    journal = store.begin_journal("topic", "a", run("r1"))
    shutil.rmtree(tmp_path / "s")
    with pytest.raises(StoreError, match=r"/s/notes is gone"):
        journal.note(run("r2"))
    with pytest.raises(StoreError, match=r"/s/notes is gone"):
        store.begin_journal("topic", "b", run("r1"))
    with pytest.raises(StoreError, match=r"/s is gone"), store.spool():
        pass
    store.keep_missing([run("r1")])  # which makes the store anew
    assert store.run("r1") is not None
    with pytest.raises(StoreError, match=r"what was in .*/s is gone"), store.spool():
        pass


def test_room_that_was_set_aside_is_given_up_once(tmp_path: Path) -> None:
    spare = Spare(tmp_path / "spare")
    spare.set_aside()
    assert (tmp_path / "spare").stat().st_size == SIZE
    assert (spare.give_up(), spare.give_up()) == (True, False)
    assert list(tmp_path.iterdir()) == []


def test_a_record_is_kept_in_the_room_that_was_set_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(tmp_path)
    store.prepare()
    do = PlainCache._do

    def full(cache: PlainCache, work: Any) -> Any:
        if (tmp_path / "spare").exists():
            raise sqlite3.OperationalError("database or disk is full")
        return do(cache, work)

    monkeypatch.setattr(PlainCache, "_do", full)
    with pytest.raises(StoreError, match=r"cannot keep big: no room in"):
        store.keep_blob("big", b"x")
    store.keep_run(run("r1"))
    assert not (tmp_path / "spare").exists()
    assert store.run("r1") is not None
