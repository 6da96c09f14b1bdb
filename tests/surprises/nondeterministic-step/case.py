"""A RUN that writes the time; in the near miss it writes the same each time."""

from __future__ import annotations

from tests.surprises.stage import Stage


def play(stage: Stage, _part: str) -> None:
    stage.audit("buildkit-mounts-warm")
