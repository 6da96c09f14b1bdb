"""A stage that nothing uses; the near miss is used by a COPY --from."""

from __future__ import annotations

from tests.surprises.stage import Stage


def play(stage: Stage, _part: str) -> None:
    stage.audit("legacy-cold")
