"""What is recorded of a surprise is all that findings read of a store, and names no machine."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path
from types import ModuleType

import pytest
from msgspec import structs

from cachetui.audit.findings_of import why
from cachetui.outputs.digests import differing_paths, document_digests
from cachetui.store.database import Store
from tests.outputs.audits import Fleet, document, run
from tests.outputs.tars import tar
from tests.surprises.recording import (
    FOLDER,
    Head,
    NotNeutral,
    encode,
    file_of,
    head_of,
    played,
    restore,
)
from tests.surprises.secret import give_secret
from tests.surprises.stage import PARTS
from tests.surprises.surprise import HERE, Surprise, surprises

HEAD = Head(surprise="some", part="near", played="", recorded="2026-11-26")


@pytest.fixture
def fleet(tmp_path: Path) -> Fleet:
    """Two hosts whose images differ in what a step made, in a store with its outputs."""
    return Fleet(tmp_path, {"h1": tar(("a", b"1")), "h2": tar(("a", b"2"))})


def test_a_restored_store_gives_what_the_store_gave(fleet: Fleet, tmp_path: Path) -> None:
    recording = encode(HEAD, fleet.store.folder)
    store = restore(recording, tmp_path / "restored")
    document = store.audit("a1")
    assert head_of(recording) == HEAD
    assert document == fleet.document
    digests = document_digests(document, store)
    assert digests == document_digests(fleet.document, fleet.store) != {}
    assert differing_paths(document, store, *document.runs) != {}
    assert why(document, store) == why(fleet.document, fleet.store)


def test_a_restored_store_reads_the_digests_of_values(tmp_path: Path) -> None:
    give_secret(tmp_path / "store")
    store = Store(tmp_path / "store")
    made = document([run("h1")])
    build = structs.replace(made.build, build_args={"A": store.hasher.digest("1")})
    store.keep_audit(structs.replace(made, build=build))
    again = restore(encode(HEAD, store.folder), tmp_path / "restored")
    kept = again.audit("a1")
    assert kept is not None
    assert again.hasher.matches("1", kept.build.build_args["A"]) is True


def test_every_recording_is_of_a_surprise() -> None:
    expected = {file_of(one.id, part) for one in surprises() for part in PARTS}
    assert set(FOLDER.iterdir()) <= expected


def test_what_the_engines_gave_is_kept_to_the_byte(fleet: Fleet, tmp_path: Path) -> None:
    recording = encode(HEAD, fleet.store.folder)
    assert encode(HEAD, restore(recording, tmp_path / "restored").folder) == recording


WORK = "/" + "work"
"""A folder of machines, not written out: this file is looked through for such places too."""


@pytest.mark.parametrize(
    "own", ["/tmp/x", "/home/me/x", "file:/root", f"{WORK}/x", f"on {socket.gethostname()}"]
)
def test_a_recording_with_a_place_of_the_machine_is_refused(fleet: Fleet, own: str) -> None:
    fleet.store.keep_run(run("h1", reason=f"no file {own}"))
    with pytest.raises(NotNeutral, match="some, near"):
        encode(HEAD, fleet.store.folder)


@pytest.mark.parametrize("path", ["/srv/lab/old/home/x", "/var/tmp/x", "/tmpfs", f"a{WORK}/b"])
def test_a_place_of_the_build_or_of_a_host_is_not_of_the_machine(fleet: Fleet, path: str) -> None:
    fleet.store.keep_run(run("h1", reason=f"no file {path}"))
    assert encode(HEAD, fleet.store.folder)


CASE = '''\
"""A surprise."""

EXPECTED = ("old",)
NOT_THERE = {"new": "no"}


def play(stage, part):
    stage.audit("buildkit-cold")


def check(finding, host):
    assert finding.seconds
'''


@pytest.mark.parametrize(
    ("old", "new", "again"),
    [
        ("buildkit-cold", "legacy-cold", True),
        ("finding.seconds", "finding.confidence", False),
        ('("old",)', '("old", "mid")', False),
        ('"no"', '"it cannot"', False),
        ("A surprise.", "The surprise.", False),
    ],
)
def test_what_is_judged_may_change_without_another_recording(
    tmp_path: Path, old: str, new: str, again: bool
) -> None:
    surprise = Surprise("some", tmp_path, ModuleType("some"))
    shutil.copytree(HERE / "base-drift" / "surprise", tmp_path / "surprise")
    assert old in CASE
    (tmp_path / "case.py").write_text(CASE)
    before = played(surprise, "surprise")
    (tmp_path / "case.py").write_text(CASE.replace(old, new))
    assert (played(surprise, "surprise") != before) is again


def test_another_build_needs_another_recording(tmp_path: Path) -> None:
    surprise = Surprise("some", tmp_path, ModuleType("some"))
    shutil.copytree(HERE / "base-drift" / "surprise", tmp_path / "surprise")
    (tmp_path / "case.py").write_text(CASE)
    before = played(surprise, "surprise")
    (tmp_path / "surprise" / "more").write_text("")
    assert played(surprise, "surprise") != before
