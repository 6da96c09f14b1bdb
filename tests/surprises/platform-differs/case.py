"""A host whose user builds for another platform; in the near miss the build says which."""

from __future__ import annotations

from tests.surprises.stage import Stage


def play(stage: Stage, part: str) -> None:
    for host in ("mid", "ctd"):
        stage.host_settings[host] = {"env": {"DOCKER_DEFAULT_PLATFORM": "linux/arm64"}}
    if part == "near":
        stage.settings["docker_args"] = ("--platform=linux/amd64",)
    stage.audit("buildkit-cold")
