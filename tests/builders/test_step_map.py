"""How the steps of a build that was cut short ended."""

from __future__ import annotations

import pytest

from cachetui.builders.events import Ended, Started
from cachetui.builders.step_map import StepMap, Unended
from cachetui.dockerfile.parse import parse
from cachetui.records.backend import Backend
from cachetui.records.step import StepId


@pytest.mark.parametrize("unended", ["stopped", "lost"])
@pytest.mark.parametrize("backend", ["legacy", "buildkit"])
def test_what_was_at_work_when_a_run_was_cut_is_stopped_or_lost(
    backend: Backend, unended: Unended
) -> None:
    steps = StepMap(parse("FROM base:1\nRUN a\nRUN b\n"), None, backend)
    name = "RUN a" if backend == "legacy" else "[2/3] RUN a"
    key = "2" if backend == "legacy" else "sha256:2"
    steps.apply(Started(key, name, 0.0))
    made = {step.line: step.status for step in steps.steps(final=True, unended=unended)}
    assert made[2] == unended
    assert made[3] == "not-reached"


FROM_CONTEXT = """\
FROM data AS one
COPY f /f
RUN same
RUN same
FROM base:1
COPY --from=one /f /f
"""
"""BuildKit counts a FROM that names a named context, and gives its number to the step below (lab:
26.1, 28.5)."""
NUMBERED = (
    "[internal] load metadata for docker.io/library/base:1",
    "[context data] load from client",
    "[stage-1 1/2] FROM docker.io/library/base:1",
    "[one 1/4] COPY f /f",
    "[one 2/4] RUN same",
    "[one 3/4] RUN same",
    "[stage-1 2/2] COPY --from=one /f /f",
)


@pytest.mark.parametrize("names", [NUMBERED, (*NUMBERED[:3], *NUMBERED[4:])])
@pytest.mark.parametrize("triggers", [{}, {"data": (), "base:1": ()}])
def test_a_stage_on_a_named_context_has_no_vertex_of_its_from(
    names: tuple[str, ...], triggers: dict[str, tuple[str, ...]]
) -> None:
    steps = StepMap(parse(FROM_CONTEXT), None, "buildkit", {}, triggers)
    for number, name in enumerate(names):
        steps.apply(Started(str(number), name, float(number)))
        seconds = 10.0 + number
        steps.apply(Ended(str(number), "done", 20.0, seconds, "engine"))
    made = {step.id: step for step in steps.steps(final=True)}
    assert all(step.trigger is None for step in made)
    assert [made[StepId(0, index)].seconds for index in (2, 3)] == [
        10.0 + names.index(f"[one {i}/4] RUN same") for i in (2, 3)
    ]
    assert made[StepId(1, 1)].status == "miss"


def test_an_image_of_a_named_context_that_cannot_be_had_is_a_failed_from() -> None:
    steps = StepMap(parse("FROM img\nRUN a\n"), None, "buildkit")
    steps.apply(Started("1", "[context img] load metadata for lib:9", 0.0))
    steps.apply(Ended("1", "failed", 1.0, 1.0, "engine", error="lib:9: not found"))
    made = [step.status for step in steps.steps(final=True, run_failed=True)]
    assert made == ["failed", "not-reached"]
