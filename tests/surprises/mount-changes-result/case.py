"""A step that writes how full its mount is; in the near miss it writes what no mount decides."""

from __future__ import annotations

from cachetui.findings import Finding
from tests.surprises.stage import Stage


def play(stage: Stage, _part: str) -> None:
    stage.audit("buildkit-mounts-warm", repeat=2)


def check(finding: Finding, _host: str) -> None:
    assert finding.confidence == "likely"
    assert [(step.stage_index, step.index) for step in finding.steps] == [(0, 1)]
    assert len(finding.consequences) == 1
