"""The facts that several claims or questions rest on, each once, with its hosts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from cachetui.findings.claim import HOSTS
from cachetui.findings.record import Evidence
from cachetui.findings.wording import host_names


def merge_evidence(
    given: Iterable[Iterable[Evidence]], names: Sequence[str], about: Sequence[str]
) -> tuple[Evidence, ...]:
    """The facts of all that are `given`, with all hosts that each holds for; `names` are the
    audit's hosts, in order, and `about` those that all of it is said of.

    Two facts are one where kind, text and data are equal. A fact that has other values on another
    host follows later: first come facts of every kind, as the first of the given has them.
    """
    groups: dict[object, list[Evidence]] = {}
    places: dict[object, tuple[int, int]] = {}
    for number, facts in enumerate(given):
        for position, fact in enumerate(facts):
            key = (fact.kind, fact.text, repr(sorted(fact.data.items())))
            groups.setdefault(key, []).append(fact)
            places.setdefault(key, (number, position))
    ordered = sorted(groups, key=places.__getitem__)
    return tuple(_merged(groups[key], names, about) for key in ordered)


def _merged(facts: Sequence[Evidence], names: Sequence[str], about: Sequence[str]) -> Evidence:
    """One fact, with the hosts of all."""
    order = {name: place for place, name in enumerate(names)}
    every = dict.fromkeys(host for fact in facts for host in fact.hosts)
    hosts = tuple(sorted(every, key=lambda host: order.get(host, len(order))))
    runs = tuple(dict.fromkeys(run for fact in facts for run in fact.runs))
    everywhere = not hosts or every.keys() >= {*about}
    text = of_hosts(facts[0].text, hosts, everywhere)
    return replace(facts[0], text=text, hosts=hosts, runs=runs)


def of_hosts(text: str, hosts: Sequence[str], everywhere: bool) -> str:
    """The text with the names of its hosts. Where it has no place for them, they stand before it,
    unless it holds for all hosts that are spoken of, or says already that it is so on these."""
    names = host_names(hosts)
    if HOSTS not in text and not everywhere and not _says_on(text, names):
        text = f"on {HOSTS}: {text}"
    return text.replace(HOSTS, names)


def _says_on(text: str, names: str) -> bool:
    return re.search(rf"\bon {re.escape(names)}(?![\w.-])", text) is not None
