"""Align the steps of runs by their place in the Dockerfile, and say where hosts disagree.

What *differ* means here, and for exit code 1:

- Like is compared with like: the hosts of one scenario (and one repeat of it). That the legacy
  builder misses where BuildKit hits is no disagreement of hosts.
- A step differs when two hosts give it different statuses. FROM and the ARGs before it are not
  compared (hit and miss mean nothing for them), nor is `not-reached`: it follows from a failure,
  which is compared. Neither is what was stopped or lost.
- A step that a backend has none of is absent, not different. Between runs of one backend that
  both ended well it is different: one base image brought an ONBUILD trigger, the other did not.
- A host that failed, or could not do, a scenario that another host did, differs: in the step that
  failed where that is known, else in how the run ended.
- An engine under several names is compared once: see `engines`.
- Runs that failed agree about nothing: a scenario that ended well nowhere was not compared, unless
  hosts differ in it.
- Runs that were cancelled or lost say nothing about the build and are not compared; the layers
  of the images are not part of it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from cachetui.compare.engines import each_engine_once
from cachetui.compare.shapes import Shape, Shapes
from cachetui.records.document import Document
from cachetui.records.run import Run
from cachetui.records.step import Step, StepId

ABSENT = "absent"
"""The status of a step that a run has none of, where its peers have one."""


_NOT_TOLD = ("not-reached", "stopped", "lost")


def is_majority(count: int, of: int) -> bool:
    """Whether so many are most of them, so that others are odd: more than half."""
    return count * 2 > of


@dataclass(frozen=True, slots=True)
class Row:
    """A step across runs: `cells` has one entry a run, None where the run has no such step."""

    id: StepId
    stage: str | None
    line: int
    instruction: str
    cells: tuple[Step | None, ...]
    differs: bool


@dataclass(frozen=True, slots=True)
class Side:
    """Hosts that behave alike: `status` is a step's, or a run's where a whole run is meant."""

    status: str
    hosts: tuple[str, ...]


@dataclass(frozen=True)
class Disagreement:
    """Hosts disagree in one scenario: in a step, or (`step` None) in how the run ended.

    `sides` is largest first. `majority` is the side of more than half of the hosts, if any, and
    `odd` names the hosts outside it, less those that alone hit: where hosts are split, or most
    missed what a few hit, none is the odd one out. `told_of` are those that it is
    told of: the odd ones, or all where none is odd.
    """

    scenario: str
    repeat: int
    step: StepId | None
    line: int | None
    instruction: str | None
    sides: tuple[Side, ...]

    @cached_property
    def hosts(self) -> tuple[str, ...]:
        """All of its hosts, those of the largest side first."""
        return tuple(host for side in self.sides for host in side.hosts)

    @property
    def majority(self) -> Side | None:
        largest = self.sides[0]
        return largest if is_majority(len(largest.hosts), len(self.hosts)) else None

    @property
    def odd(self) -> tuple[str, ...]:
        if self.majority is None:
            return ()
        alone = {*self.alone_hit}
        return tuple(host for side in self.sides[1:] for host in side.hosts if host not in alone)

    @property
    def alone_hit(self) -> tuple[str, ...]:
        """The few that hit where most missed: it is the misses that ask for a cause."""
        most = self.majority
        if most is None or most.status != "miss":
            return ()
        return tuple(host for side in self.sides if side.status == "hit" for host in side.hosts)

    @property
    def told_of(self) -> tuple[str, ...]:
        return self.odd or self.hosts

    @property
    def is_of_builders(self) -> bool:
        """Whether some hosts built and the others lack what it takes, a builder mostly: why is in
        their runs."""
        return self.step is None and {side.status for side in self.sides} == {"ok", "unsupported"}


@dataclass(frozen=True, slots=True)
class Agreement:
    """Whether hosts behave alike. `compared` names the scenarios that two hosts or more ran;
    `failed` those that failed on all that ran them, and are not compared."""

    disagreements: tuple[Disagreement, ...]
    compared: tuple[str, ...]
    failed: tuple[str, ...] = ()

    @property
    def agree(self) -> bool:
        """True also when there was nothing to compare: see `compared`."""
        return not self.disagreements


def order(step: StepId) -> tuple[int, int, int]:
    """A sort key: the order of the Dockerfile, ONBUILD triggers right after their FROM."""
    return (step.stage_index, step.index, -1 if step.trigger is None else step.trigger)


def compares(step: Step) -> bool:
    """Whether a step's status says anything that can differ; see the top of this module."""
    return step.stage_index >= 0 and step.keyword != "FROM" and step.status not in _NOT_TOLD


def by_scenario(run: Run) -> Hashable:
    """What makes two runs comparable when hosts are compared: scenario and repeat."""
    return (run.scenario, run.repeat)


