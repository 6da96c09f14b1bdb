"""A heredoc; the near miss has its sign in quotes only."""

from __future__ import annotations

from tests.surprises.stage import Stage

EXPECTED = ("mid", "new", "ctd")
NOT_THERE = {"old": "refuses the file"}


def play(stage: Stage, _part: str) -> None:
    stage.audit("legacy-cold")
