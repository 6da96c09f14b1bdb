"""What to make of an experiment with shared caches: the kind to use, and which steps run again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cachetui.compare.groups import fold
from cachetui.records.document import Document
from cachetui.records.host import HostReport
from cachetui.records.run import Run
from cachetui.records.scenario import UNSHARED
from cachetui.records.share import Share
from cachetui.records.step import Step
from cachetui.report import units


def verdict(document: Document, share: Share, kinds: Sequence[str]) -> list[str]:
    """The kind that keeps most and what it saves, then which RUN steps run again, a line each.

    `kinds` are those that were exported, in the order of the tables. A kind is best with which
    most hosts run no RUN again; where several are, the one that spares most seconds of RUN steps.
    Those that keep the same steps are named together. Hosts that did not get to the end are named
    after the headline.
    """
    stopped = [host.name for host in document.hosts if is_stopped(host)]
    if not share.imports or not kinds:
        return ["stopped before anything was imported" if stopped else "nothing was imported"]
    head, *rest = _verdict(document, share, kinds)
    if stopped:
        rest.insert(0, f"stopped before the end on {fold(stopped)}")
    return [head, *rest]


def is_stopped(host: HostReport) -> bool:
    """Whether it was stopped by who started it."""
    return host.status == "skipped" and (host.reason or "").startswith("stopped")


def _verdict(document: Document, share: Share, kinds: Sequence[str]) -> list[str]:
    outcomes = {kind: _outcome(document, share, kind) for kind in kinds}
    if not any(outcomes.values()):
        return ["nothing could be imported"]
    if not any(runs for outcome in outcomes.values() for runs in outcome.values()):
        return ["no RUN step that a cache could keep was seen"]
    kept = {kind: _kept(outcome) for kind, outcome in outcomes.items()}
    best = max(kinds, key=lambda kind: (len(_whole(outcomes[kind])), sum(kept[kind].values())))
    hosts = list(dict.fromkeys(one.host for one in share.imports))
    without = [
        host for host in hosts if not any(host == at for one in kept.values() for at, _ in one)
    ]
    rest = _run_again(outcomes, set(hosts) - set(without) or set(hosts))
    if without and len(without) < len(hosts):
        rest.insert(0, f"on {fold(without)} no kind keeps a RUN step: all of them run again")
    if not kept[best]:
        return ["no kind keeps a RUN step on any host", *rest]
    alike = [kind for kind in kinds if set(kept[kind]) == set(kept[best])]
    whole = _whole(outcomes[best])
    where = f"all RUN steps on {fold(whole)}" if whole else "most, and no kind keeps all RUN steps"
    verb = "it keeps" if len(alike) == 1 else "each keeps"
    return [f"use {' or '.join(alike)}: {verb} {where}", *_saved(share, best, kept[best]), *rest]


Outcome = dict[str, list[tuple[Step, bool]]]
"""Of a kind on each host that imported it: the RUN steps of the cold build, and whether each runs
again in spite of the import."""


def _outcome(document: Document, share: Share, kind: str) -> Outcome:
    cold = {run.host: run for run in cold_runs(document)}
    return {
        one.host: [
            (step, one.kept(step.id) == "not-kept")
            for step in cold[one.host].steps
            if step.keyword == "RUN" and step.trigger is None and one.kept(step.id) != "unknown"
        ]
        for one in share.imports
        if one.kind == kind and one.status == "ok" and one.host in cold
    }


def cold_runs(document: Document) -> list[Run]:
    """The builds with neither cache nor import that ended well, one a host."""
    return [run for run in document.runs if run.kind == UNSHARED and run.status == "ok"]


def _whole(outcome: Outcome) -> list[str]:
    """The hosts on which no RUN runs again."""
    return [host for host, runs in outcome.items() if runs and not any(again for _, again in runs)]


def _kept(outcome: Outcome) -> dict[tuple[str, int], float]:
    """The seconds, built cold, of each RUN that is not run again, by host and line."""
    return {
        (host, step.line): step.seconds or 0.0
        for host, runs in outcome.items()
        for step, again in runs
        if not again
    }


def _saved(share: Share, kind: str, kept: Iterable[tuple[str, int]]) -> list[str]:
    """ "on mid,new a fresh machine builds in 4.1s to 4.4s instead of 61.0s to 63.2s"."""
    hosts = list(dict.fromkeys(host for host, _ in kept))
    found = [(host, share.import_of(host, kind), share.cold.get(host)) for host in hosts]
    known = [
        (host, one.seconds, cold)
        for host, one, cold in found
        if one is not None and one.seconds is not None and cold is not None
    ]
    if not known:
        return []
    took, cold = (_range([each[place] for each in known]) for place in (1, 2))
    named = fold([host for host, _, _ in known])
    return [f"with {kind} a fresh machine builds in {took} instead of {cold}, on {named}"]


def _range(seconds: Sequence[float | str]) -> str:
    ordered = sorted(one for one in seconds if not isinstance(one, str))
    return " to ".join(dict.fromkeys(map(units.seconds, (ordered[0], ordered[-1]))))


def _run_again(outcomes: dict[str, Outcome], hosts: Iterable[str]) -> list[str]:
    """A line for each list of RUN steps that run again on some of the `hosts`, with the kinds that
    have it."""
    told: dict[tuple[tuple[str, ...], tuple[int, ...]], list[str]] = {}
    for kind, outcome in outcomes.items():
        by_places: dict[tuple[int, ...], list[str]] = {}
        for host, runs in outcome.items():
            if host in hosts:
                places = tuple(step.line for step, again in runs if again)
                by_places.setdefault(places, []).append(host)
        for places, at in by_places.items():
            told.setdefault((tuple(at), places), []).append(kind)
    return [
        f"{' and '.join(kinds)}, on {fold(at)}: {_told_again(outcomes, kinds, at, places)}"
        for (at, places), kinds in told.items()
    ]


def _told_again(
    outcomes: dict[str, Outcome], kinds: Sequence[str], hosts: Sequence[str], places: Sequence[int]
) -> str:
    """ "RUN in line 4 runs again (1.3s to 1.7s)": what the hosts have in common."""
    if not places:
        return "no RUN runs again"
    parts: list[str] = []
    for line in places:
        seconds = [
            step.seconds
            for host in hosts
            for step, _ in outcomes[kinds[0]][host]
            if step.line == line and step.seconds is not None
        ]
        parts.append(f"line {line}" + (f" ({_range(seconds)})" if seconds else ""))
    verb = "runs" if len(parts) == 1 else "run"
    return f"RUN in {', '.join(parts)} {verb} again"
