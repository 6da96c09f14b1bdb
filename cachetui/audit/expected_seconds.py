"""How long the runs of an audit are likely to take: what stored ones of the same took."""

from __future__ import annotations

import statistics
from collections.abc import Collection

from cachetui.store.database import Store

MOST = 5
"""Audits that are looked at, newest first."""

Expected = dict[tuple[str, str], float]
"""(host, scenario) → seconds."""


def expected_seconds(
    store: Store, build: str, hosts: Collection[str], scenarios: Collection[str]
) -> Expected:
    """The seconds of the last runs of this build by host and scenario, where there are any: the
    median of their repeats."""
    wanted = {(host, scenario) for host in hosts for scenario in scenarios}
    found: Expected = {}
    entries = (entry for entry in store.audits() if entry.build == build)
    for _, entry in zip(range(MOST), entries, strict=False):
        document = store.audit(entry.audit) if wanted - found.keys() else None
        times: dict[tuple[str, str], list[float]] = {}
        for run in document.runs if document is not None else ():
            if run.status == "ok":
                times.setdefault((run.host, run.scenario), []).append(run.seconds)
        for key in (wanted - found.keys()) & times.keys():
            found[key] = statistics.median(times[key])
    return found
