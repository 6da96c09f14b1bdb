"""An image that was built elsewhere and loaded; in the near miss the Dockerfile changed since."""

from __future__ import annotations

from cachetui.findings import Finding
from tests.surprises.stage import Stage


def tag(stage: Stage) -> str:
    return f"pulled-{stage.salt}:1"


def play(stage: Stage, part: str) -> None:
    stage.typed("-t", tag(stage), backend="legacy", hosts=("old",))
    elsewhere = stage.lab["old"]
    archive = elsewhere.docker("save", tag(stage)).stdout
    elsewhere.docker("rmi", tag(stage))
    stage.everywhere(lambda host: stage.lab[host].docker("load", "--quiet", input=archive))
    if part == "near":
        stage.edit("Dockerfile", "echo one", "echo two")
    stage.audit("legacy-as-found")


def check(finding: Finding, _host: str) -> None:
    assert finding.confidence == "likely"
    assert finding.name == "no-parent-chain:2"
    assert len(finding.consequences) == 2
    assert "pulled-" in finding.title
    if finding.hosts == ("ctd",):
        assert "BuildKit" in finding.advice


def undo(stage: Stage) -> None:
    stage.everywhere(lambda host: stage.lab[host].docker("rmi", tag(stage), check=False))
