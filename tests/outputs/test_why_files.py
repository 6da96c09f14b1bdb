"""Findings about what steps made name the files that prove them."""

from __future__ import annotations

from pathlib import Path

import msgspec

from cachetui.audit.differing_files import with_files
from cachetui.findings.record import Finding, Findings, StepRef
from cachetui.outputs.digests import document_digests
from tests.outputs.audits import Fleet
from tests.outputs.tars import tar


def finding(rule: str, index: int = 2) -> Finding:
    return Finding(
        id=rule,
        name=rule,
        title="t",
        confidence="proved",
        hosts=("h1", "h2"),
        backends=("buildkit",),
        steps=(StepRef(0, index),),
        advice="a",
    )


def evidence(fleet: Fleet, one: Finding) -> list[str]:
    made = document_digests(fleet.document, fleet.store)
    found = with_files(Findings(findings=(one,)), fleet.document, fleet.store, made)
    return [told.text for told in found.findings[0].evidence]


def test_the_files_of_a_step_that_never_makes_the_same(tmp_path: Path) -> None:
    files = [(f"f{number}", b"same") for number in range(7)]
    made = {
        "h1": tar(("a", b"1"), *files),
        "h2": tar(("a", b"1"), *((name, b"other") for name, _ in files)),
    }
    fleet = Fleet(tmp_path, made)
    assert evidence(fleet, finding("nondeterministic-step")) == [
        "/f0, /f1, /f2, /f3, /f4 and 2 more differ between h1 buildkit-cold and h2 buildkit-cold"
    ]
    assert evidence(fleet, finding("nondeterministic-step", index=1)) == []
    assert evidence(fleet, finding("base-drift")) == []


def test_a_mount_and_a_heredoc_are_told_of_one_host(tmp_path: Path) -> None:
    fleet = Fleet(tmp_path, {"h1": tar(("a", b"1")), "h2": tar(("a", b"2"))})
    a, b = fleet.document.runs
    for rule, scenario in (
        ("mount-changes-result", "buildkit-mounts-warm"),
        ("ignored-syntax", "legacy-cold"),
    ):
        other = msgspec.structs.replace(b, host="h1", scenario=scenario)
        fleet.document = msgspec.structs.replace(fleet.document, runs=(a, other))
        assert evidence(fleet, finding(rule)) == [
            f"/a differs between h1 buildkit-cold and h1 {scenario}"
        ]
        far = msgspec.structs.replace(other, host="h2")
        fleet.document = msgspec.structs.replace(fleet.document, runs=(a, far))
        assert evidence(fleet, finding(rule)) == []
