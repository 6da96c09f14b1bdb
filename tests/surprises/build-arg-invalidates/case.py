"""An argument above a RUN that does not use it; in the near miss it stands below."""

from __future__ import annotations

from cachetui.findings import Finding
from tests.surprises.stage import Stage


def play(stage: Stage, _part: str) -> None:
    stage.settings["build_args"] = {"NUMBER": f"1{stage.salt}"}
    stage.audit("legacy-as-found", "buildkit-as-found")
    stage.settings["build_args"] = {"NUMBER": f"2{stage.salt}"}
    stage.audit("legacy-as-found", "buildkit-as-found")


def check(finding: Finding, _host: str) -> None:
    assert finding.confidence == "proved"
    assert set(finding.backends) == {"legacy", "buildkit"}
    assert "ARG NUMBER" in finding.advice
