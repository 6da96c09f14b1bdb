"""BUILDX_BUILDER names a builder of the driver remote; in the near miss there is one, and nothing
uses it."""

from __future__ import annotations

from cachetui.findings import Finding
from tests.lab.remote_builder import end_builder, start_builder
from tests.surprises.stage import Stage

EXPECTED = ("new",)
NOT_THERE = dict.fromkeys(("old", "mid", "ctd"), "has not the variable")


def play(stage: Stage, part: str) -> None:
    start_builder(stage.lab["new"], "ci", stage.lab["ctd"])
    named = "ci" if part == "surprise" else "default"
    stage.host_settings["new"] = {"env": {"BUILDX_BUILDER": named}}
    stage.audit("buildkit-cold", hosts=("mid", "new", "ctd"))


def check(finding: Finding, _host: str) -> None:
    assert finding.confidence == "proved"
    assert "of the driver remote" in finding.title
    assert any("BUILDX_BUILDER" in one.text for one in finding.evidence)


def undo(stage: Stage) -> None:
    end_builder(stage.lab["new"], "ci")
