"""The recorded experiment with shared caches: what it says, and where it is shown."""

from __future__ import annotations

import gzip
import subprocess
import sys

import pytest

from cachetui.core import UserError
from cachetui.demo.fleet import BUILDS, build_name, demo_fleet
from cachetui.demo.shared import FILE, note, shared_recording
from cachetui.report.share import lay_out_share
from cachetui.share.kinds import KIND_NAMES


def test_it_is_of_the_build_that_the_demo_has() -> None:
    text = shared_recording().document.build.dockerfile_text
    file = FILE.parent / "builds" / BUILDS[0] / "Dockerfile"
    assert text.replace("registry.example/", "") == file.read_text()


def test_nothing_of_the_lab_is_in_it() -> None:
    text = gzip.decompress(FILE.read_bytes()).replace(b"invalid:127.0.0.1", b"")
    assert b"127." not in text
    assert b"/tmp/" not in text


def test_kinds_and_engines_differ_in_it() -> None:
    document = shared_recording().document
    share = document.share
    assert share is not None
    assert share.kinds == KIND_NAMES
    view = lay_out_share(document, share)
    assert "each keeps all RUN steps" in view.verdict[0]
    cells = {cell for table in view.tables for row in table.rows for cell in row.cells}
    assert {"✓ kept", "○ not kept", "· spared"} <= cells
    assert any("20.10" in each for one in share.imports for each in one.notes)


def test_it_is_in_the_demos_history_and_is_no_earlier_audit_of_its_builds() -> None:
    recording = shared_recording()
    with demo_fleet(speed=1000) as fleet:
        core = fleet.core()
        try:
            (entry,) = core.store.audits()
            assert entry.build not in {build_name(build) for build in BUILDS}
            document = core.store.audit(entry.audit)
            assert document is not None
            assert document.share == recording.document.share
            assert document.runs == recording.document.runs
            assert document.notes[0] == note(recording)
            with pytest.raises(UserError, match="History"):
                core.sharing(core.settings.builds[build_name(BUILDS[0])], (), ())
        finally:
            core.store.close()


def test_the_command_prints_its_table() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "cachetui", "demo", "share", "--table"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "real engines gave this" in done.stderr
    for text in ("registry-max", "✓ kept", "○ not kept", "a fresh", "exported by ctd-28.5"):
        assert text in done.stdout
