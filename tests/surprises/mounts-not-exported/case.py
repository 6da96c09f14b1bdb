"""A RUN with a cache mount that an inline cache does not keep; the near miss is in the image."""

from __future__ import annotations

from cachetui.findings import Finding
from tests.surprises.stage import Stage

EXPECTED = ("new",)
NOT_THERE = {"old": "not asked", "mid": "not asked", "ctd": "exports"}


def play(stage: Stage, _part: str) -> None:
    stage.share("inline", exporter="ctd", to=EXPECTED)


def check(finding: Finding, _host: str) -> None:
    assert finding.confidence == "proved"
    assert "/cache" in finding.title
    assert finding.seconds is not None
    assert finding.seconds > 0.9
