"""Two stages side by side; in the near miss one needs the other."""

from __future__ import annotations

from tests.surprises.stage import Stage


def play(stage: Stage, _part: str) -> None:
    stage.audit("buildkit-cold")
