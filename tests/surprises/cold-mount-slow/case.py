"""A step that waits when its mount is empty; the near miss is the same, seen twice only.

That a mount which is not used costs nothing is held by tests/findings/test_same_twice.py.
"""

from __future__ import annotations

from cachetui.findings import Finding
from tests.surprises.stage import Stage


def play(stage: Stage, part: str) -> None:
    stage.audit("buildkit-mounts-warm", repeat=3 if part == "surprise" else 2)


def check(finding: Finding, _host: str) -> None:
    assert finding.confidence == "likely"  # three samples: a range, no test
    assert finding.seconds is not None
    assert finding.seconds > 0.7
