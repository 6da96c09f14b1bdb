"""Which findings tell why a run does not do as the other hosts': what CI is told of it."""

from __future__ import annotations

from collections.abc import Sequence

from cachetui.compare.align import Agreement, Disagreement
from cachetui.findings import Finding, Findings
from cachetui.findings.record import StepRef, Unexplained, is_about
from cachetui.records.document import Document
from cachetui.records.run import Run

Cause = Finding | Unexplained


def places_of(run: Run, agreement: Agreement) -> list[Disagreement]:
    """Where the run is one of those that do not as most; where hosts are split, all are."""
    return [
        place
        for place in agreement.disagreements
        if (run.scenario, run.repeat) == (place.scenario, place.repeat)
        and run.host in place.told_of
    ]


def causes_of(run: Run, findings: Findings, places: Sequence[Disagreement]) -> Sequence[Cause]:
    """What is found about the steps of the run at which hosts differ and which did not hit; without
    any, what is unexplained of them."""
    hits = {step.id for step in run.steps if step.status == "hit"}
    steps: set[StepRef] | None = {
        StepRef.of(place.step) for place in places if place.step and place.step not in hits
    }
    if any(place.step is None for place in places):
        steps = None  # they differ in how the run ended

    def about(reason: Cause) -> bool:
        return is_about(reason, run.host, run.scenario, steps)

    return [*filter(about, findings.findings)] or [*filter(about, findings.unexplained)]


def causes_of_differences(
    document: Document, findings: Findings, agreement: Agreement
) -> list[Cause]:
    """Why hosts differ, the most costly first, and then what no rule explains. Where no two hosts
    were compared: why the one host missed, as far as that is proved or likely."""
    every: list[Cause] = [*findings.findings, *findings.unexplained]
    if not agreement.compared and not agreement.disagreements:
        return [
            cause
            for cause in every
            if not isinstance(cause, Finding) or cause.confidence != "possible"
        ]
    told = [
        cause
        for run in document.runs
        if (places := places_of(run, agreement))
        for cause in causes_of(run, findings, places)
    ]
    return [cause for cause in every if cause in told]
