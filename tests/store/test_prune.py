"""A store within its limits: what goes, in which order, what never does, and that room is won."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from cachetui.config.hosts_toml import store_limits
from cachetui.context.manifest import Entry
from cachetui.records.document import BuildRecord, Document
from cachetui.records.host import HostReport
from cachetui.records.run import Run
from cachetui.records.step import StepId
from cachetui.report.store import sentences
from cachetui.store.database import Store
from cachetui.store.log_writer import LogWriter
from cachetui.store.place import StorePlace
from cachetui.store.prune import Pruned, prune
from cachetui.store.sizes import kinds, room_of
from tests.store.places import word

LOG = 150_000
"""Bytes that a run's log takes, and its raw output."""

DAY = 86400.0


@pytest.fixture
def store(place: StorePlace) -> Store:
    return Store(place)


@pytest.fixture
def folder_store(tmp_path: Path) -> Store:
    return Store(tmp_path / "s")


def keep(store: Store, name: str, *, days: float, runs: int = 2, log: int = LOG) -> Document:
    """An audit of so many days ago, whose logs are as long as that and cannot be compressed."""
    made = [keep_run(store, f"{name}-{n}", name, days, log) for n in range(runs)]
    store.keep_manifest(f"sha256:{name}", (Entry(path="f", kind="file", mode=0o644, size=1),))
    document = Document(
        audit=name,
        build=BuildRecord(name="api", context_digest=f"sha256:{name}", dockerfile="Dockerfile"),
        hosts=(HostReport(name="h", status="ok"),),
        runs=tuple(made),
        started_at=time.time() - days * DAY,
        seconds=2.0,
        version="0",
        scenarios=("legacy-cold",),
    )
    store.keep_audit(document)
    return document


def keep_run(store: Store, name: str, audit: str, days: float, log: int) -> Run:
    run = Run(
        id=name,
        audit=audit,
        host="h",
        scenario="legacy-cold",
        repeat=1,
        status="ok",
        started_at=time.time() - days * DAY,
        seconds=1.5,
        of=f"key-{name}",
    )
    with store.spool() as folder:
        writer = LogWriter(folder / "log")
        writer.write(StepId(0, 1), random.Random(name).randbytes(log))
        writer.close()
        (folder / "raw").write_bytes(random.Random(name).randbytes(log))
        store.keep_run(run, log=folder / "log")
        store._runs.put(f"raw:{run.id}", folder / "raw", "results")  # as earlier versions did
    return run


def within(store: Store, size: str | None = None, age: str | None = None) -> Pruned:
    pruned = prune(store, store_limits(size, age))
    assert pruned is not None
    return pruned


def logs(store: Store) -> list[str]:
    """The runs that have a log."""
    runs = [run.id for entry in store.audits() for run in audit(store, entry.audit).runs]
    return sorted(run for run in dict.fromkeys(runs) if has_log(store, run))


def has_log(store: Store, run: str) -> bool:
    log = store.log(run)
    if log is not None:
        log.close()
    return log is not None


def audit(store: Store, name: str) -> Document:
    document = store.audit(name)
    assert document is not None
    return document


@pytest.mark.fault("store-limit")
def test_logs_go_first_the_oldest_first(store: Store) -> None:
    for days in (3, 2, 1):
        keep(store, f"d{days}", days=days)
    before = store.room()
    pruned = within(store, "1MB")
    assert store.room() <= 1_000_000 < before
    assert (pruned.log_runs, pruned.log_audits, pruned.audits) == (4, 2, 0)
    assert logs(store) == ["d1-0", "d1-1"]
    assert [entry.audit for entry in store.audits()] == ["d1", "d2", "d3"]
    assert len(audit(store, "d3").runs) == 2
    day = time.strftime("%Y-%m-%d")
    assert store.log_gone("d3-0") == f"the log was removed on {day} to keep the store within 1MB"
    assert store.log_gone("d1-0") is None
    assert store.warnings == []
    (said,) = sentences(pruned, store_limits("1MB", None))
    assert said == ("removed the logs of 4 runs of 2 audits, 1.2 MB, to keep the store within 1MB")
    assert within(store, "1MB") == Pruned()


@pytest.mark.fault("store-limit")
def test_records_go_where_that_is_not_enough(store: Store, place: StorePlace) -> None:
    in_folder = isinstance(place, Path)  # where the least that a table takes is more
    runs, room = (40, 400_000) if in_folder else (6, 30_000)
    for days in range(40, 0, -1):
        keep(store, f"d{days:02}", days=days, runs=runs, log=200)
    pruned = within(store, f"{room // 1000}kB")
    assert store.room() <= room
    assert pruned.over is None
    assert 0 < pruned.audits < 40
    left = [entry.audit for entry in store.audits()]
    assert left == [f"d{days:02}" for days in range(1, len(left) + 1)]
    assert logs(store) == []
    table, _, _ = store.caches
    assert len(table.keys("run:")) == runs * len(left) == len(table.keys("of:"))
    assert len(table.keys("manifest:")) == len(left)
    assert table.keys("gone:") == table.keys("gone:log:")
    assert len(table.keys("gone:")) == runs * len(left)


