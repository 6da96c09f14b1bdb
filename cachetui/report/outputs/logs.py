"""Whether the logs of a step differ, where what it made does."""

from __future__ import annotations

from cachetui.compare.logdiff import diff
from cachetui.records.run import Run
from cachetui.records.step import StepId
from cachetui.report.units import count
from cachetui.store.database import Store


def log_note(store: Store, a: Run, b: Run, step: StepId) -> str:
    """How the logs of a step differ between two runs, beyond noise, in a few words."""
    statuses = [s.status for run in (a, b) for s in run.steps if s.id == step]
    if len(statuses) < 2:
        return ""
    if "hit" in statuses:
        return "no logs to compare: the step was reused"
    first, second = store.log(a.id), store.log(b.id)
    if first is None or second is None:
        for log in (first, second):
            if log is not None:
                log.close()
        gone = store.log_gone(a.id) or store.log_gone(b.id)
        return f"whether the logs differ is not known: {gone}" if gone is not None else ""
    with first, second:
        difference = diff(
            (line.text for line in first.step(step)), (line.text for line in second.step(step))
        )
    if difference.same:
        ignored = difference.sentence()
        return f"the logs are the same{f' ({ignored})' if ignored else ''}"
    lines = f"{count(difference.removed, 'line')} there, {count(difference.added, 'line')} here"
    return f"the logs differ beyond noise: {lines}"
