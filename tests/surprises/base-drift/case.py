"""A base image that moves between two builds; the near miss has the same layer once more."""

from __future__ import annotations

from cachetui.findings import Finding
from tests.surprises.stage import Stage


def tag(stage: Stage) -> str:
    return f"drift-{stage.salt}:1"


def play(stage: Stage, part: str) -> None:
    stage.everywhere(lambda host: stage.lab[host].import_base(tag(stage), {"who": b"one"}))
    stage.audit("buildkit-as-found")
    later = b"two" if part == "surprise" else b"one"
    stage.everywhere(lambda host: stage.lab[host].import_base(tag(stage), {"who": later}))
    stage.audit("buildkit-as-found")


def check(finding: Finding, _host: str) -> None:
    assert finding.confidence == "proved"
    assert len(finding.consequences) == 2


def undo(stage: Stage) -> None:
    stage.everywhere(lambda host: stage.lab[host].docker("rmi", tag(stage), check=False))
