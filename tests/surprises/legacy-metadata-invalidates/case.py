"""A LABEL with another date: at the top it costs, at the bottom it does not."""

from __future__ import annotations

from cachetui.findings import Finding
from tests.surprises.stage import Stage


def play(stage: Stage, _part: str) -> None:
    stage.typed(backend="legacy")
    stage.edit("Dockerfile", "2026-11-24", "2026-11-25")
    stage.audit("legacy-as-found")


def check(finding: Finding, _host: str) -> None:
    assert finding.confidence == "proved"
    assert "line 2" in finding.advice
    assert len(finding.consequences) == 2
    assert any("2026-11-24" in one.text for one in finding.evidence)
