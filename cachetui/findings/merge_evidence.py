"""The evidence of claims that became one finding, each fact once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from cachetui.findings.claim import HOSTS, Claim
from cachetui.findings.record import Evidence
from cachetui.findings.wording import host_names


def merge_evidence(claims: Iterable[Claim], names: Sequence[str]) -> tuple[Evidence, ...]:
    """The facts with all hosts that each holds for; `names` are the audit's hosts, in order.

    Two facts are one where kind, text and data are equal. A fact that has other values on another
    host follows later: first come facts of every kind, as the first claim gives them.
    """
    groups: dict[object, list[Evidence]] = {}
    places: dict[object, tuple[int, int]] = {}
    for number, claim in enumerate(claims):
        for position, fact in enumerate(claim.evidence):
            key = (fact.kind, fact.text, repr(sorted(fact.data.items())))
            groups.setdefault(key, []).append(fact)
            places.setdefault(key, (number, position))
    return tuple(_merged(groups[key], names) for key in sorted(groups, key=places.__getitem__))


def _merged(facts: Sequence[Evidence], names: Sequence[str]) -> Evidence:
    order = {name: place for place, name in enumerate(names)}
    every = dict.fromkeys(host for fact in facts for host in fact.hosts)
    hosts = tuple(sorted(every, key=lambda host: order.get(host, len(order))))
    runs = tuple(dict.fromkeys(run for fact in facts for run in fact.runs))
    text = facts[0].text.replace(HOSTS, host_names(hosts))
    return replace(facts[0], text=text, hosts=hosts, runs=runs)
