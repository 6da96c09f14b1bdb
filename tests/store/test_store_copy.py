"""All of one store in another: nothing lost, the same ids, begun again where it stopped."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from cachetui.cli.main import cli
from cachetui.context.manifest import Entry
from cachetui.findings.record import Evidence, Proof, StepRef
from cachetui.records.run import Run
from cachetui.records.step import StepId
from cachetui.store.copying import copy_store
from cachetui.store.database import Store
from cachetui.store.log_writer import LogWriter
from cachetui.store.place import DatabaseAddress, StorePlace
from cachetui.store.troubles import StoreError
from tests.store.places import word
from tests.store.test_database import document, run

BIG = 1_500_000
"""Bytes of a log: more than are copied in memory, and several of a database's blocks."""


def fill(store: Store) -> None:
    """Something of everything that a store keeps."""
    for number in range(3):
        audit, runs = f"1124-{number}", [run(f"r{number}-{n}", f"k{n}") for n in range(2)]
        for one in runs:
            with store.spool() as folder:
                writer = LogWriter(folder / "log")
                writer.write(StepId(0, 1), random.Random(one.id).randbytes(BIG))
                writer.close()
                (folder / "raw").write_bytes(random.Random(one.id).randbytes(2000))
                store.keep_run(one, log=folder / "log")
                store._runs.put(f"raw:{one.id}", folder / "raw", "results")  # of earlier versions
        store.keep_audit(document(audit, *runs))
    store.keep_manifest("sha256:0", (Entry(path="ä", kind="file", mode=0o644, size=1),))
    store.keep_blob("layer:1:sha256:0", random.Random(0).randbytes(BIG))
    store.keep_blob("contents:r0-0", b"{}")
    store.keep_proof("1124-0", proof(1.0))
    store.keep_proof("1124-0", proof(2.0))
    store.pin("1124-1")
    store.remove_logs(["r2-1"], "the log was removed")
    store.marks.count_build("h", "2026-01-01")
    store.marks.agree(["h"])


def proof(at: float) -> Proof:
    evidence = (Evidence(kind="experiment", text="it hits", data={"run": "r1"}),)
    return Proof(
        audit="1124-0",
        id="base-drift",
        steps=(StepRef(0, 0),),
        host="h",
        outcome="proved",
        evidence=evidence,
        at=at,
        commands=("docker build .",),
    )


def everything(store: Store) -> dict[str, bytes | str]:
    """All entries as they are kept."""
    found: dict[str, bytes | str] = {}
    for table in store.caches:
        for key in table.keys(""):
            file = table.file(key)
            assert file is not None
            with file:
                data = file.read()
            found[key] = data if isinstance(data, bytes) else str(data).encode()
    return found


