"""A step that waits when its mount is empty; the near miss has a mount that it does not use."""

from __future__ import annotations

from cachetui.findings import Finding
from tests.surprises.stage import Stage


def play(stage: Stage, _part: str) -> None:
    stage.audit("buildkit-mounts-warm", repeat=3)


def check(finding: Finding, _host: str) -> None:
    assert finding.confidence == "likely"  # three samples: a range, no test
    assert finding.seconds is not None
    assert 0.7 < finding.seconds < 5
