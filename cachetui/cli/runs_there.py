"""Which runs an audit has, in a few words, for an error about one that it has not."""

from __future__ import annotations

from cachetui.compare.groups import fold_short
from cachetui.records.document import Document
from cachetui.report.clean import clean_line


def runs_there(document: Document) -> str:
    """ "legacy-cold, legacy-warm on ci-[1-12]; legacy-peek on old": scenarios that the same hosts
    ran together. "none" without any. Cleaned."""
    hosts: dict[str, list[str]] = {}
    for run in document.runs:
        hosts.setdefault(run.scenario, []).append(run.host)
    scenarios: dict[tuple[str, ...], list[str]] = {}
    for scenario, names in hosts.items():
        scenarios.setdefault(tuple(dict.fromkeys(names)), []).append(scenario)
    told = (f"{', '.join(ran)} on {fold_short(names)}" for names, ran in scenarios.items())
    return clean_line("; ".join(told)) or "none"
