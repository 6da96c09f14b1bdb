"""A graph driver's host is to export a registry cache; the near miss asks it for inline alone."""

from __future__ import annotations

from cachetui.findings import Finding
from tests.surprises.stage import Stage

EXPECTED = ("new",)
NOT_THERE = {"old": "does not export", "mid": "imports", "ctd": "has the containerd store"}


def play(stage: Stage, part: str) -> None:
    kinds = ("registry-max", "inline") if part == "surprise" else ("inline",)
    stage.share(*kinds, exporter="new", to=("mid",))


def check(finding: Finding, _host: str) -> None:
    assert finding.confidence == "proved"
    assert "containerd-snapshotter" in finding.advice
