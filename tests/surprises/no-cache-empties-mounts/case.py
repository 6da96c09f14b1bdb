"""--no-cache with a cache mount; the near miss has no mount."""

from __future__ import annotations

from tests.surprises.stage import Stage


def play(stage: Stage, _part: str) -> None:
    stage.settings["docker_args"] = ("--no-cache",)
    stage.audit("buildkit-as-found")
