"""Whether what came with an imported cache is what the build makes today.

The same build was made on the host without the import too, with nothing of any cache, and what
both images hold was read. They are compared step by step.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import msgspec

from cachetui.hosts.machine import Cancel, HostError
from cachetui.outputs.changed_packages import StepChanges, changed_by_step
from cachetui.outputs.compare_runs import output_of
from cachetui.outputs.contents import ImageContents
from cachetui.outputs.layers import LayerError, lines_of
from cachetui.outputs.opening import Opener
from cachetui.outputs.run_contents import contents_or_reason
from cachetui.records.document import Document
from cachetui.records.run import Run
from cachetui.records.scenario import BUILDKIT_COLD
from cachetui.records.stale import StaleCheck, StaleStep
from cachetui.records.step import Step, StepId
from cachetui.store.database import Store

CAME = ("imported", "either", "unknown")
"""Origins of hits that may have come with the import."""

NO_IMAGE = "its image was not read"


def checked(document: Document, store: Store, opener: Opener, cancel: Cancel) -> Document:
    """The audit with a comparison for each host that imported. Raises nothing of hosts: a
    comparison that cannot be made has the reason."""
    checks = tuple(_check(document, run, store, opener, cancel) for run in _imported(document))
    return msgspec.structs.replace(document, stale=checks)


def _imported(document: Document) -> Iterator[Run]:
    return (run for run in document.runs if run.kind.imports)


def _check(
    document: Document, run: Run, store: Store, opener: Opener, cancel: Cancel
) -> StaleCheck:
    came = {step.id: step for step in run.steps if step.origin in CAME}
    dates = {step: made for step in came if (made := run.imported_at(step)) is not None}
    check = StaleCheck(
        host=run.host,
        imported=run.id,
        hits=len(came),
        unsure=sum(step.origin != "imported" for step in came.values()),
        oldest=min(dates.values(), default=None),
    )
    if run.status != "ok":
        return msgspec.structs.replace(check, reason=run.reason or run.status)
    if not came:
        return check
    anew = _anew(document, run)
    if anew is None or anew.status != "ok":
        why = anew.reason or anew.status if anew is not None else "it was not made"
        return msgspec.structs.replace(check, reason=f"the build without the import: {why}")
    check = msgspec.structs.replace(check, anew=anew.id)
    try:
        changes = _changes(document, run, anew, store, opener, cancel)
    except (HostError, LayerError) as error:
        return msgspec.structs.replace(check, reason=str(error))
    if isinstance(changes, str):
        return msgspec.structs.replace(check, reason=changes)
    steps = tuple(
        _stale(came[step], found, dates.get(step))
        for step, found in changes.items()
        if step in came
    )
    return msgspec.structs.replace(check, steps=steps)


def _anew(document: Document, run: Run) -> Run | None:
    """The run of the same host that nothing of a cache was in."""
    return next(
        (one for one in document.runs if one.host == run.host and one.kind == BUILDKIT_COLD), None
    )


def _changes(
    document: Document, run: Run, anew: Run, store: Store, opener: Opener, cancel: Cancel
) -> dict[StepId, StepChanges] | str:
    """What differs, or why that is not known."""
    outputs = []
    for one in (run, anew):
        contents = contents_or_reason(store, one.id)
        if not isinstance(contents, ImageContents):
            return f"{one.scenario}: {contents or NO_IMAGE}"
        outputs.append(output_of(one.scenario, contents, one, document))
    return changed_by_step(
        outputs[0],
        outputs[1],
        partial(lines_of, store),
        lambda path, entry: opener.content(path, entry, run, cancel),
        lambda path, entry: opener.content(path, entry, anew, cancel),
    )


def _stale(step: Step, found: StepChanges, made: float | None) -> StaleStep:
    return StaleStep(
        stage_index=step.stage_index,
        index=step.index,
        line=step.line,
        instruction=step.instruction,
        packages=found.packages,
        files=found.files,
        paths=tuple(found.paths),
        unread=tuple(found.unread),
        made=made,
        unsure=step.origin != "imported",
    )
