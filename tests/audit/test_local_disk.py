"""The disk of the machine that cachetui runs on: full, gone, read-only or forbidden, at any time.

What fails is what writes: the files and rows of the store, logs of running builds, notes of what
builds make. Real full disks are at the end, where this machine lets a test mount one.
"""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from cachetui.audit.host_audit import HostAudit
from cachetui.records.run import Run
from cachetui.store import journal, log_writer, spare
from cachetui.store.plain_cache import PlainCache
from cachetui.store.plain_disk import PlainDisk
from tests.docs.console import Workspace

SCENARIOS = ["--scenarios", "legacy-cold,buildkit-cold,buildkit-warm"]
RUN = ["run", "shop", *SCENARIOS, "--fan-out", "1", "--progress", "quiet", "-w", "ci-2,ci-3"]

REASONS = {
    errno.ENOSPC: "no room in",
    errno.EDQUOT: "your quota in",
    errno.EROFS: "is read-only",
    errno.EACCES: "must not be written to",
    errno.EIO: "Input/output error",
}


class Disk:
    """The disk that results go to: `fail` makes all that is written from then on raise that."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.code = 0
        for where in (log_writer, journal, spare):
            patch.setattr(where, "write_all", self._when_whole(where.write_all))
        patch.setattr(PlainDisk, "_write", self._when_whole(PlainDisk._write))
        patch.setattr(PlainCache, "_do", self._rows(PlainCache._do))
        patch.setattr(tempfile, "mkdtemp", self._when_whole(tempfile.mkdtemp))
        patch.setattr(tempfile, "TemporaryFile", self._when_whole(tempfile.TemporaryFile))

    def fail(self, code: int) -> None:
        self.code = code

    def _when_whole(self, write: Callable[..., Any]) -> Callable[..., Any]:
        def writing(*args: Any, **options: Any) -> Any:
            if self.code:
                raise OSError(self.code, os.strerror(self.code))
            return write(*args, **options)

        return writing

    def _rows(self, do: Callable[..., Any]) -> Callable[..., Any]:
        def doing(cache: PlainCache, work: Callable[[Any], Any]) -> Any:
            if self.code and "get" not in work.__code__.co_names:
                full = self.code == errno.ENOSPC
                raise sqlite3.OperationalError(
                    "database or disk is full" if full else "disk I/O error"
                )
            return do(cache, work)

        return doing


def after_runs(patch: pytest.MonkeyPatch, count: int, what: Callable[[], None]) -> None:
    """Do this once so many runs have ended, before the last of them is kept."""
    ended = []
    build_ended = HostAudit._build_ended

    def ending(self: HostAudit, *args: Any) -> None:
        ended.append(args)
        if len(ended) == count:
            what()
        build_ended(self, *args)

    patch.setattr(HostAudit, "_build_ended", ending)


def told(audit: dict[str, Any]) -> list[str]:
    return [note for note in audit["notes"] if note.startswith("cannot keep")]


@pytest.mark.fault("disk-full")
@pytest.mark.parametrize("code", REASONS)
@pytest.mark.parametrize("runs", [1, 2, 5])
def test_results_are_shown_and_the_trouble_is_this_machines(
    space: Workspace, monkeypatch: pytest.MonkeyPatch, code: int, runs: int
) -> None:
    with monkeypatch.context() as patch:
        disk = Disk(patch)
        after_runs(patch, runs, lambda: disk.fail(code))
        status, printed, said = space.run([*RUN, "--format", "json"], "s")
    audit = json.loads(printed)
    assert status == 2, said
    assert [run["status"] for run in audit["runs"]] == ["ok"] * runs
    assert all(run["steps"] for run in audit["runs"])
    statuses = {host["name"]: (host["status"], host["reason"]) for host in audit["hosts"]}
    assert {status for status, _ in statuses.values()} <= {"ok", "skipped"}
    assert statuses["ci-3"] == (
        "skipped",
        ("stopped" if runs == 5 else "not asked") + ": this machine cannot keep results",
    )
    (trouble,) = told(audit)
    assert REASONS[code] in trouble
    assert str(space.folder / "s") in trouble
    assert "--store" in trouble
    assert "run again" in trouble
    again, printed, said = space.run([*RUN, "--format", "json"], "s")
    assert again in (0, 1), said
    done = json.loads(printed)
    assert len(done["runs"]) == 6
    assert told(done) == []
    assert sum(run["stored"] for run in done["runs"]) >= runs - 1


def test_the_last_run_that_cannot_be_kept_is_trouble_too(
    space: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Disk(monkeypatch)
    after_runs(monkeypatch, 6, lambda: disk.fail(errno.ENOSPC))
    out = space.folder / "out.txt"
    status, printed, said = space.run([*RUN, "-o", str(out)], "s")
    assert (status, printed) == (2, "")
    assert "ci-3" in out.read_text()
    assert said.count("cannot keep results: no room in") == 1


@pytest.mark.fault("disk-full")
def test_the_store_is_removed_meanwhile(space: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        after_runs(patch, 2, lambda: shutil.rmtree(space.folder / "s"))
        status, printed, said = space.run([*RUN, "--format", "json"], "s")
    audit = json.loads(printed)
    assert status == 2, said
    assert len(audit["runs"]) == 2
    (trouble,) = told(audit)
    assert "is gone; let it be there" in trouble
    _, printed, _ = space.run(["show", "last", "--format", "json"], "s")
    shown = json.loads(printed)
    assert [run["id"] for run in shown["runs"]] == [run["id"] for run in audit["runs"]]
    assert told(shown) == [trouble]
    again, printed, _ = space.run([*RUN, "--format", "json"], "s")
    assert again in (0, 1)
    assert len(json.loads(printed)["runs"]) == 6


@pytest.mark.fault("disk-full")
def test_a_log_that_does_not_fit_ends_early_and_says_so(
    space: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    kept: list[Run] = []

    def no_room(_file: int, _data: bytes) -> None:
        raise failing

    with monkeypatch.context() as patch:
        patch.setattr(log_writer, "write_all", no_room)
        patch.setattr(HostAudit, "_keep", lambda _, run, __: kept.append(run))
        space.run([*RUN, "--format", "json"], "s")
    assert len(kept) == 1
    assert kept[0].status == "ok"
    assert any(note.startswith("its log ends early: cannot keep") for note in kept[0].notes)


@pytest.mark.fault("output-file")
@pytest.mark.parametrize("where", ["folder", "nowhere", "full", "file", "long"])
def test_an_output_that_cannot_be_written_is_found_before(space: Workspace, where: str) -> None:
    (space.folder / "file").write_text("")
    output = {
        "folder": str(space.folder),
        "nowhere": str(space.folder / "no" / "out"),
        "file": str(space.folder / "file" / "out"),
        "full": str(space.folder / "device" / "out"),
        "long": str(space.folder / ("x" * 254)),
    }[where]
    before = sorted(space.folder.iterdir())
    for words in (RUN, ["hosts"]):
        status, printed, said = space.run([*words, "-o", output], "s")
        assert (status, printed) == (2, ""), where
        assert f"-o {output}" in said
        assert "\n" not in said.strip()
    _, printed, _ = space.run(["history", "--format", "json"], "s")
    assert json.loads(printed) == []
    assert sorted(p for p in space.folder.iterdir() if p.name != "s") == before


@pytest.mark.fault("output-file")
def test_an_output_that_cannot_be_written_at_the_end_is_printed(
    space: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = space.folder / "out"
    folder.mkdir()
    with monkeypatch.context() as patch:
        after_runs(patch, 1, lambda: shutil.rmtree(folder))
        path = str(folder / "audit.json")
        status, printed, said = space.run([*RUN, "--format", "json", "-o", path], "s")
    assert status == 2
    assert len(json.loads(printed)["runs"]) == 6
    assert f"-o {path}: No such file or directory; the result was printed instead" in said
    status, printed, said = space.run(["show", "last", "-o", "/dev/full"], "s")
    assert status == 2
    assert "ci-2" in printed
    assert "the result was printed instead" in said


def test_a_result_that_cannot_be_printed_is_where_the_message_says(
    space: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with monkeypatch.context() as patch:
        patch.setattr("cachetui.cli.result.click.echo", mock.Mock(side_effect=full))
        status, printed, _ = space.run(RUN, "s")
        assert (status, printed) == (2, "")  # standard error is full as well
        patch.undo()
        patch.setattr("cachetui.cli.show.write_result", mock.Mock(side_effect=full))
        status, printed, said = space.run(RUN, "s")
    assert (status, printed) == (2, "")
    words = re.search(r"No space left on device; it is stored: cachetui (show \S+)", said)
    assert words is not None
    status, printed, _ = space.run(words[1].split(), "s")
    assert status in (0, 1)
    assert "ci-2" in printed


def test_a_log_file_on_a_full_disk_is_told_once(space: Workspace) -> None:
    status, printed, said = space.run([*RUN, "--log-file", "/dev/full"], "s")
    assert (status, printed) == (2, "")
    assert "--log-file /dev/full: No space left on device" in said


@pytest.mark.fault("disk-full")
def test_a_log_file_whose_disk_fills_up_costs_no_result(
    space: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cachetui.cli import log_file

    def full(_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    after_runs(monkeypatch, 1, lambda: monkeypatch.setattr(log_file.LogFile, "flush", full))
    path = space.folder / "log"
    status, printed, said = space.run([*RUN, "--format", "json", "--log-file", str(path)], "s")
    assert status == 2
    assert len(json.loads(printed)["runs"]) == 6
    assert "Traceback" not in said
    assert said.count("No space left on device; it ends at") == 1
    assert "ci-2: connecting" in path.read_text()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 8 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = shutil.which("mount") or "/bin/mount"
    done = subprocess.run(
        [mount, "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)], capture_output=True
    )
    if done.returncode != 0:
        pytest.skip("no file system can be mounted here")
    yield folder
    subprocess.run([mount.replace("mount", "umount"), "-l", str(folder)], check=True)


def fill(folder: Path) -> None:
    """Leave no room on this file system."""
    with (folder / f"filler-{len(list(folder.iterdir()))}").open("ab", buffering=0) as file:
        while True:
            try:
                file.write(b"x" * 4096)
            except OSError:
                return


@pytest.mark.fault("disk-full")
def test_a_disk_that_is_really_full(
    space: Workspace, monkeypatch: pytest.MonkeyPatch, small_disk: Path
) -> None:
    store = str(small_disk / "s")
    with monkeypatch.context() as patch:
        after_runs(patch, 2, lambda: fill(small_disk))
        status, printed, said = space.run([*RUN, "--format", "json"], store)
    assert status == 2, said
    audit = json.loads(printed)
    assert [run["status"] for run in audit["runs"]] == ["ok", "ok"]
    assert len(told(audit)) == 1
    status, printed, said = space.run(["show", "last", "--format", "json"], store)
    shown = json.loads(printed)
    assert len(shown["runs"]) == 2
    assert told(shown) == told(audit)
    (small_disk / "filler-1").unlink()
    again, printed, said = space.run([*RUN, "--format", "json"], store)
    assert again in (0, 1), said
    assert sum(run["stored"] for run in json.loads(printed)["runs"]) >= 1


@pytest.mark.fault("disk-full")
def test_a_disk_that_is_full_from_the_start(space: Workspace, small_disk: Path) -> None:
    fill(small_disk)
    status, printed, said = space.run(RUN, str(small_disk / "s"))
    assert (status, printed) == (2, "")
    assert "cannot keep results: no room in" in said
    status, printed, said = space.run([*RUN, "-o", str(small_disk / "out")], "s")
    assert (status, printed) == (2, "")
    assert "No space left on device" in said
    assert [path.name for path in small_disk.iterdir() if "out" in path.name] == []
