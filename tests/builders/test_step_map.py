"""How the steps of a build that was cut short ended."""

from __future__ import annotations

import pytest

from cachetui.builders.events import Started
from cachetui.builders.step_map import StepMap, Unended
from cachetui.dockerfile.parse import parse
from cachetui.records.backend import Backend


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
