"""A branch whose package differs exports to the reference of main; in the near miss it exports to
one of its own."""

from __future__ import annotations

import shutil

from cachetui.findings import Finding
from tests.surprises.stage import Stage

EXPECTED = ("new",)
NOT_THERE = {
    "old": "its client reads no cache",
    "mid": "imported before it was overwritten",
    "ctd": "exports",
}


def play(stage: Stage, part: str) -> None:
    with stage.registry("ctd") as registry:
        main = f"type=registry,ref={registry.ref(f'team:{part}')}"
        own = f"type=registry,ref={registry.ref(f'team:{part}-branch')}"
        stage.typed("--cache-to", f"{main},mode=max", backend="buildkit", hosts=("ctd",))
        stage.settings["docker_args"] = ("--cache-from", main)
        stage.audit("buildkit-imported", hosts=("mid",))
        branch = shutil.copytree(stage.build, stage.folder / "branch")
        (branch / "package").write_text(f"branch {stage.salt}")
        to = main if part == "surprise" else own
        stage.typed(
            "--cache-to", f"{to},mode=max", backend="buildkit", hosts=("ctd",), folder=branch
        )
        stage.audit("buildkit-imported", hosts=EXPECTED)


def check(finding: Finding, _host: str) -> None:
    assert finding.confidence == "likely"  # 26.1 hit, and 28.5 missed
    assert [(step.stage_index, step.index) for step in finding.steps] == [(0, 1)]
    assert "team:surprise was overwritten after" in finding.title
    assert "team:BRANCH" in finding.advice
