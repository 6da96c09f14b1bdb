"""Which hits of a build came with the cache that it imports, and which from the host's own. Pure.

Two things tell. No record of the host's cache, listed before, can hold the step's result: then the
host did not have it. And a look at what the same build hits without the import, stopped at its
first RUN that misses (see `first_run`): what hits there is the host's own; the RUN at which it was
stopped, and what stands on that by the chain of a stage, is not. What both leave open, a record
that the build brought can tell: BuildKit names each layer that it takes from an import by its blob.
So can the image: what it has in place of the cache's layer is the host's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec.structs import replace

from cachetui.audit.cache_growth import may_be_of
from cachetui.audit.imported_records import blob_mark
from cachetui.dockerfile.instruction import Instruction
from cachetui.dockerfile.parse import Dockerfile
from cachetui.findings.step_graph import Parent, parents
from cachetui.hosts.cache_records import CacheRecord
from cachetui.outputs.attribute import chain
from cachetui.records.run import Run
from cachetui.records.step import Origin, Step, StepId

_RESULTS = ("regular", "internal", "")
"""The types of records that can hold what a step made."""

_BASES = ("pulled from ", "from local ")
"""What the record of a base image begins with (our lab: all four engines)."""


def may_hold(records: Iterable[CacheRecord], item: Instruction | None) -> bool:
    """Whether one of the records can be the result of the instruction; None is one whose text is
    not known."""
    results = (r for r in records if r.type in _RESULTS and not r.description.startswith(_BASES))
    if item is None:
        return any(True for _ in results)
    return any(may_be_of(record.description, [item]) for record in results)


def with_origins(
    run: Run, dockerfile: Dockerfile, records: Sequence[CacheRecord] | None, look: Run | None
) -> Run:
    """The run with the origin of each hit. `records` were there before, None where the engine did
    not list them; `look` is the same build without the import, None where it was not made."""
    graph = parents(run, dockerfile)
    looked = {step.id: step for step in look.steps} if look is not None else {}
    failed = bool(run.transfers) and all(
        one.error for one in run.transfers if one.direction == "import"
    )
    found: dict[StepId, Origin] = {}
    for step in run.steps:
        if step.status != "hit" or not step.counts:
            continue
        seen = looked.get(step.id)
        if seen is not None and seen.status == "hit":
            found[step.id] = "here"
        elif seen is not None and _made(seen):
            found[step.id] = "unknown"
        elif failed:
            found[step.id] = "here"
        elif records is not None and not may_hold(records, _instruction(dockerfile, step)):
            found[step.id] = "imported"
        else:
            found[step.id] = "imported" if _stands_on_stop(step.id, looked, graph) else "either"
    for step in reversed(run.steps):
        # A key has those of what it stands on in it: who has this one's result, knows them.
        if found.get(step.id) == "imported":
            for parent in graph.get(step.id, ()):
                if parent.how == "chain" and found.get(parent.step) == "unknown":
                    found[parent.step] = "imported"
    steps = (
        replace(step, origin=found[step.id]) if step.id in found else step for step in run.steps
    )
    return replace(run, steps=tuple(steps))


def with_brought(run: Run, before: Sequence[CacheRecord], after: Sequence[CacheRecord]) -> Run:
    """The run with those hits as imported that can be either, and whose layer in an imported cache
    is one that the build took from it: a record of `after` names it, and none of `before` does
    (our lab: 26.1 and 28.5 with both image stores)."""
    brought = {one.description for one in after} - {one.description for one in before}
    steps = (
        replace(step, origin="imported")
        if step.origin == "either"
        and any(blob_mark(layer) in brought for layer in run.imported_layers(step.id))
        else step
        for step in run.steps
    )
    return replace(run, steps=tuple(steps))


def with_own_layers(run: Run, dockerfile: Dockerfile, target: str | None) -> Run:
    """The run with those hits as the host's own that can be either, and whose layer is in the run's
    image, where no cache that is imported has the step with a layer of this image."""
    if run.image is None:
        return run
    there = set(run.image.layers)
    makers = {maker.id for maker in chain(dockerfile, target, run.steps)}
    known = {
        layer.digest: layer.diff_id
        for cache in run.imports
        for layer in cache.layers
        if layer.diff_id is not None
    }

    def is_own(step: Step) -> bool:
        blobs = run.imported_layers(step.id)
        contents = {known[blob] for blob in blobs if blob in known}
        told = step.id in makers and bool(blobs) and known.keys() >= set(blobs)
        return told and contents.isdisjoint(there)

    steps = (
        replace(step, origin="here") if step.origin == "either" and is_own(step) else step
        for step in run.steps
    )
    return replace(run, steps=tuple(steps))


def _made(step: Step) -> bool:
    """Whether the look ran the step to its end, so that its result is in the host's cache now."""
    return step.status == "miss" and step.seconds is not None


def _stands_on_stop(
    step: StepId, looked: Mapping[StepId, Step], graph: Mapping[StepId, tuple[Parent, ...]]
) -> bool:
    """Whether the look ran the step, or one that it stands on and that nothing else needs: BuildKit
    begins a step when what stands on it by its chain was not found. What stands on it in another
    branch may have been."""
    seen = looked.get(step)
    if seen is not None and seen.status == "miss":
        return True
    chain = next((parent.step for parent in graph.get(step, ()) if parent.how == "chain"), None)
    if chain is None:
        return False
    users = sum(any(one.step == chain for one in above) for above in graph.values())
    return users == 1 and _stands_on_stop(chain, looked, graph)


def _instruction(dockerfile: Dockerfile, step: Step) -> Instruction | None:
    if step.trigger is not None or step.stage_index >= len(dockerfile.stages):
        return None
    items = dockerfile.stages[step.stage_index].instructions
    return items[step.index] if step.index < len(items) else None
