"""Two steps with a mount of one target; the near miss gives one an id of its own."""

from __future__ import annotations

from tests.surprises.stage import Stage


def play(stage: Stage, _part: str) -> None:
    stage.audit("buildkit-cold")
