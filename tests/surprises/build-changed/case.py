"""An ENV above a RUN changes; in the near miss only a comment and the layout do."""

from __future__ import annotations

from tests.surprises.stage import Stage


def play(stage: Stage, part: str) -> None:
    stage.audit("legacy-as-found", "buildkit-as-found")
    if part == "surprise":
        stage.edit("Dockerfile", "COLOUR=red", "COLOUR=blue")
    else:
        stage.edit("Dockerfile", "RUN echo one && echo", "# a comment\nRUN echo one && \\\necho")
    stage.audit("legacy-as-found", "buildkit-as-found")
