"""Chosen runs as a document of their own, for an export of what is on the screen. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import msgspec

from cachetui.records.document import Document

if TYPE_CHECKING:
    from cachetui.records.host import HostReport
    from cachetui.records.run import Run


def of_hosts(document: Document, hosts: Collection[str]) -> Document:
    """The audit as if it had been of these hosts alone; itself where they are all."""
    if all(host.name in hosts for host in document.hosts):
        return document
    chosen = [run for run in document.runs if run.host in hosts]
    return _made(document, [h for h in document.hosts if h.name in hosts], chosen, [document])


def of_runs(chosen: Sequence[tuple[Document, Run]]) -> Document:
    """These runs and their hosts. Where they are of several audits a host is named with its
    audit, and the newest tells of the build.

    Raises ValueError for no runs.
    """
    documents = {document.audit: document for document, _ in chosen}
    if not documents:
        raise ValueError("no runs were chosen")
    newest = max(documents.values(), key=lambda document: document.started_at)
    several = len(documents) > 1
    hosts: dict[str, HostReport] = {}
    runs: list[Run] = []
    for document, run in chosen:
        name = f"{run.host} in {document.audit}" if several else run.host
        report = next((host for host in document.hosts if host.name == run.host), None)
        if report is not None:
            hosts[name] = msgspec.structs.replace(report, name=name)
        runs.append(msgspec.structs.replace(run, host=name))
    return _made(newest, list(hosts.values()), runs, list(documents.values()))


def _made(
    document: Document, hosts: list[HostReport], runs: list[Run], of: list[Document]
) -> Document:
    there = {run.scenario for run in runs}
    told = [name for one in of for name in one.scenarios]
    audits = ", ".join(one.audit for one in of)
    note = f"an excerpt, of what was chosen on the screen, from {audits}"
    return msgspec.structs.replace(
        document,
        hosts=tuple(hosts),
        runs=tuple(runs),
        scenarios=tuple(dict.fromkeys(name for name in told if name in there)),
        notes=(note, *document.notes),
    )
