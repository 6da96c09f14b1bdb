"""Evidence that a host was busy while it was timed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from cachetui.compare.timings import is_loaded
from cachetui.findings.case import Case
from cachetui.findings.claim import HOSTS
from cachetui.findings.record import Evidence
from cachetui.records.run import Run


def loaded(case: Case, host: str, runs: Iterable[Run]) -> Iterator[Evidence]:
    """That the host was loaded before one of the runs, if it was."""
    facts = case.facts(host)
    loads = [run.load for run in runs if is_loaded(run, {host: facts}) and run.load is not None]
    if facts is not None and loads:
        yield Evidence(
            kind="timing",
            text=f"{HOSTS} was loaded ({max(loads):.1f} for {facts.cores} cores before a run): its "
            "times are less reliable",
            data={"load": max(loads), "cores": facts.cores},
            hosts=(host,),
        )
