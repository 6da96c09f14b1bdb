"""Fold hosts that behave alike, so that the odd ones stand out of a fleet of hundreds."""

from __future__ import annotations

import re
from collections.abc import Container, Hashable, Iterable
from dataclasses import dataclass
from functools import lru_cache

from cachetui.compare.align import compares, is_majority
from cachetui.compare.engines import other_names
from cachetui.records.document import Document
from cachetui.records.run import Run
from cachetui.records.step import StepId

_NUMBERS = re.compile(r"([0-9]{1,18})")


@dataclass(frozen=True, slots=True)
class Group:
    """Hosts of one outcome, in the order they came. `name` is the names folded: "ci-[1-12]".

    `odd` says that more than half of the hosts are in another group.
    """

    hosts: tuple[str, ...]
    name: str
    odd: bool


def groups(document: Document) -> tuple[Group, ...]:
    """The hosts of an audit that behave alike in every scenario, odd ones first.

    Alike means: the host's status, and for each scenario and repeat how the run ended and the
    status of each step. Of a run that failed only the steps that failed are taken: what ran
    beside them when BuildKit stopped is chance.
    """
    runs: dict[str, list[Run]] = {host.name: [] for host in document.hosts}
    for run in document.runs:
        runs.setdefault(run.host, []).append(run)
    statuses = {host.name: host.status for host in document.hosts}
    return gather(
        (
            (host, (statuses.get(host), frozenset(outcome(run) for run in own)))
            for host, own in runs.items()
        ),
        other_names(document),
    )


def outcome(run: Run) -> Hashable:
    """What a run must share with another's to be alike."""
    steps: tuple[tuple[StepId, str], ...] = ()
    if run.status == "ok":
        steps = tuple((step.id, step.status) for step in run.steps if compares(step))
    elif run.status == "failed":
        steps = tuple((step.id, step.status) for step in run.steps if step.status == "failed")
    return (run.scenario, run.repeat, run.status, steps)


def gather(
    outcomes: Iterable[tuple[str, Hashable]], uncounted: Container[str] = ()
) -> tuple[Group, ...]:
    """Hosts with equal outcomes as groups: the smallest, that is the oddest, first. Hosts that are
    `uncounted` make no group larger or odd."""
    found: dict[Hashable, list[str]] = {}
    for host, key in outcomes:
        found.setdefault(key, []).append(host)
    sizes = {key: sum(host not in uncounted for host in hosts) for key, hosts in found.items()}
    largest = max(sizes.values(), default=0)
    majority = is_majority(largest, sum(sizes.values()))
    return tuple(
        Group(tuple(hosts), fold(hosts), odd=majority and 0 < sizes[key] < largest)
        for key, hosts in sorted(found.items(), key=lambda item: len(item[1]))
    )


def fold(names: Iterable[str]) -> str:
    """Names in short: "ci-[1-3,7],web". Zero padding is kept: "n[01-03]".

    Names that differ in one number fold, in the last one where they could fold in several:
    "r1-n1 r1-n2 r2-n1" is "r1-n[1-2],r2-n1".
    """
    unique = list(dict.fromkeys(names))
    parts = {name: _NUMBERS.split(name) for name in unique}
    texts: dict[str, str | None] = dict.fromkeys(unique)
    alone = unique
    for back in range(max((len(split) // 2 for split in parts.values()), default=0)):
        series: dict[tuple[str, str], list[str]] = {}
        for name in alone:
            place = len(parts[name]) - 2 - 2 * back
            if place > 0:
                split = parts[name]
                ends = ("".join(split[:place]), "".join(split[place + 1 :]))
                series.setdefault(ends, []).append(name)
        for (before, after), members in series.items():
            if len(members) > 1:
                numbers = [name[len(before) : len(name) - len(after)] for name in members]
                texts[members[0]] = f"{before}[{_ranges(numbers)}]{after}"
                for name in members[1:]:
                    del texts[name]
        alone = [name for name in alone if name in texts and texts[name] is None]
    return ",".join(text or name for name, text in texts.items())


LONGEST = 60
"""Characters that a list of names takes within a sentence."""


def fold_short(names: Iterable[str]) -> str:
    """The same where it is short; else its beginning and how many there are: "ci-[1,11,13,…] (43
    hosts)". For sentences: hosts of a fleet need not be neighbours."""
    return _fold_short(tuple(dict.fromkeys(names)))


@lru_cache(maxsize=256)
def _fold_short(unique: tuple[str, ...]) -> str:
    """A report has many sentences about the same hosts."""
    text = fold(unique)
    if len(text) <= LONGEST or len(unique) == 1:
        return text
    fits, too_many = 1, len(unique)
    while too_many - fits > 1:
        middle = (fits + too_many) // 2
        if len(fold(unique[:middle])) <= LONGEST:
            fits = middle
        else:
            too_many = middle
    text = fold(unique[:fits])
    marked = f"{text[:-1]},…]" if text.endswith("]") else f"{text},…"
    return f"{marked} ({len(unique)} hosts)"


def _ranges(numbers: list[str]) -> str:
    """Numbers as written, in short: 01 02 03 7 is "01-03,7"."""
    ordered = sorted(numbers, key=lambda text: (int(text), text))
    runs: list[list[str]] = []
    for text in ordered:
        if runs and _follows(runs[-1][-1], text):
            runs[-1].append(text)
        else:
            runs.append([text])
    return ",".join(run[0] if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)


def _follows(before: str, after: str) -> bool:
    same_padding = len(before) == len(after) or "0" not in (before[0], after[0])
    return same_padding and int(after) == int(before) + 1
