"""A mode changes as by another umask; in the near miss times, and the mode of a file beside."""

from __future__ import annotations

import os

from cachetui.findings import Finding
from tests.surprises.stage import Stage


def play(stage: Stage, part: str) -> None:
    stage.audit("legacy-as-found", "buildkit-as-found")
    if part == "surprise":
        (stage.build / "src" / "code.txt").chmod(0o664)
    else:
        (stage.build / "beside.txt").chmod(0o664)
        os.utime(stage.build / "src" / "code.txt", (1, 1))
    stage.audit("legacy-as-found", "buildkit-as-found")


def check(finding: Finding, _host: str) -> None:
    assert finding.confidence == "proved"
    assert set(finding.backends) == {"legacy", "buildkit"}
    assert "umask 022" in finding.advice or "chmod" in finding.advice