@pytest.fixture(
    params=["in", "out", "folders"],
)
def ways(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[StorePlace, StorePlace]:
    """From where to where."""
    if request.param == "folders":
        return tmp_path / "a", tmp_path / "b"
    address: DatabaseAddress = request.getfixturevalue("database")
    both = (tmp_path / "a", address)
    return both if request.param == "in" else both[::-1]


pytestmark = pytest.mark.needs("postgres")


def test_all_of_it_is_there_under_the_same_ids(ways: tuple[StorePlace, StorePlace]) -> None:
    source, target = map(Store, ways)
    fill(source)
    told: list[tuple[int, int]] = []
    copied = copy_store(source, target, lambda *so_far: told.append(so_far))
    wanted = everything(source)
    assert everything(target) == wanted
    assert (copied.copied, copied.there, copied.damaged) == (len(wanted), 0, ())
    assert told[-1] == (len(wanted), len(wanted))
    counts = {kind.kind: kind.count for kind in copied.kinds}
    assert (counts["audits"], counts["runs"], counts["logs"]) == (3, 6, 5)
    assert target.audits() == source.audits()
    assert [target.audit(entry.audit) for entry in target.audits()] == [
        source.audit(entry.audit) for entry in source.audits()
    ]
    log = target.log("r0-1")
    assert log is not None
    with log:
        assert log.step(StepId(0, 1)).lines > 100
    assert target.log_gone("r2-1") == "the log was removed"
    assert target.marks.builds_of("h", "2026-01-01") == 1
    assert target.marks.not_agreed(["h", "i"]) == ("i",)
    again = copy_store(source, target)
    assert (again.copied, again.settled) == (0, 0)
    assert again.there == len(wanted)


@pytest.mark.parametrize("after", [0, 5, 20])
def test_a_copy_that_stopped_is_begun_again(
    ways: tuple[StorePlace, StorePlace], after: int
) -> None:
    source, target = map(Store, ways)
    fill(source)

    def stop(done: int, _total: int) -> None:
        if done > after:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        copy_store(source, target, stop)
    for entry in target.audits():  # what is there already is whole
        whole = target.audit(entry.audit)
        assert whole is not None
        assert whole.notes == ()
    copied = copy_store(source, target)
    assert copied.there == after + 1
    assert everything(target) == everything(source)


def test_what_both_have_is_settled_by_what_it_is(ways: tuple[StorePlace, StorePlace]) -> None:
    source, target = map(Store, ways)
    old, new = run("old", "k", age=100), run("new", "k")
    for store, runs in ((source, [old]), (target, [old, new])):
        for one in runs:
            store.keep_run(one)
        store.keep_audit(document("later-there", *runs))
        store.keep_audit(document("later-here", *([old, new] if store is source else [old])))
    source.keep_run(new)
    source._runs.put_small("of:k", "old", "results")
    source.marks.count_build("h", "2026-01-01")
    for _ in range(3):
        target.marks.count_build("h", "2026-01-01")
    source.keep_blob("layer-meta:1:x", b"here")
    target.keep_blob("layer-meta:1:x", b"there it has more")
    copy_store(source, target)

    def runs_of(audit: str) -> list[str]:
        found = target.audit(audit)
        assert found is not None
        return [one.id for one in found.runs]

    assert runs_of("later-there") == runs_of("later-here") == ["old", "new"]
    assert {entry.audit: entry.runs for entry in target.audits()} == {
        "later-there": 2,
        "later-here": 2,
    }
    found = target.find("k", 1000)
    assert found is not None
    assert found.id == "new"
    assert target.marks.builds_of("h", "2026-01-01") == 3
    kept = target.blob("layer-meta:1:x")
    assert kept is not None
    assert kept.read() == b"there it has more"


def test_a_log_that_is_gone_here_stays_there_and_comes_back(
    ways: tuple[StorePlace, StorePlace], tmp_path: Path
) -> None:
    source, target = map(Store, ways)
    with LogWriterAt(tmp_path / "log") as log:
        for store in (source, target):
            for name in ("gone-here", "gone-there"):
                store.keep_run(run(name), log=log)
    source.remove_logs(["gone-here"], "removed here")
    target.remove_logs(["gone-there"], "removed there")
    copy_store(source, target)
    for name in ("gone-here", "gone-there"):
        assert target.log_gone(name) is None
        found = target.log(name)
        assert found is not None
        found.close()


class LogWriterAt:
    """A short log in a file."""

    def __init__(self, path: Path) -> None:
        self._writer = LogWriter(path)

    def __enter__(self) -> Path:
        self._writer.write(StepId(0, 1), b"hello\n")
        self._writer.close()
        return self._writer.path

    def __exit__(self, *_: object) -> None:
        pass


def test_what_is_damaged_is_told_and_left_out(ways: tuple[StorePlace, StorePlace]) -> None:
    source, target = map(Store, ways)
    source.keep_run(run("whole"))
    source.keep_run(run("bad"))
    text = source._runs.text("run:bad")
    assert text is not None
    source._runs.put("run:bad", text.replace('"bad"', '"BAD"'), "a run")
    copied = copy_store(source, target)
    assert copied.damaged == ("run:bad",)
    assert target.run("whole") is not None
    assert target.run("bad") is None


def test_a_copy_that_is_not_whole_is_an_error(
    ways: tuple[StorePlace, StorePlace], monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = map(Store, ways)
    fill(source)
    table = type(target._runs)
    put: Callable[..., None] = table.put

    def losing(self: Any, key: str, value: Any, what: str) -> None:
        if key != "raw:r1-0":
            put(self, key, value, what)

    monkeypatch.setattr(table, "put", losing)
    with pytest.raises(StoreError, match=r"1 entries are not there .* raw:r1-0; copy again"):
        copy_store(source, target)


def test_digests_of_another_secret_are_told(ways: tuple[StorePlace, StorePlace]) -> None:
    source, target = map(Store, ways)
    source.keep_run(msgspec.structs.replace(run("r"), notes=(source.hasher.digest("v"),)))
    assert copy_store(source, target).other_secret
    assert isinstance(source.run("r"), Run)


def test_the_command(ways: tuple[StorePlace, StorePlace]) -> None:
    fill(Store(ways[0]))
    words = ["store", "copy", *map(word, ways)]
    done = CliRunner().invoke(cli, words)
    assert done.exit_code == 0, done.output
    assert done.output.startswith("copied ")
    assert "all there now: " in done.output
    assert "3 audits" in done.output
    assert "s3cret" not in done.output
    again = CliRunner().invoke(cli, words)
    assert "copied 0 entries" in again.output
    begun = time.time()
    both = CliRunner().invoke(cli, [*words[:3], words[2]])
    assert both.exit_code == 2
    assert "is both FROM and TO" in both.stderr
    nowhere = CliRunner().invoke(cli, ["store", "copy", "/not/there", words[3]])
    assert nowhere.exit_code == 2
    assert "there is no store at /not/there" in nowhere.stderr
    assert time.time() - begun < 60
