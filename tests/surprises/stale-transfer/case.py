"""The checkouts of two services lie in folders of one name, and a file of them has one size and
one time; in the near miss the folders have names of their own."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from cachetui.findings import Finding
from tests.surprises.stage import Stage

EXPECTED = ("mid", "new", "ctd")
NOT_THERE = {"old": "20.10 goes by the path as it was typed"}

TIME = 1_760_000_000


def tag(stage: Stage) -> str:
    return f"own-{stage.salt}:1"


def checkout(stage: Stage, service: str, name: str) -> Path:
    """What a clone of the service is: its file has the size and time of the other's."""
    folder = stage.folder / service / name
    shutil.copytree(stage.build, folder)
    (folder / "app.conf").write_text(f"name={service}\n")
    for path in folder.iterdir():
        os.utime(path, (TIME, TIME))
    return folder


def play(stage: Stage, part: str) -> None:
    for service in ("alpha", "omega"):
        name = "context" if part == "surprise" else f"context-{service}"
        folder = checkout(stage, service, name)
        stage.typed("-t", tag(stage), backend="buildkit", folder=folder)
    for host in stage.hosts:
        settings = {"context_on_host": str(folder), "image_on_host": tag(stage)}
        stage.host_settings[host] = settings
    stage.audit("buildkit-as-found")


def check(finding: Finding, _host: str) -> None:
    assert finding.confidence == "likely"
    assert "/app.conf" in finding.title
    assert "touch" in finding.advice


def undo(stage: Stage) -> None:
    stage.everywhere(lambda host: stage.lab[host].docker("rmi", tag(stage), check=False))
