"""Hosts of an audit that are one engine under several names: it counts once.

What one name's builds leave in the caches, the other's find, so that a difference between the two
is none of hosts.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from cachetui.records.document import Document
from cachetui.records.host import HostReport


def with_same_engines(hosts: Sequence[HostReport]) -> tuple[HostReport, ...]:
    """The hosts, those that are the same engine as another marked with that one's name: the first
    whose part of the audit ended well, else the first."""
    found: dict[str, list[HostReport]] = {}
    for host in hosts:
        if host.facts is not None and host.facts.same_engine:
            found.setdefault(host.facts.same_engine, []).append(host)
    counted = {
        engine: next((host for host in names if host.status == "ok"), names[0]).name
        for engine, names in found.items()
    }

    def mark(host: HostReport) -> HostReport:
        first = counted.get(host.facts.same_engine) if host.facts else None
        same = None if first == host.name else first
        return msgspec.structs.replace(host, same_engine_as=same)

    return tuple(mark(host) for host in hosts)


def other_names(document: Document) -> frozenset[str]:
    """The hosts that do not count, as they are the same engine as another."""
    return frozenset(host.name for host in document.hosts if host.same_engine_as is not None)


def each_engine_once(document: Document) -> Document:
    """The audit without the hosts that do not count."""
    others = other_names(document)
    if not others:
        return document
    return msgspec.structs.replace(
        document,
        hosts=tuple(host for host in document.hosts if host.name not in others),
        runs=tuple(run for run in document.runs if run.host not in others),
    )


def engines_of_several_names(document: Document) -> dict[str, tuple[str, ...]]:
    """The host that counts → all names of its engine, where there are more."""
    found: dict[str, list[str]] = {}
    for host in document.hosts:
        if host.same_engine_as is not None:
            found.setdefault(host.same_engine_as, [host.same_engine_as]).append(host.name)
    return {first: tuple(names) for first, names in found.items()}
