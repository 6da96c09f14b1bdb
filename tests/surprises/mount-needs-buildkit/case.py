"""RUN --mount; the near miss only has the words in its command."""

from __future__ import annotations

from tests.surprises.stage import Stage


def play(stage: Stage, _part: str) -> None:
    stage.audit("legacy-cold")
