"""Which runs a finding opens: a baseline that does not have it, and the step to look at."""

from __future__ import annotations

from typing import Any

import pytest

from cachetui.findings.record import Evidence, Finding, StepRef, Unexplained
from cachetui.records.document import Document
from cachetui.records.run import Run
from cachetui.records.step import StepId, StepStatus
from cachetui.tui.view.runs_concerned import runs_concerned
from tests import make_records

FROM, COPY, COMPILE = (2, 0), (2, 4), (2, 5)
Changes = dict[tuple[int, int], StepStatus]
MISSES: Changes = {COPY: "miss", COMPILE: "miss"}


def audit(changed: dict[str, Changes], **more: Any) -> Document:
    """Four hosts cold and warm; these have other statuses warm."""
    return make_records.document(
        [
            make_records.run(
                host.name,
                scenario,
                change=changed.get(host.name) if scenario == "buildkit-warm" else None,
            )
            for host in make_records.four_hosts()
            for scenario in ("buildkit-cold", "buildkit-warm")
        ],
        **more,
    )


def finding(*hosts: str, steps: tuple[tuple[int, int], ...] = (COPY,), **more: Any) -> Finding:
    return Finding(
        id="x",
        name="x:1",
        title="t",
        confidence="likely",
        hosts=hosts,
        backends=("buildkit",),
        advice="a",
        steps=tuple(StepRef(*step) for step in steps),
        **more,
    )


def names(runs: tuple[Run, ...]) -> list[str]:
    return [f"{run.host} {run.scenario}" for run in runs]


@pytest.mark.parametrize("scenarios", [(), ("buildkit-cold", "buildkit-warm"), ("buildkit-warm",)])
def test_the_baseline_hit_where_the_others_missed(scenarios: tuple[str, ...]) -> None:
    found = runs_concerned(audit({"ctd": MISSES}), finding("ctd", scenarios=scenarios))
    assert names(found.runs) == ["old buildkit-warm", "ctd buildkit-warm"]
    assert found.step == StepId(*COPY)


def test_a_host_that_missed_too_is_no_baseline() -> None:
    document = audit({"old": MISSES, "mid": {COMPILE: "miss"}, "ctd": MISSES})
    found = runs_concerned(document, finding("ctd"))
    assert names(found.runs) == ["mid buildkit-warm", "ctd buildkit-warm"]


@pytest.mark.parametrize(
    "evidence",
    [
        Evidence(kind="facts", text="new has it", hosts=("new",)),
        Evidence(kind="run", text="it hit there", runs=("a1-new-buildkit-warm-1",)),
    ],
)
def test_what_the_evidence_names_is_the_baseline(evidence: Evidence) -> None:
    found = runs_concerned(audit({"ctd": MISSES}), finding("ctd", evidence=(evidence,)))
    assert names(found.runs)[0] == "new buildkit-warm"


def test_a_cause_that_cannot_hit_shows_below_it() -> None:
    document = audit({"mid": MISSES})
    told = finding("mid", steps=(FROM,), consequences=(StepRef(*COPY),))
    for reason in (told, finding("mid", steps=(FROM,))):
        found = runs_concerned(document, reason)
        assert names(found.runs) == ["old buildkit-warm", "mid buildkit-warm"]
        assert found.step == StepId(*COPY)


def test_only_those_of_its_hosts_that_missed_are_shown() -> None:
    found = runs_concerned(audit({"mid": MISSES}), finding("mid", "ctd"))
    assert names(found.runs) == ["old buildkit-warm", "mid buildkit-warm"]


def test_a_step_that_failed_is_beside_one_that_did_not() -> None:
    document = audit({"new": {COMPILE: "failed"}, **dict.fromkeys(("old", "mid", "ctd"), MISSES)})
    found = runs_concerned(document, finding("new", steps=(COMPILE,)))
    assert names(found.runs) == ["old buildkit-warm", "new buildkit-warm"]
    assert found.step == StepId(*COMPILE)


def test_without_a_run_that_differs_it_stands_alone() -> None:
    everywhere = audit(dict.fromkeys(("old", "mid", "new", "ctd"), MISSES))
    found = runs_concerned(everywhere, finding("mid", scenarios=("buildkit-warm",)))
    assert names(found.runs) == ["mid buildkit-warm"]
    assert found.step == StepId(*COPY)
    only_cold = finding("mid", scenarios=("buildkit-cold",))
    assert names(runs_concerned(audit({"mid": MISSES}), only_cold).runs) == ["mid buildkit-cold"]


def test_a_difference_of_another_stage_is_not_its_own() -> None:
    found = runs_concerned(audit({"mid": MISSES}), finding("mid", steps=((0, 0),)))
    assert names(found.runs) == ["mid buildkit-cold"]


def test_timings_are_beside_those_that_they_are_compared_with() -> None:
    timing = Evidence(kind="timing", text="6 s there, 1 s here", hosts=("mid", "new"))
    slow = finding("mid", scenarios=("buildkit-cold",), evidence=(timing,))
    found = runs_concerned(audit({}), slow)
    assert names(found.runs) == ["new buildkit-cold", "mid buildkit-cold"]


def test_what_no_run_shows_opens_nothing() -> None:
    reason = Unexplained(title="t", hosts=("mid",), backends=("legacy",), steps=(StepRef(*COPY),))
    assert runs_concerned(audit({}), reason).runs == ()


def test_a_host_of_the_finding_that_hit_there_is_the_baseline() -> None:
    """One finding tells of each host at another step: what is evicted, of the lines that missed."""
    document = audit({"old": MISSES, "mid": {COMPILE: "miss"}, "new": MISSES, "ctd": MISSES})
    reason = finding("old", "mid", "new", "ctd", steps=(COPY, COMPILE))
    found = runs_concerned(document, reason)
    assert names(found.runs) == [f"{host} buildkit-warm" for host in ("mid", "old", "new", "ctd")]
    assert found.step == StepId(*COPY)
