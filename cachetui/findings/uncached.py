"""Misses that the build asked for: its own options look up nothing, or nothing of a stage."""

from __future__ import annotations

from dataclasses import replace

from cachetui.findings.build_options import (
    forbids_cache,
    option_text,
    uncached_stages,
)
from cachetui.findings.claim import Claim, answer
from cachetui.findings.question import Question
from cachetui.findings.record import Evidence
from cachetui.findings.step_seconds import seconds_of


def not_looked_up(question: Question) -> Claim | None:
    """The build's own options say that nothing is to be looked up, or nothing of the step's
    stage."""
    args = question.case.document.build.docker_args
    if not question.as_found:
        return None
    if not forbids_cache(args):
        return _in_a_stage(question)
    chains = question.case.chains[question.run.id]
    option = "--no-cache"
    if uncached_stages(args) == {""}:
        option = "--no-cache-filter without a stage"
    claim = answer(
        question,
        title=f"{option} is among the build's own options: no step is looked up in the cache",
        confidence="proved",
        steps=tuple(chain.cause.id for chain in chains),
        evidence=[Evidence(kind="dockerfile", text=f"docker_args of the build have {option}")],
        advice=f"Remove {option.split()[0]} from docker_args to use the cache",
        brief=f"{option} is among the build's options",
        paid="per-build",
    )
    every = [step for chain in chains for step in chain.steps]
    return replace(claim, seconds=seconds_of(every))


def _in_a_stage(question: Question) -> Claim | None:
    args = question.case.document.build.docker_args
    stage = question.case.dockerfile.stages[question.step.stage_index].name
    if question.run.backend != "buildkit" or stage is None or stage not in uncached_stages(args):
        return None
    return answer(
        question,
        title=f"--no-cache-filter is among the build's own options: no step of stage {stage} is "
        "looked up in the cache",
        confidence="proved",
        evidence=[
            Evidence(
                kind="dockerfile",
                text="docker_args of the build have " + option_text("--no-cache-filter", args),
            ),
        ],
        advice=f"Remove {stage} from --no-cache-filter in docker_args to use the cache",
        merge_key=("no-cache-filter", stage),
        brief="--no-cache-filter is among the build's options",
        paid="per-build",
    )