def test_files_on_disk_shrink(folder_store: Store) -> None:
    store = folder_store
    for days in range(30, 0, -1):
        keep(store, f"d{days:02}", days=days, runs=20, log=2000)
    table = store.folder / "runs" / "cache.db"
    before = table.stat().st_size
    within(store, age="12h")
    assert store.audits() == []
    assert table.stat().st_size < before / 5
    assert (store.folder / "runs" / "cache.db-wal").stat().st_size == 0


@pytest.mark.fault("store-limit")
def test_pinned_audits_stay_and_a_limit_below_them_is_told(store: Store) -> None:
    for days in (300, 200, 100):
        keep(store, f"d{days}", days=days)
    store.pin("d300")
    pruned = within(store, "100kB", "90d")
    assert [entry.audit for entry in store.audits()] == ["d300"]
    assert [entry.pinned for entry in store.audits()] == [True]
    assert logs(store) == ["d300-0", "d300-1"]
    assert pruned.over == store.room()
    assert pruned.pinned == 1
    removed, told = sentences(pruned, store_limits("100kB", "90d"))
    assert removed.startswith("removed 2 audits, 1.2 MB, to keep the store within 100kB and 90d")
    assert "more than max_size 100kB" in told
    assert "1 pinned audit among it" in told
    store.pin("d300", False)
    within(store, age="90d")
    assert store.audits() == []
    assert store.caches[1].keys("") == []


def test_what_others_share_stays(store: Store) -> None:
    """A run that answered in a newer audit is as old as that one."""
    old = keep(store, "old", days=300)
    new = msgspec.structs.replace(
        old, audit="new", started_at=time.time(), runs=(old.runs[0],), notes=("n",)
    )
    store.keep_audit(new)
    within(store, age="90d")
    assert [entry.audit for entry in store.audits()] == ["new"]
    assert [run.id for run in audit(store, "new").runs] == ["old-0"]
    assert audit(store, "new").notes == ("n",)
    assert has_log(store, "old-0")
    assert store.run("old-1") is None
    assert store.manifest("sha256:old") is not None
    assert store.find("key-old-0", 1e9) is not None


def test_runs_of_a_killed_audit_go_too(store: Store) -> None:
    keep_run(store, "lone", "never-kept", 100, LOG)
    keep(store, "d1", days=1)
    pruned = within(store, age="90d")
    assert (pruned.audits, store.run("lone"), has_log(store, "lone")) == (0, None, False)
    assert "removed runs of no audit" in sentences(pruned, store_limits(None, "90d"))[0]
    assert len(logs(store)) == 2


def test_the_audit_that_has_just_run_stays(store: Store) -> None:
    keep(store, "d1", days=1)
    keep(store, "now", days=0)
    prune(store, store_limits("1kB", None), spare=["now"])
    assert [entry.audit for entry in store.audits()] == ["now"]
    assert logs(store) == ["now-0", "now-1"]


def test_a_dry_run_removes_nothing(folder_store: Store) -> None:
    store = folder_store
    keep(store, "d1", days=1)
    before = sorted(store.folder.rglob("*"))
    limits = store_limits("1kB", None)
    pruned = prune(store, limits, dry_run=True)
    assert pruned is not None
    assert sentences(pruned, limits, dry_run=True)[0].startswith("would remove 1 audit, 602 kB")
    after = [path for path in sorted(store.folder.rglob("*")) if "in-use" not in str(path)]
    assert after == before
    assert logs(store) == ["d1-0", "d1-1"]


OTHER = """
import sys, time
from pathlib import Path
from cachetui.store.database import Store
from cachetui.store.place import read_place
store = Store(read_place(sys.argv[1]))
{use}
    print("ready", flush=True)
    time.sleep(60)
"""


