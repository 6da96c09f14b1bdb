"""Adds the files in which images differ to the findings that images bear out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from cachetui.findings import Finding, Findings, rule
from cachetui.findings.record import Evidence
from cachetui.findings.wording import join_names
from cachetui.outputs.digests import differing_paths
from cachetui.records.document import Document
from cachetui.records.run import Run
from cachetui.records.step import StepId
from cachetui.store.database import Store

Digests = Mapping[tuple[str, StepId], str]
"""Run id and step → digest of what the step made (see `outputs.digests`)."""

MAX_NAMES = 5
"""Paths named in a sentence; the evidence's data has all."""


def with_files(findings: Findings, document: Document, store: Store, digests: Digests) -> Findings:
    """The findings, those of rules that compare images with the files that differ."""
    if not digests:
        return findings
    shown = tuple(_with_paths(finding, document, store, digests) for finding in findings.findings)
    return msgspec.structs.replace(findings, findings=shown)


def _with_paths(finding: Finding, document: Document, store: Store, digests: Digests) -> Finding:
    for a, b, step in _differing_runs(finding, document, digests):
        paths = [diff.path for diff in differing_paths(document, store, a, b).get(step, ())]
        if not paths:
            continue
        names = join_names([f"/{path}" for path in paths], MAX_NAMES)
        verb = "differs" if len(paths) == 1 else "differ"
        evidence = Evidence(
            kind="output",
            text=f"{names} {verb} between {_name(a)} and {_name(b)}",
            data={"runs": [a.id, b.id], "paths": paths},
            hosts=tuple(dict.fromkeys((a.host, b.host))),
            runs=(a.id, b.id),
        )
        return msgspec.structs.replace(finding, evidence=(*finding.evidence, evidence))
    return finding


def _differing_runs(
    finding: Finding, document: Document, digests: Digests
) -> Iterator[tuple[Run, Run, StepId]]:
    """Pairs of runs of the scenarios that the finding's rule compares, and a step of the finding in
    which their digests differ. Runs of two scenarios are of one host."""
    made_by = rule(finding.id)
    if made_by is None or made_by.compares is None:
        return
    first, second = made_by.compares
    for ref in finding.steps:
        step = StepId(ref.stage_index, ref.index)
        for a in document.runs:
            for b in document.runs:
                if (a.kind, b.kind) != (first, second) or a.id == b.id:
                    continue
                if first != second and a.host != b.host:
                    continue
                one, other = digests.get((a.id, step)), digests.get((b.id, step))
                if one and other and one != other:
                    yield a, b, step


def _name(run: Run) -> str:
    again = f" #{run.repeat}" if run.repeat > 1 else ""
    return f"{run.host} {run.scenario}{again}"
