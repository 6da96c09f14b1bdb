"""The files that show what a finding says: where images were looked at, it names them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from cachetui.findings import Finding, Findings
from cachetui.findings.case import join_names
from cachetui.findings.record import Evidence
from cachetui.outputs.digests import differing_paths
from cachetui.records.document import Document
from cachetui.records.run import Run
from cachetui.records.scenario import BUILDKIT_COLD, BUILDKIT_MOUNTS_WARM, LEGACY_COLD
from cachetui.records.step import StepId
from cachetui.store.database import Store

Digests = Mapping[tuple[str, StepId], str]
"""What steps made, by run id and step (see `outputs.digests`)."""

_COMPARED = {
    "nondeterministic-step": (BUILDKIT_COLD, BUILDKIT_COLD),
    "mount-changes-result": (BUILDKIT_COLD, BUILDKIT_MOUNTS_WARM),
    "legacy-drops-heredoc": (BUILDKIT_COLD, LEGACY_COLD),
}
"""The findings that files prove, and the scenarios whose images differ then."""

_NAMED = 5


def with_files(findings: Findings, document: Document, store: Store, made: Digests) -> Findings:
    """The findings, those about what steps made with the files in which it differs."""
    if not made:
        return findings
    told = tuple(_told(finding, document, store, made) for finding in findings.findings)
    return msgspec.structs.replace(findings, findings=told)


def _told(finding: Finding, document: Document, store: Store, made: Digests) -> Finding:
    for a, b, step in _differing(finding, document, made):
        paths = [one.path for one in differing_paths(document, store, a, b).get(step, ())]
        if not paths:
            continue
        names = join_names([f"/{path}" for path in paths], _NAMED)
        verb = "differs" if len(paths) == 1 else "differ"
        evidence = Evidence(
            kind="output",
            text=f"{names} {verb} between {_name(a)} and {_name(b)}",
            data={"runs": [a.id, b.id], "paths": paths},
        )
        return msgspec.structs.replace(finding, evidence=(*finding.evidence, evidence))
    return finding


def _differing(
    finding: Finding, document: Document, made: Digests
) -> Iterator[tuple[Run, Run, StepId]]:
    """Two runs that made something else in a step of the finding, on one host where its
    scenarios are two."""
    first, second = _COMPARED.get(finding.id, (None, None))
    for ref in finding.steps:
        step = StepId(ref.stage_index, ref.index)
        for a in document.runs:
            for b in document.runs:
                if (a.kind, b.kind) != (first, second) or a.id == b.id:
                    continue
                if first != second and a.host != b.host:
                    continue
                one, other = made.get((a.id, step)), made.get((b.id, step))
                if one and other and one != other:
                    yield a, b, step


def _name(run: Run) -> str:
    again = f" #{run.repeat}" if run.repeat > 1 else ""
    return f"{run.host} {run.scenario}{again}"
