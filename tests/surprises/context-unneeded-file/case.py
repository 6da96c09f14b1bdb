"""A log is written into what COPY . takes; in the near miss .dockerignore leaves it out."""

from __future__ import annotations

from cachetui.findings import Finding
from tests.surprises.stage import Stage


def play(stage: Stage, _part: str) -> None:
    stage.audit("legacy-as-found", "buildkit-as-found")
    stage.write("logs/test.log", "a test ran\n")
    stage.audit("legacy-as-found", "buildkit-as-found")


def check(finding: Finding, _host: str) -> None:
    assert finding.confidence == "proved"
    assert set(finding.backends) == {"legacy", "buildkit"}
    assert ".dockerignore" in finding.advice
    assert "**/*.log" in finding.advice
