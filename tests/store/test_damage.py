"""A store with any byte damaged: nothing fails but what was damaged, and that is told."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner
from hypothesis import settings

from cachetui.cli.main import cli
from cachetui.findings.record import Proof
from cachetui.store.database import Store
from cachetui.store.log_blocks import LogError
from cachetui.store.log_writer import LogWriter
from cachetui.store.troubles import StoreError
from tests.make_records import document as audit_document
from tests.make_records import odd_one_out

AUDITS = 3
PAGE = 4096


def fill(folder: Path) -> list[str]:
    """A small store of three audits with logs and blobs; the audits' ids."""
    store = Store(folder)
    names = []
    for number in range(AUDITS):
        made = (audit_document, odd_one_out)[number % 2]()
        name = f"112{number}-000000-aaaa"
        runs = [
            msgspec.structs.replace(run, id=f"{number}-{run.id}", audit=name)
            for run in made.runs[:3]
        ]
        made = msgspec.structs.replace(
            made, audit=name, runs=tuple(runs), started_at=time.time() + number
        )
        with store.spool() as spool:
            for run in runs:
                writer = LogWriter(spool / "log")
                writer.write(None, b"a line of the log\n" * 40)
                writer.close()
                store.keep_run(run, log=spool / "log")
                store.keep_blob(f"contents:{run.id}", b'{"x": 1}')
        store.keep_audit(made)
        names.append(name)
    store.close()
    return names


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    fill(folder)
    return folder


def use(folder: Path) -> tuple[int, int, list[str]]:
    """Everything that commands do with a store: how many audits and runs it still has, and what it
    says. Nothing but a `StoreError` or a `LogError`, which commands report, may be raised."""
    store = Store(folder)
    entries = store.audits()
    runs = 0
    for entry in entries:
        document = store.audit(entry.audit)
        for run in document.runs if document else ():
            runs += 1
            store.find(run.of, 1e9)
            with suppress(LogError):
                log = store.log(run.id)
                if log is not None:
                    with log:
                        assert all(isinstance(line.text, str) for line in log.whole())
            blob = store.blob(f"contents:{run.id}")
            if blob is not None:
                with blob:
                    blob.read()
        store.proofs(entry.audit, Proof)
    store.resolve("last")
    again = audit_document()
    store.keep_run(again.runs[0])
    store.keep_audit(again)
    assert store.audit(again.audit) is not None
    store.delete_audit(again.audit)
    store.close()
    return len(entries), runs, store.warnings


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """Where copies of the store lie, in memory where that can be: SQLite waits for the disk.

    None is removed before the end: SQLite takes a file with the inode of one that is gone, but that
    a connection which failed still holds, for that file, and waits for its locks.
    """
    memory = "/dev/shm"
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as folder:
        yield Path(folder)


@pytest.fixture
def copy(whole: Path, place: Path) -> Callable[[], Path]:
    """Makes fresh copies of the store."""

    def make() -> Path:
        return shutil.copytree(whole, Path(tempfile.mkdtemp(dir=place)), dirs_exist_ok=True)

    return make


def test_the_store_of_these_tests_is_whole(copy: Callable[[], Path]) -> None:
    assert use(copy()) == (AUDITS, AUDITS * 3, [])


def files_of(folder: Path) -> list[Path]:
    return sorted(
        path.relative_to(folder)
        for path in folder.rglob("*")
        if path.is_file() and path.stat().st_size
    )


@pytest.mark.fault("damaged-store")
def test_any_page_zeroed(whole: Path, copy: Callable[[], Path]) -> None:
    for name in files_of(whole):
        size = (whole / name).stat().st_size
        for start in range(0, size, PAGE):
            folder = copy()
            with (folder / name).open("r+b") as file:
                file.seek(start)
                file.write(bytes(min(PAGE, size - start)))
            audits, runs, said = use(folder)
            assert said or (audits, runs) == (AUDITS, AUDITS * 3), f"{name} at {start}"
            assert audits or name.parts[0] == "audits", f"{name} at {start}: {said}"


def picked(chance: random.Random, data: bytes, count: int) -> set[int]:
    return set(chance.sample(range(len(data)), count))


@pytest.mark.fault("damaged-store")
@pytest.mark.parametrize("how", ["zero", "flip"])
def test_any_byte(whole: Path, copy: Callable[[], Path], how: str) -> None:
    everything = settings.get_current_profile_name() == "thorough"
    chance = random.Random(how)
    for name in files_of(whole):
        data = (whole / name).read_bytes()
        if everything:
            places = set(range(len(data)))
        elif name.suffix == ".db":  # SQLite's header, the beginnings of pages, some of the rest
            pages = set(range(0, len(data), PAGE))
            places = {*range(chance.randrange(16), 112, 16), *pages, *picked(chance, data, 3)}
        else:
            places = picked(chance, data, 1)
        for at in sorted(places):
            folder = copy()
            damaged = bytearray(data)
            damaged[at] = 0 if how == "zero" else damaged[at] ^ 0xFF
            (folder / name).write_bytes(damaged)
            audits, runs, said = use(folder)
            same = bytes(damaged) == data
            assert audits <= AUDITS
            assert runs <= AUDITS * 3
            assert said or (audits, runs) == (AUDITS, AUDITS * 3) or same, f"{name} at {at}"


