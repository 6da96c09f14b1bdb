"""FROM takes a folder of --build-context for a base image; the near miss copies it onto scratch."""

from __future__ import annotations

from cachetui.findings import Finding
from tests.surprises.stage import Stage

EXPECTED = ("mid", "new", "ctd")
NOT_THERE = {"old": "its client has no --build-context"}


def play(stage: Stage, _part: str) -> None:
    stage.settings["docker_args"] = ("--build-context", "data=data")
    for _ in range(2):
        stage.audit("buildkit-as-found")


def check(finding: Finding, _host: str) -> None:
    assert finding.confidence == "proved"
    assert finding.name == "named-folder-base:2"
    assert "COPY --from=data . /" in finding.advice
    assert finding.consequences == (), "what copies of it goes by content"
