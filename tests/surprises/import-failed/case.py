"""--cache-from names a registry in which nobody answers; in the near miss, an image with an inline
cache that is on the host, where a graph driver's engine reads it."""

from __future__ import annotations

from cachetui.findings import Finding
from tests.surprises.stage import Stage

NOBODY = "127.0.0.1:1/nothing:1"


def tag(stage: Stage) -> str:
    return f"own-{stage.salt}:1"


def play(stage: Stage, part: str) -> None:
    source, hosts = NOBODY, stage.hosts
    if part == "near":
        source, hosts = tag(stage), ("old", "mid", "new")  # ctd asks the image of its registry
        inline = ("--build-arg", "BUILDKIT_INLINE_CACHE=1")
        stage.typed(*inline, "-t", source, backend="buildkit", hosts=hosts)
    stage.settings["docker_args"] = ("--cache-from", source)
    stage.audit("buildkit-as-found", hosts=hosts)


def check(finding: Finding, _host: str) -> None:
    assert finding.confidence == "proved"
    assert NOBODY in finding.title
    assert "did not answer" in finding.title
    assert "connection refused" in finding.evidence[0].text


def undo(stage: Stage) -> None:
    stage.everywhere(lambda host: stage.lab[host].docker("rmi", tag(stage), check=False))