@pytest.mark.parametrize("page", ["the schema", "the index of keys", "the settings"])
@pytest.mark.parametrize("part", ["runs", "audits", "blobs"])
def test_every_entry_survives_the_loss_of_a_page_that_holds_none(
    copy: Callable[[], Path], part: str, page: str
) -> None:
    folder = copy()
    number = {"the schema": 1, "the settings": 3, "the index of keys": 6}[page]
    with (folder / part / "cache.db").open("r+b") as file:
        file.seek((number - 1) * PAGE)
        file.write(bytes(PAGE))
    audits, runs, said = use(folder)
    assert (audits, runs) == (AUDITS, AUDITS * 3), said
    (line,) = [line for line in said if f"the store's {part} were damaged" in line]
    assert "set aside as" in line
    assert " 0 of its entries" not in line
    assert "could not be read" not in line


@pytest.mark.fault("damaged-store")
def test_a_key_that_is_no_text_hides_no_other(copy: Callable[[], Path]) -> None:
    folder = copy()
    with closing(sqlite3.connect(folder / "audits" / "cache.db")) as connection:
        for key, raw in ((sqlite3.Binary(b"\x80\x04."), 0), (7, 1), (None, 1), (b"entry:x", 1)):
            connection.execute(
                "INSERT INTO Cache (key, raw, mode, value, size) VALUES (?, ?, 1, 'x', 0)",
                (key, raw),
            )
        connection.execute(
            "INSERT INTO Cache (key, raw, mode, value, size) "
            "VALUES (CAST(x'656e7472793aff' AS TEXT), 1, 1, 'x', 0)"
        )
        connection.commit()
    audits, runs, said = use(folder)
    assert (audits, runs) == (AUDITS, AUDITS * 3)
    assert any("5 entries whose key is not text" in line for line in said)


@pytest.mark.fault("damaged-store")
@pytest.mark.parametrize("part", ["runs", "audits", "blobs", "spool", "damaged"])
@pytest.mark.parametrize("what", ["file", "empty", "missing", "folder"])
def test_files_in_the_place_of_folders_and_folders_in_that_of_files(
    copy: Callable[[], Path], part: str, what: str
) -> None:
    folder = copy()
    target = folder / part
    if target.exists():
        shutil.rmtree(target)
    if what == "file":
        target.write_text("not a folder")
    elif what == "empty":
        target.mkdir()
    elif what == "folder":
        (target / "cache.db").mkdir(parents=True)
    if (part, what) == ("spool", "file"):
        with pytest.raises(StoreError, match=f"(?s){folder}.*--store"):
            use(folder)
        return
    audits, _, _ = use(folder)
    assert audits == (0 if part == "audits" else AUDITS)


@pytest.mark.fault("damaged-store")
@pytest.mark.parametrize("cut", [0, 1, 100, 4095, 4096, 9000])
def test_a_file_cut_short(copy: Callable[[], Path], cut: int) -> None:
    for part in ("runs", "audits", "blobs"):
        folder = copy()
        file = folder / part / "cache.db"
        file.write_bytes(file.read_bytes()[:cut])
        use(folder)


@pytest.mark.fault("damaged-store")
def test_commands_say_what_was_damaged_without_a_traceback(copy: Callable[[], Path]) -> None:
    folder = copy()
    for part in ("runs", "audits"):
        with (folder / part / "cache.db").open("r+b") as file:
            file.seek(PAGE)
            file.write(b"\xff" * PAGE)
    for log in (folder / "runs").rglob("*.val"):
        log.write_bytes(b"\0" * 10)
    words = [
        ["history"],
        ["show", "last"],
        ["show", "last", "--format", "json"],
        ["log", "last", "old", "buildkit-cold"],
        ["outputs"],
        ["history", "--delete", "1120"],
    ]
    for each in words:
        done = CliRunner().invoke(cli, [*each, "--store", str(folder)])
        assert done.exception is None or isinstance(done.exception, SystemExit), (each, done.output)
        assert "Traceback" not in done.output


@pytest.mark.fault("secret-in-files")
def test_everything_is_its_users_alone(copy: Callable[[], Path]) -> None:
    folder = copy()
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    store = Store(folder)
    with store.spool() as spool:
        (spool / "log").write_bytes(b"x" * 100_000)
        store.keep_run(audit_document().runs[0], log=spool / "log")
    store.close()
    for path in [folder, *folder.rglob("*")]:
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path


@pytest.mark.fault("damaged-store")
def test_a_damaged_log_is_one_message(copy: Callable[[], Path]) -> None:
    folder = copy()
    for path in (folder / "runs").rglob("*.val"):
        data = bytearray(path.read_bytes())
        data[10:20] = b"\xff" * 10
        path.write_bytes(data)
    with closing(sqlite3.connect(folder / "runs" / "cache.db")) as connection:
        connection.execute(
            "UPDATE Cache SET value = CAST(substr(value, 1, 9) || x'ffffffffffff' || "
            "substr(value, 16) AS BLOB) WHERE key LIKE 'log:%' AND typeof(value) = 'blob'"
        )
        connection.commit()
    store = Store(folder)
    run = store.audit(store.audits()[0].audit).runs[0]  # type: ignore[union-attr]
    words = ["log", "last", run.host, run.scenario, "--store", str(folder)]
    done = CliRunner().invoke(cli, words)
    assert done.exit_code == 2, done.output
    assert len(done.stderr.splitlines()) >= 1
    assert isinstance(done.exception, SystemExit)
