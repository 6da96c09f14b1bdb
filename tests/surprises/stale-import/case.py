"""A RUN that installs what is new at the time, and hits through an import; in the near miss it
installs one version."""

from __future__ import annotations

from cachetui.findings import Finding
from tests.surprises.stage import Stage

EXPECTED = ("mid", "new")
NOT_THERE = {"old": "its client reads no cache", "ctd": "exports"}


def play(stage: Stage, part: str) -> None:
    with stage.registry("ctd") as registry:
        cache = registry.ref(f"team:{part}")
        to = f"type=registry,ref={cache},mode=max"
        stage.typed("--cache-to", to, backend="buildkit", hosts=("ctd",))
        stage.settings["docker_args"] = ("--cache-from", f"type=registry,ref={cache}")
        stage.audit("buildkit-imported", hosts=EXPECTED, check_stale=True)


def check(finding: Finding, _host: str) -> None:
    assert finding.confidence == "proved"
    assert [(step.stage_index, step.index) for step in finding.steps] == [(0, 2)]
    assert "1 package differs, openssl 3.0." in finding.title
    assert "--no-cache" in finding.advice
