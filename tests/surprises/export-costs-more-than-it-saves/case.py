"""A stage that is quick and makes much, of which the last one needs little: mode=max compresses all
of it. In the near miss the stage takes its time and makes little."""

from __future__ import annotations

from cachetui.findings import Finding
from tests.surprises.stage import Stage

EXPECTED = ("mid", "new")
NOT_THERE = {"old": "reuses no RUN of newer engines", "ctd": "exports"}


def play(stage: Stage, _part: str) -> None:
    stage.share("registry-max", exporter="ctd", to=EXPECTED)


def check(finding: Finding, _host: str) -> None:
    assert finding.confidence == "likely"
    assert "exporting registry-max took" in finding.title
    assert "--cache-to" in finding.advice
    assert finding.seconds is not None
    assert finding.seconds > 1
