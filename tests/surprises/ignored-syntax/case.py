"""A heredoc and a flag; the near miss has the heredoc's sign in quotes only, and the flag off."""

from __future__ import annotations

from cachetui.findings import Finding
from tests.surprises.stage import Stage

EXPECTED = ("mid", "new", "ctd")
NOT_THERE = {"old": "refuses the file"}


def play(stage: Stage, _part: str) -> None:
    stage.audit("legacy-cold")


def check(finding: Finding, _host: str) -> None:
    assert "ignored a heredoc and --link" in finding.title
    assert len(finding.steps) == 2
