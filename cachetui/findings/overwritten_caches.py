"""A reference of a shared cache that held a step's result in an earlier audit, and holds another
build's since."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from cachetui.builders.features import NEWER_RUN_KEYS
from cachetui.findings.earlier_run import EarlierRun
from cachetui.findings.question import Question
from cachetui.records.host import HostFacts
from cachetui.records.shared_cache import CachedStep, SharedCache
from cachetui.records.step import StepId
from cachetui.records.versions import version_key

_IMPORTED = ("imported", "either")
_SHARED = frozenset({"cache-from"})
"""An input that is never known: here it is what is looked at."""


@dataclass(frozen=True)
class Overwritten:
    """The step in the cache then and now; `sure` says that every input of the step, and of what it
    builds on, is known to be as it was."""

    now: SharedCache
    now_step: CachedStep
    then: SharedCache
    then_step: CachedStep
    earlier: EarlierRun
    sure: bool


def overwritten(question: Question) -> Overwritten | None:
    """How the reference that a run imported was overwritten since an earlier audit in which the
    same step, of the same inputs, hit with it on any host. None where nothing shows that."""
    run = question.run
    if not run.kind.imports or question.ancestor_step is not None:
        return None
    for now in run.imports:
        held = _held(now, question.step.id)
        if held is None or held.held == "unknown":
            continue
        for earlier, then in _earlier(question, now):
            step = earlier.step(question.step.id)
            before = _held(then, step.id) if step is not None else None
            if step is None or before is None or before.held != "kept":
                continue
            if step.status != "hit" or step.origin not in _IMPORTED:
                continue
            if held.held == "kept" and not _other_result(before, held):
                continue
            unchanged = _unchanged(question, earlier)
            if unchanged is not False and _same_keys(question, earlier):
                return Overwritten(now, held, then, before, earlier, unchanged is True)
    return None


def _held(cache: SharedCache, step: StepId) -> CachedStep | None:
    """What a cache has of a step; None where its steps were not told, or it is of an image with
    several platforms."""
    place = (step.stage_index, step.index)
    found = [one for one in cache.steps or () if (one.stage_index, one.index) == place]
    return found[0] if len(found) == 1 else None


def _earlier(question: Question, now: SharedCache) -> Iterator[tuple[EarlierRun, SharedCache]]:
    """Earlier runs of any host that imported the reference when it was another manifest, newest
    first."""
    case = question.case
    for number, document in enumerate(case.earlier):
        if document.audit == case.document.audit:
            continue
        for run in document.runs:
            if run.status != "ok" or run.scenario != question.run.scenario:
                continue
            for then in run.imports:
                if then.name == now.name and then.digest != now.digest:
                    earlier = case.earlier_run(number, run)
                    if earlier is not None:
                        yield earlier, then


def _other_result(then: CachedStep, now: CachedStep) -> bool:
    """Whether both have a result, and not the same one."""
    return bool(then.layers and now.layers) and not set(then.layers) & set(now.layers)


def _unchanged(question: Question, earlier: EarlierRun) -> bool | None:
    """Whether the inputs of the step, and of all that it builds on, are those of the earlier run;
    None where one is not known."""
    asked = replace(question, before=earlier)
    changes = [one.changes for one in (asked, *asked.builds_on) if one.instruction is not None]
    if any(one.inputs_unchanged is False for one in changes):
        return False
    unknown = any(one.now is None or one.then is None or one.unknown - _SHARED for one in changes)
    return None if unknown or any(one.doubtful for one in changes) else True


def _same_keys(question: Question, earlier: EarlierRun) -> bool:
    """Whether the two hosts' engines make the same keys, so that what one hit the other would
    have (our lab: a RUN with a cache mount has another key on 26.1 than on 28.5)."""
    now = question.case.facts(question.run.host)
    then = earlier.host.facts if earlier.host is not None else None
    if now is None or then is None or now.platform != then.platform:
        return False
    if any(item.cache_mounts for item in question.case.dockerfile.instructions):
        return now.engine == then.engine
    return _newer(now) == _newer(then)


def _newer(facts: HostFacts) -> bool:
    return version_key(facts.engine) >= NEWER_RUN_KEYS
