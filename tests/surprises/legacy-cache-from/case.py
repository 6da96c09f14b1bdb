"""--cache-from names no image of the host; in the near miss one that the legacy builder made."""

from __future__ import annotations

from cachetui.findings import Finding
from tests.surprises.stage import Stage

NOT_THERE: dict[str, str] = {}


def tag(stage: Stage) -> str:
    return f"made-{stage.salt}:1"


def play(stage: Stage, part: str) -> None:
    if part == "near":
        stage.typed("-t", tag(stage), backend="legacy")
    stage.settings["docker_args"] = ("--cache-from", tag(stage))
    stage.audit("legacy-cold", "legacy-warm")


def check(finding: Finding, _host: str) -> None:
    assert finding.confidence == "likely"
    assert finding.name == "legacy-cache-from:2"
    assert len(finding.consequences) == 1
    assert "made-" in finding.title


def undo(stage: Stage) -> None:
    stage.everywhere(lambda host: stage.lab[host].docker("rmi", tag(stage), check=False))
