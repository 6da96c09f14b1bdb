"""A store that cannot be written is shown all the same, and what would change it is refused."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cachetui.demo.fleet import BUILDS, Fleet, build_name
from cachetui.store.database import Store
from cachetui.store.log_writer import LogWriter
from tests.make_records import document as audit_document


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A store of one audit, whose log is large enough to be a file of its own."""
    place = tmp_path / "store"
    store = Store(place)
    document = audit_document()
    with store.spool() as spool:
        writer = LogWriter(spool / "log")
        writer.write(None, os.urandom(90_000).hex().encode() + b"\nthe last line\n")
        writer.close()
        store.keep_run(document.runs[0], log=spool / "log")
    store.keep_audit(document)
    store.close()
    return place


def digests(place: Path) -> dict[str, str]:
    """What every file of a store holds."""
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in place.rglob("*")
        if path.is_file()
    }


def typed(place: Path, *words: str) -> tuple[int, str, str]:
    """The exit code and outputs of a command where the store is on a read-only mount."""
    if shutil.which("unshare") is None or os.geteuid() != 0:
        pytest.skip("only root can mount")
    mount = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"'
    temporary = place.with_name("temporary")
    temporary.mkdir(exist_ok=True)
    done = subprocess.run(
        [
            *("unshare", "--mount", "sh", "-c", mount, str(place)),
            *(sys.executable, "-m", "cachetui", *words, "--store", str(place)),
        ],
        env={**os.environ, "TMPDIR": str(temporary)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert list(temporary.iterdir()) == []
    return done.returncode, done.stdout, done.stderr


@pytest.mark.fault("read-only-store")
def test_it_is_shown_and_stays_as_it_is(place: Path) -> None:
    document = audit_document()
    run = document.runs[0]
    before = digests(place)
    code, printed, said = typed(place, "history", "--format", "json")
    assert (code, document.audit in printed, said) == (0, True, "")
    code, printed, said = typed(place, "show", "last", "--format", "json")
    assert (document.audit in printed, said) == (True, "")
    code, printed, said = typed(place, "log", "last", run.host, run.scenario)
    assert (code, printed.splitlines()[-1]) == (0, "the last line"), said
    code, printed, said = typed(place, "store")
    assert (code, "logs" in printed) == (0, True), said
    assert digests(place) == before


@pytest.mark.fault("read-only-store")
@pytest.mark.parametrize("words", [["history", "--pin", "last"], ["history", "--delete", "last"]])
def test_a_change_is_refused(place: Path, words: list[str]) -> None:
    before = digests(place)
    code, _, said = typed(place, *words)
    assert code == 2
    assert f"the file system of {place} is read-only; name another folder with --store" in said
    assert "Traceback" not in said
    assert digests(place) == before


@pytest.mark.fault("read-only-store")
def test_an_audit_is_refused_before_it_begins(place: Path, fleet: Fleet) -> None:
    words = ["run", build_name(BUILDS[0]), "--hosts", str(fleet.hosts_toml)]
    code, printed, said = typed(place, *words, "--progress", "plain")
    assert (code, printed) == (2, "")
    assert f"cannot keep results: the file system of {place} is read-only" in said
