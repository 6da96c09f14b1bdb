"""Builds that did not end well, those that failed alike together, with the last lines of the log.

All text is cleaned for display.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cachetui.builders.host_troubles import host_trouble
from cachetui.compare.align import order
from cachetui.compare.groups import fold_short
from cachetui.records.document import Document
from cachetui.records.run import Run
from cachetui.records.step import Step, StepId
from cachetui.report.clean import clean, clean_line

LogTail = Callable[[str, StepId], list[str]]
"""The last lines of a step's log, raw, given the run's id and the step."""

TAIL_LINES = 10
"""Lines of a failed step's log that are shown with it."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Builds that failed alike: in one step, in `scenarios`, on `hosts` (names folded).

    `step` names the instruction with its `line`, empty when no step is to blame; `tail` are the
    last lines of its log in the first of the runs.
    """

    scenarios: tuple[str, ...]
    hosts: str
    step: str
    reason: str
    tail: tuple[str, ...]
    line: int | None = None


def failures(document: Document, log_tail: LogTail) -> tuple[Failure, ...]:
    """Failed, lost and cancelled runs, those that failed alike once."""
    alike: dict[tuple[str, str, StepId | None], list[Run]] = {}
    for run in document.runs:
        if run.status in ("failed", "lost", "cancelled"):
            step = _failed_step(run)
            alike.setdefault((run.status, run.scenario, step.id if step else None), []).append(run)
    merged: dict[tuple[str, StepId | None, str], list[Run]] = {}
    for (status, _, step_id), runs in alike.items():
        hosts = fold_short(run.host for run in runs)
        merged.setdefault((status, step_id, hosts), []).extend(runs)
    return tuple(_failure(runs, hosts, log_tail) for (*_, hosts), runs in merged.items())


def _failed_step(run: Run) -> Step | None:
    """The first step of the Dockerfile that failed."""
    failed = [step for step in run.steps if step.status == "failed"]
    return min(failed, key=lambda step: order(step.id), default=None)


def _failure(runs: list[Run], hosts: str, log_tail: LogTail) -> Failure:
    first, step = runs[0], _failed_step(runs[0])
    tail: list[str] = []
    if step is not None:
        text = "\n".join(clean(line) for line in log_tail(first.id, step.id))
        tail = [line.expandtabs(4).rstrip() for line in text.rstrip("\n").split("\n")]
    reason = (step.error if step is not None else None) or first.reason or "no reason is known"
    if host_trouble(reason) is not None:
        reason = first.reason or reason  # it has the remedy
    return Failure(
        scenarios=tuple(dict.fromkeys(clean_line(run.scenario) for run in runs)),
        hosts=clean_line(hosts),
        step=f"line {step.line}: {clean_line(step.instruction)}" if step is not None else "",
        reason=f"{first.status}: {clean_line(reason)}",
        tail=tuple(tail[-TAIL_LINES:]) if any(tail) else (),
        line=None if step is None else step.line,
    )