@pytest.mark.fault("store-limit")
@pytest.mark.parametrize("use", ["with store.in_use.working():", "if store.use('d300') is None:"])
def test_nothing_goes_that_another_process_uses(store: Store, place: StorePlace, use: str) -> None:
    keep(store, "d300", days=300)
    keep(store, "d200", days=200)
    other = subprocess.Popen(
        [sys.executable, "-c", OTHER.format(use=use), word(place)],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    try:
        assert other.stdout is not None
        assert other.stdout.readline() == b"ready\n"
        pruned = prune(store, store_limits("1kB", "90d"))
        if "working" in use:
            assert pruned is None
            assert len(logs(store)) == 4
        else:
            assert [entry.audit for entry in store.audits()] == ["d300"]
            assert logs(store) == ["d300-0", "d300-1"]
    finally:
        other.kill()
        other.communicate(timeout=20)
    end = time.monotonic() + 20
    while prune(store, store_limits(None, "90d")) is None or store.audits():
        assert time.monotonic() < end  # a server notices in a moment that its client is gone
        time.sleep(0.02)


def test_folders_of_killed_builds_go(store: Store) -> None:
    left = store.folder / "spool" / "left"
    left.mkdir()
    (left / "log").write_bytes(bytes(1000))
    os.utime(left, (time.time() - 7200,) * 2)
    keep(store, "d300", days=300)
    with store.spool() as at_work:
        os.utime(at_work, (time.time() - 7200,) * 2)
        within(store, age="90d")
        assert at_work.exists()
    assert not left.exists()


def test_only_what_was_set_aside_counts_as_damaged(tmp_path: Path) -> None:
    store = Store(tmp_path / "fresh")
    names = [kind.kind for kind in kinds(store.folder, {})]
    assert names == ["tables", "the key of digests"]
    for name in ("damaged", "runs.damaged-1", "secret.damaged-2", "of a user"):
        (store.folder / name).write_bytes(b"x" * 10)
    told = {kind.kind: kind.count for kind in kinds(store.folder, {})}
    assert told["set aside as damaged"] == 3
    assert told["other files"] == 1
    store.close()


def test_the_size_by_kind_is_all_of_it(folder_store: Store) -> None:
    store = folder_store
    keep(store, "d1", days=1)
    store.begin_journal("topic", "a", HostReport(name="h", status="ok"))
    store.keep_blob("layer:1:sha256:0", bytes(50_000))
    store.prepare()
    found = {kind.kind: kind for kind in kinds(store.folder, store.rows())}
    assert sum(kind.bytes for kind in found.values()) == room_of(store.folder)
    counts = {kind: found[kind].count for kind in ("audits", "runs", "logs", "raw outputs")}
    assert counts == {"audits": 1, "runs": 2, "logs": 2, "raw outputs": 2}
    assert 300_000 < found["logs"].bytes < 310_000
    assert found["raw outputs"].bytes == 300_000
    assert found["images"].bytes == 50_000
    assert found["notes on hosts"].count == found["the key of digests"].count == 1
    assert "set aside as damaged" not in found


@pytest.mark.parametrize("size", ["", "2", "two", "0GB", "-1GB", "2XB", "1e3MB", "GB"])
def test_what_is_no_size(size: str) -> None:
    with pytest.raises(ValueError, match="is not a size"):
        store_limits(size, None)


def test_sizes_and_ages() -> None:
    limits = store_limits("1.5GiB", "90d")
    assert (limits.max_size, limits.max_age) == (1_610_612_736, 90 * DAY)
    assert store_limits("500 mb", None).max_size == 500_000_000
    with pytest.raises(ValueError, match='"soon" is not a time'):
        store_limits(None, "soon")


PRUNE = """
import sys, time
from pathlib import Path
from cachetui.config.hosts_toml import store_limits
from cachetui.store.database import Store
from cachetui.store.place import StorePlace
from cachetui.store.prune import prune
store = Store(Path(sys.argv[1]))
print("ready", flush=True)
prune(store, store_limits("1MB", "15d"))
"""


@pytest.mark.fault("store-limit")
def test_killed_while_it_removes(folder_store: Store, tmp_path: Path) -> None:
    """Whenever that is: what is left is whole, says what went, and is removed the next time."""
    store = folder_store
    for days in range(20, 0, -1):
        keep(store, f"d{days:02}", days=days)
    store.pin("d20")
    store.close()
    seconds = 2.0  # that the whole of it takes; the first is not killed
    for number in range(8):
        folder = tmp_path / f"copy-{number}"
        shutil.copytree(store.folder, folder)
        pruning = subprocess.Popen(
            [sys.executable, "-c", PRUNE, str(folder)],
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parents[2],
        )
        assert pruning.stdout is not None
        assert pruning.stdout.readline() == b"ready\n"
        begun = time.monotonic()
        if number == 0:
            pruning.communicate(timeout=20)
            seconds = time.monotonic() - begun
        time.sleep(number * seconds / 8)
        pruning.kill()
        pruning.communicate(timeout=20)
        left = Store(folder)
        kept = logs(left)
        assert {"d20-0", "d20-1"} <= set(kept)
        for entry in left.audits():
            for run in audit(left, entry.audit).runs:
                assert run.id in kept or left.log_gone(run.id) is not None
        assert left.warnings == []
        within(left, "1MB", "15d")
        assert room_of(folder) <= 1_000_000
        assert [entry.audit for entry in left.audits() if entry.pinned] == ["d20"]
        left.close()
