"""What is worse in an audit than in an earlier one: steps that hit then and miss now, and steps
that take longer than chance explains. Pure.

Each host and scenario is compared with itself. A step is the earlier one's where its instruction is
the same; one that was edited, or is new, is compared with nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from cachetui.compare.align import order
from cachetui.compare.timings import Difference, difference, is_loaded, samples
from cachetui.findings.case import dockerfile_of
from cachetui.findings.dockerfile_edits import Version, edits
from cachetui.records.document import Document
from cachetui.records.run import Run
from cachetui.records.step import Step, StepId

LEAST_SECONDS = 0.1
"""What a step has to take longer: builders print tenths, and network and disk wait as long."""

_Place = tuple[str, str]
"""A host and a scenario."""


@dataclass(frozen=True, slots=True)
class Worse:
    """A step of one host in one scenario. `missed` of `runs` missed or failed, where all had hit;
    or, with `slower`, it took longer, in runs of which all missed, or all hit, both times."""

    host: str
    scenario: str
    step: Step
    missed: int = 0
    runs: int = 0
    slower: Difference | None = None


@dataclass(frozen=True, slots=True)
class Worsening:
    """`steps` in the order of hosts, scenarios and Dockerfile. `compared` counts the steps that
    were looked at, `places` the hosts in a scenario; of `missing` ones the earlier audit has runs
    that ended well, and this one none. `edited` counts the instructions that are not those of then.
    `few_samples` says that seconds could not be compared for want of repeats."""

    steps: tuple[Worse, ...]
    compared: int
    places: int
    missing: tuple[_Place, ...]
    edited: int
    few_samples: bool


def worse_than(document: Document, before: Document) -> Worsening:
    """What is worse in an audit than in the one before."""
    then, now = _ended_well(before.runs), _ended(document.runs)
    same, edited = _counterparts(document, before)
    loaded = _loaded(document) | _loaded(before)
    found: list[Worse] = []
    compared = 0
    grades: set[str] = set()
    common = [place for place in now if place in then]
    for place in common:
        for step_id in sorted({step.id for run in now[place] for step in run.steps}, key=order):
            old_id = _place_then(step_id, same)
            if old_id is None:
                continue
            old, new = _steps(then[place], old_id), _steps(now[place], step_id)
            if not old or not new:
                continue
            compared += 1
            worse = _missed(place, old, new)
            if worse is None and place[0] not in loaded:
                took = difference(
                    samples(now[place], step_id), samples(then[place], old_id), before.audit
                )
                if took is not None and _alike(old, new):
                    grades.add(took.grade)
                    worse = _slower(place, new, took)
            if worse is not None:
                found.append(worse)
    return Worsening(
        steps=tuple(found),
        compared=compared,
        places=len(common),
        missing=tuple(place for place in then if place not in now),
        edited=edited,
        few_samples=bool(grades) and "tested" not in grades,
    )


def _ended_well(runs: Iterable[Run]) -> dict[_Place, list[Run]]:
    return _by_place(run for run in runs if run.status == "ok")


def _ended(runs: Iterable[Run]) -> dict[_Place, list[Run]]:
    """Those that went their way: to the end, or to a step that failed."""
    return _by_place(run for run in runs if run.status in ("ok", "failed"))


def _by_place(runs: Iterable[Run]) -> dict[_Place, list[Run]]:
    places: dict[_Place, list[Run]] = {}
    for run in runs:
        places.setdefault((run.host, run.scenario), []).append(run)
    return places


def _counterparts(
    document: Document, before: Document
) -> tuple[Mapping[tuple[int, int], tuple[int, int]] | None, int]:
    """(place now → place then of each instruction that is the same, None where the Dockerfile is
    the same; how many are not)."""
    old, new = dockerfile_of(before.build), dockerfile_of(document.build)
    if old is None or new is None or old.text == new.text:
        return None, 0
    pairs: dict[tuple[int, int], tuple[int, int]] = {}
    edited = 0
    for edit in edits(Version(old), Version(new)):
        if edit.kind == "same" and edit.before is not None and edit.now is not None:
            was = (edit.before.stage_index, edit.before.index)
            pairs[edit.now.stage_index, edit.now.index] = was
        else:
            edited += 1
    return pairs, edited


def _place_then(
    step: StepId, same: Mapping[tuple[int, int], tuple[int, int]] | None
) -> StepId | None:
    if same is None or step.stage_index < 0:
        return step
    was = same.get((step.stage_index, step.index))
    return None if was is None else StepId(*was, step.trigger)


def _steps(runs: Iterable[Run], place: StepId) -> list[Step]:
    """The step in each of the runs, where it was hit, built or failed."""
    return [step for run in runs for step in run.steps if step.id == place and step.counts]


def _missed(place: _Place, old: Sequence[Step], new: Sequence[Step]) -> Worse | None:
    bad = [step for step in new if step.status != "hit"]
    if not bad or any(step.status != "hit" for step in old):
        return None
    return Worse(*place, bad[0], missed=len(bad), runs=len(new))


def _alike(old: Sequence[Step], new: Sequence[Step]) -> bool:
    """Whether the step did the same each time, so that its seconds are of one thing."""
    return len({step.status for step in (*old, *new)}) == 1


def _slower(place: _Place, new: Sequence[Step], took: Difference) -> Worse | None:
    sure = took.finding == "slower" and took.low is not None and took.low > 1
    if not sure or took.seconds < LEAST_SECONDS:
        return None
    return Worse(*place, new[0], runs=len(new), slower=took)


def _loaded(document: Document) -> set[str]:
    facts = {host.name: host.facts for host in document.hosts}
    return {run.host for run in document.runs if is_loaded(run, facts)}
