"""An equal step behind a LABEL; the near miss has equal chains, which both builders reuse."""

from __future__ import annotations

from tests.surprises.stage import Stage


def play(stage: Stage, _part: str) -> None:
    stage.audit("legacy-cold", "buildkit-cold")