def align(runs: Sequence[Run], alike: Callable[[Run], Hashable] | None = None) -> tuple[Row, ...]:
    """The steps of any number of runs as rows, in the order of the Dockerfile.

    A row differs when two runs that `alike` maps to the same value differ in it; without
    `alike` all runs are compared with each other, as when a user chose them to be.
    """
    known = Shapes()
    shapes = [known.of(run) for run in runs]
    steps = _steps(shapes)
    groups: dict[Hashable, dict[Shape, None]] = {}
    for run, shape in zip(runs, shapes, strict=True):
        groups.setdefault(alike(run) if alike else None, {})[shape] = None
    columns = [shape.cells(run, steps) for run, shape in zip(runs, shapes, strict=True)]
    rows: list[Row] = []
    for step_id, cells in zip(steps, zip(*columns, strict=True), strict=True):
        first = next(step for step in cells if step is not None)
        differs = any(
            len({status for _, status in _told(members, step_id)}) > 1
            for members in groups.values()
        )
        rows.append(Row(step_id, first.stage, first.line, first.instruction, cells, differs))
    return tuple(rows)


def _steps(shapes: Iterable[Shape]) -> tuple[StepId, ...]:
    """All of their steps, in the order of the Dockerfile."""
    return tuple(sorted({step for shape in dict.fromkeys(shapes) for step in shape.ids}, key=order))


def agree(document: Document) -> Agreement:
    """Whether the hosts of an audit behave alike, step by step; see the top of this module."""
    groups: dict[tuple[str, int], list[Run]] = {}
    for run in each_engine_once(document).runs:
        if run.status in ("ok", "failed", "unsupported"):
            groups.setdefault((run.scenario, run.repeat), []).append(run)
    found: list[Disagreement] = []
    compared: list[str] = []
    failed: list[str] = []
    for (scenario, repeat), runs in groups.items():
        if all(run.status == "unsupported" for run in runs):
            continue
        differences = _part(scenario, repeat, runs) if len(runs) > 1 else []
        if not differences and all(run.status != "ok" for run in runs):
            failed.append(scenario)
        elif len(runs) > 1:
            compared.append(scenario)
        found += differences
    once = dict.fromkeys(scenario for scenario in failed if scenario not in compared)
    return Agreement(tuple(found), tuple(dict.fromkeys(compared)), tuple(once))


def _part(scenario: str, repeat: int, runs: list[Run]) -> list[Disagreement]:
    """Where the runs of one scenario and repeat disagree."""
    found: list[Disagreement] = []
    known = Shapes()
    hosts: dict[Shape, list[tuple[int, str]]] = {}
    for place, run in enumerate(runs):
        if run.status != "unsupported":
            hosts.setdefault(known.of(run), []).append((place, run.host))
    seen: dict[tuple[tuple[Shape, str], ...], tuple[Side, ...]] = {}
    for step_id in _steps(hosts):
        told = _told(hosts, step_id)
        if len({status for _, status in told}) < 2:
            continue
        if told not in seen:
            seen[told] = _ranked(
                [
                    (host, status)
                    for (_, host), status in sorted(
                        (run, status) for shape, status in told for run in hosts[shape]
                    )
                ]
            )
        first = next(step for shape in hosts if (step := shape.step(step_id)) is not None)
        found.append(
            Disagreement(scenario, repeat, step_id, first.line, first.instruction, seen[told])
        )
    failures_told = any(side.status == "failed" for one in found for side in one.sides)
    left = [run for run in runs if run.status != "failed" or not failures_told]
    endings = _ranked([(run.host, run.status) for run in left])
    if len(endings) > 1:
        found.insert(0, Disagreement(scenario, repeat, None, None, None, endings))
    return found


def _told(shapes: Collection[Shape], step_id: StepId) -> tuple[tuple[Shape, str], ...]:
    """The status of one step in each of the shapes that has one which can be compared."""
    one_backend = len({shape.backend for shape in shapes}) == 1
    found: list[tuple[Shape, str]] = []
    for shape in shapes:
        step = shape.step(step_id)
        if step is None:
            if one_backend and shape.first.status == "ok":
                found.append((shape, ABSENT))
        elif compares(step):
            found.append((shape, step.status))
    return tuple(found)


def _ranked(pairs: Sequence[tuple[str, str]]) -> tuple[Side, ...]:
    """(host, status) pairs gathered by status, the most frequent first, else as they come."""
    hosts: dict[str, list[str]] = {}
    for host, status in pairs:
        hosts.setdefault(status, []).append(host)
    ranked = sorted(hosts, key=lambda status: -len(hosts[status]))
    return tuple(Side(status, tuple(hosts[status])) for status in ranked)
