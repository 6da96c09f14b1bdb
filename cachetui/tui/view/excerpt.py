"""Part of an audit as a document of its own, to export what is on the screen. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import msgspec

from cachetui.records.document import Document

if TYPE_CHECKING:
    from cachetui.records.host import HostReport
    from cachetui.records.run import Run


def excerpt_of_hosts(document: Document, hosts: Collection[str]) -> Document:
    """The audit as if it had these hosts alone; the same document when they are all of them."""
    if all(host.name in hosts for host in document.hosts):
        return document
    chosen = [run for run in document.runs if run.host in hosts]
    return _excerpt(document, [h for h in document.hosts if h.name in hosts], chosen, [document])


def excerpt_of_runs(chosen: Sequence[tuple[Document, Run]]) -> Document:
    """These runs and their hosts. When they come from several audits, hosts are named with their
    audit, and the newest audit describes the build.

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
    return _excerpt(newest, list(hosts.values()), runs, list(documents.values()))


def _excerpt(
    document: Document, hosts: list[HostReport], runs: list[Run], sources: list[Document]
) -> Document:
    present = {run.scenario for run in runs}
    in_order = [name for source in sources for name in source.scenarios]
    audits = ", ".join(source.audit for source in sources)
    note = f"an excerpt, of what was chosen on the screen, from {audits}"
    return msgspec.structs.replace(
        document,
        hosts=tuple(hosts),
        runs=tuple(runs),
        scenarios=tuple(dict.fromkeys(name for name in in_order if name in present)),
        notes=(note, *document.notes),
    )
