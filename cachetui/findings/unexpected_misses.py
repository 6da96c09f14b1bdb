"""The misses that need an explanation."""

from __future__ import annotations

from dataclasses import dataclass, field

from cachetui.compare.shapes import Shape
from cachetui.findings.case import Case
from cachetui.findings.question import Question
from cachetui.records.run import Run
from cachetui.records.step import StepId


def unexpected_misses(case: Case) -> tuple[Question, ...]:
    """The first misses of all runs that the scenario does not make miss, in the audit's order.

    Cold runs miss on purpose. A step that failed was not in the cache either, but why it failed
    is another question.
    """
    alike = _alike(case)
    misses: list[Question] = []
    for run in case.runs:
        if run.kind.cold or run.kind.shares:
            continue
        for chain in case.chains[run.id]:
            before = case.before(run, chain.cause.id) if run.kind.as_found else None
            peers = alike[run.scenario, run.repeat].peers(run, chain.cause.id)
            misses.append(Question(case, chain, peers, before))
    return tuple(misses)


@dataclass(frozen=True)
class _Alike:
    """The runs of one scenario and repeat: of each shape the places in `case.runs`."""

    case: Case
    places: dict[Shape, list[int]] = field(default_factory=dict)
    _known: dict[tuple[Shape, ...], tuple[tuple[Run, ...], frozenset[str]]] = field(
        default_factory=dict
    )

    def peers(self, run: Run, step: StepId) -> tuple[Run, ...]:
        """Those on other hosts in which a step hit, in the audit's order: the same tuple for all
        runs of which that is so, since in a fleet each of many hosts has many of them."""
        hit = tuple(shape for shape in self.places if step in shape.hits)
        if hit not in self._known:
            places = sorted(place for shape in hit for place in self.places[shape])
            runs = tuple(self.case.runs[place] for place in places)
            self._known[hit] = runs, frozenset(other.host for other in runs)
        hits, hosts = self._known[hit]
        if run.host not in hosts:
            return hits
        return tuple(other for other in hits if other.host != run.host)


def _alike(case: Case) -> dict[tuple[str, int], _Alike]:
    """The runs by scenario and repeat."""
    found: dict[tuple[str, int], _Alike] = {}
    for place, run in enumerate(case.runs):
        group = found.setdefault((run.scenario, run.repeat), _Alike(case))
        group.places.setdefault(case.shape(run), []).append(place)
    return found
