"""A stage that is only copied from, exported with mode=min; the near miss has one stage."""

from __future__ import annotations

from cachetui.findings import Finding
from tests.surprises.stage import Stage

EXPECTED = ("mid", "new")
NOT_THERE = {"old": "reuses no RUN of newer engines", "ctd": "exports"}


def play(stage: Stage, _part: str) -> None:
    stage.share("local-max", "registry-min", exporter="ctd", to=EXPECTED)


def check(finding: Finding, _host: str) -> None:
    assert finding.confidence == "proved"
    assert [(step.stage_index, step.index) for step in finding.steps] == [(0, 2)]
    assert "mode=max" in finding.advice
