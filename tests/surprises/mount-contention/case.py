"""Two stages that lock one mount; the near miss shares it."""

from __future__ import annotations

from cachetui.findings import Finding
from tests.surprises.stage import Stage


def play(stage: Stage, _part: str) -> None:
    stage.audit("buildkit-cold")


def check(finding: Finding, _host: str) -> None:
    assert finding.seconds is not None
    assert finding.seconds > 0.7
