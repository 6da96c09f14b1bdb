"""The store's secret: made once, its user's alone, and told where it is lost or damaged."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner

from cachetui.cli.main import cli
from cachetui.records.digest import SECRET_BYTES
from cachetui.store.database import Store
from cachetui.store.secret import FILE, LOST, open_secret
from tests.make_records import document

VALUE = "hunter2"
NAMES = {FILE, f"{FILE}.lock"}


def key_of(folder: Path) -> str:
    store = Store(folder)
    store.close()
    return store.hasher.key


@pytest.mark.fault("secret-digest")
def test_a_store_has_one_that_is_its_users_alone(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    store = Store(folder)
    assert store.warnings == []
    assert (folder / FILE).stat().st_mode & 0o777 == 0o600
    key, secret = (folder / FILE).read_text().split()
    assert len(bytes.fromhex(secret)) == SECRET_BYTES == 32
    assert store.hasher.digest(VALUE).startswith(f"hmac-sha256:{key}:")
    again = Store(folder)
    assert again.hasher.digest(VALUE) == store.hasher.digest(VALUE)
    assert again.warnings == []
    other = Store(tmp_path / "other")
    assert other.hasher.key != key
    assert other.hasher.digest(VALUE) != store.hasher.digest(VALUE)
    assert {path.name for path in folder.iterdir() if "secret" in path.name} == NAMES


def test_a_copy_that_others_could_read_is_its_users_alone_again(tmp_path: Path) -> None:
    key = key_of(tmp_path)
    (tmp_path / FILE).chmod(0o644)
    assert key_of(tmp_path) == key
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600


def test_nothing_that_prints_objects_shows_it(tmp_path: Path) -> None:
    store = Store(tmp_path)
    _, secret = (tmp_path / FILE).read_text().split()
    hasher = store.hasher
    said = [repr(hasher), repr(vars(hasher)), repr(vars(store)), repr(open_secret(tmp_path))]
    for text in said:
        assert secret not in text
        assert repr(bytes.fromhex(secret))[2:-1] not in text


OPEN = """
import sys, time
from pathlib import Path
from cachetui.store.secret import open_secret
print("ready", flush=True)
sys.stdin.readline()
found = open_secret(Path(sys.argv[1]))
print(found.hasher.key, found.made, found.problem is not None)
"""


@pytest.mark.parametrize("before", [None, "", "no secret\n"])
def test_processes_that_open_a_store_at_once_have_the_same(
    tmp_path: Path, before: str | None
) -> None:
    for turn in range(5):
        folder = tmp_path / str(turn)
        folder.mkdir()
        if before is not None:
            (folder / FILE).write_text(before)
        processes = [
            subprocess.Popen(
                [sys.executable, "-c", OPEN, str(folder)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for _ in range(4)
        ]
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()
        said = [process.communicate(timeout=30)[0].split() for process in processes]
        assert len({key for key, _, _ in said}) == 1, said
        made = [words for words in said if words[1:] != ["False", "False"]]
        assert [words[1:] for words in made] == [
            ["True", "False"] if before is None else ["False", "True"]
        ], "one made it, the others found it"
        assert open_secret(folder).hasher.key == said[0][0]
        kept = {path.name.partition(".damaged-")[0] for path in folder.iterdir()}
        assert kept == NAMES, "nothing half written"


@pytest.mark.fault("damaged-store")
@pytest.mark.parametrize("how", ["zero", "flip", "case"])
def test_any_byte_damaged_is_told_and_set_aside(tmp_path: Path, how: str) -> None:
    key = open_secret(tmp_path).hasher.key
    file = tmp_path / FILE
    whole = file.read_bytes()
    for at, byte in enumerate(whole):
        damaged = bytearray(whole)
        damaged[at] = {"zero": 0, "flip": byte ^ 0xFF, "case": byte ^ 0x20}[how]
        file.write_bytes(damaged)
        found = open_secret(tmp_path)
        assert found.hasher.key != key, at
        assert found.problem is not None
        assert "was damaged and set aside as" in found.problem
        assert "cannot be compared" in found.problem
        (aside,) = tmp_path.glob(f"{FILE}.damaged-*")
        assert aside.read_bytes() == damaged
        assert open_secret(tmp_path).hasher.key == found.hasher.key
        aside.unlink()


def test_a_folder_in_its_place_is_set_aside(tmp_path: Path) -> None:
    (tmp_path / FILE).mkdir()
    assert "set aside" in (open_secret(tmp_path).problem or "")
    assert (tmp_path / FILE).is_file()


def keep(store: Store, digest: str) -> None:
    made = document()
    build = msgspec.structs.replace(made.build, build_args={"TOKEN": digest})
    store.keep_audit(msgspec.structs.replace(made, build=build))


def test_it_is_told_when_it_was_lost_and_something_was_kept_with_it(tmp_path: Path) -> None:
    store = Store(tmp_path)
    keep(store, store.hasher.digest(VALUE))
    store.close()
    (tmp_path / FILE).unlink()
    shutil.copytree(tmp_path, tmp_path / "copy")
    said = CliRunner().invoke(cli, ["history", "--store", str(tmp_path / "copy")])
    assert (said.exit_code, said.stderr.count(LOST)) == (0, 1)
    again = Store(tmp_path)
    assert again.warnings == [LOST]
    assert again.hasher.key != store.hasher.key
    kept = again.audit(again.audits()[0].audit)
    assert kept is not None
    assert again.hasher.matches(VALUE, kept.build.build_args["TOKEN"]) is None
    assert Store(tmp_path).warnings == []


def test_a_store_of_an_earlier_version_gets_one_without_a_word(tmp_path: Path) -> None:
    store = Store(tmp_path)
    keep(store, "sha256:" + "0" * 64)
    store.close()
    (tmp_path / FILE).unlink()
    assert Store(tmp_path).warnings == []


@pytest.mark.parametrize("part", ["runs", "audits", "blobs"])
def test_a_store_that_is_rescued_keeps_it(tmp_path: Path, part: str) -> None:
    store = Store(tmp_path)
    keep(store, store.hasher.digest(VALUE))
    store.close()
    with (tmp_path / part / "cache.db").open("r+b") as file:
        file.write(bytes(4096))
    again = Store(tmp_path)
    assert any(f"the store's {part} were damaged" in line for line in again.warnings)
    assert len(again.warnings) == 1
    assert again.hasher.key == store.hasher.key
    kept = again.audit(again.audits()[0].audit)
    assert kept is not None
    assert again.hasher.matches(VALUE, kept.build.build_args["TOKEN"]) is True


def test_where_it_cannot_be_kept_one_is_for_this_process_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    store = Store(tmp_path)
    (said,) = store.warnings
    assert "No space left" in said
    assert "cannot be compared" in said
    assert store.hasher.matches(VALUE, store.hasher.digest(VALUE)) is True
    assert {path.name for path in tmp_path.iterdir() if "secret" in path.name} == NAMES - {FILE}
    monkeypatch.undo()
    assert Store(tmp_path).hasher.key != store.hasher.key
