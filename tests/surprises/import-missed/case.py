"""A cache exported with mode=min has no result of a stage that is only copied from; in the near
miss it is exported with mode=max."""

from __future__ import annotations

from cachetui.findings import Finding
from tests.lab.base import BASE
from tests.lab.registry import Registry
from tests.surprises.stage import Stage

EXPECTED = ("mid", "new")
NOT_THERE = {"old": "its client reads no cache", "ctd": "exports"}


def play(stage: Stage, part: str) -> None:
    exporter = stage.lab["ctd"]
    with Registry.of(exporter) as registry:
        ref = registry.push(exporter, BASE, "base:1")
        exporter.docker("rmi", ref)
        stage.edit("Dockerfile", "FROM base:1", f"FROM {ref}")
        cache = registry.ref(f"team:{part}")
        mode = "min" if part == "surprise" else "max"
        to = f"type=registry,ref={cache},mode={mode}"
        stage.typed("--cache-to", to, backend="buildkit", hosts=("ctd",))
        stage.settings |= {
            "docker_args": ("--cache-from", f"type=registry,ref={cache}"),
            "target": "deps",
        }
        stage.audit("buildkit-imported", hosts=EXPECTED)


def check(finding: Finding, _host: str) -> None:
    assert finding.confidence == "likely"
    assert [(step.stage_index, step.index) for step in finding.steps] == [(0, 1)]
    assert "mode=min" in finding.title
    assert "mode=max" in finding.advice
