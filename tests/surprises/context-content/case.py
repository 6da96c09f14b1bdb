"""A file of what is copied changes; in the near miss one beside it does."""

from __future__ import annotations

from cachetui.findings import Finding
from tests.surprises.stage import Stage


def play(stage: Stage, part: str) -> None:
    stage.audit("legacy-as-found", "buildkit-as-found")
    stage.write("src/code.txt" if part == "surprise" else "beside.txt", "other\n")
    stage.audit("legacy-as-found", "buildkit-as-found")


def check(finding: Finding, _host: str) -> None:
    assert finding.confidence == "proved"
    assert set(finding.backends) == {"legacy", "buildkit"}
