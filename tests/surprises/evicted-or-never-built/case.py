"""What the cache had is removed; in the near miss the command changes as well."""

from __future__ import annotations

import json

from tests.surprises.stage import Stage


def play(stage: Stage, part: str) -> None:
    stage.audit("buildkit-as-found")
    stage.everywhere(lambda host: forget(stage, host))
    if part == "near":
        stage.edit("Dockerfile", "echo one", "echo two")
    stage.audit("buildkit-as-found")


def forget(stage: Stage, host: str) -> None:
    """Remove what the engine's cache has of this build, and nothing else."""
    engine = stage.lab[host]
    told = b""
    for _ in range(5):
        # Right after a build the containerd store can name a snapshot that is gone already.
        asked = engine.docker("system", "df", "-v", "--format", "{{json .BuildCache}}", check=False)
        if asked.returncode == 0:
            told = asked.stdout
            break
    ours = [row["ID"] for row in json.loads(told) if stage.salt in row["Description"]]
    assert ours
    for record in ours:
        engine.docker("builder", "prune", "-af", "--filter", f"id={record}")
