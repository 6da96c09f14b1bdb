"""Why the runs of an audit differ: what the store has to compare them with, put to the rules."""

from __future__ import annotations

from collections.abc import Iterator

from cachetui.audit.differing_files import with_files
from cachetui.compare.engines import each_engine_once
from cachetui.context.manifest import Entry
from cachetui.findings import Findings, Proof, dockerfile_of, explain_audit
from cachetui.findings.case import Case
from cachetui.findings.earlier_run import found_all, scenarios_before
from cachetui.outputs.digests import document_digests
from cachetui.outputs.foreign_files import foreign_files
from cachetui.records.document import Document
from cachetui.records.run import Run
from cachetui.records.scenario import Scenario
from cachetui.store.database import Store

MOST = 40
"""Earlier audits of a build that are looked through, newest first."""


def why(document: Document, store: Store, *, settled: bool = True, past: bool = True) -> Findings:
    """The findings of an audit, the same whether it just ran or is shown again; with `settled`
    false as they are without what experiments showed, with `past` false without earlier audits.

    Nothing is found in an audit whose Dockerfile is not known.
    """
    document = each_engine_once(document)
    case = case_of(document, store, past=past)
    if case is None:
        return Findings()
    found = explain_audit(
        document,
        dockerfile=case.dockerfile,
        earlier=case.earlier,
        manifests=case.manifests,
        proofs=store.proofs(document.audit, Proof) if settled else (),
        outputs=case.outputs,
        foreign=case.foreign,
        hasher=case.hasher,
    )
    return with_files(found, document, store, case.outputs)


def case_of(document: Document, store: Store, *, past: bool = True) -> Case | None:
    """What is known of an audit, with its `past`; None when its Dockerfile is not known."""
    dockerfile = dockerfile_of(document.build)
    if dockerfile is None:
        return None
    earlier = tuple(_earlier(document, store)) if past else ()
    manifests = _manifests((document, *earlier), store)
    return Case(
        document,
        dockerfile,
        earlier,
        manifests,
        document_digests(document, store),
        foreign_files(document, dockerfile, store),
        store.hasher,
    )


def _earlier(document: Document, store: Store) -> Iterator[Document]:
    """Audits of a build of that name, newest first, until each run that was made as the host
    was found has one to be compared with. Controlled runs need none: what they find is of
    their own making; nor does a peek that found everything."""
    wanted = {
        (run.host, scenarios_before(run))
        for run in document.runs
        if run.kind.as_found and not (run.kind.peeks and found_all(run))
    }
    looked = 0
    for entry in store.audits() if wanted else ():
        if looked == MOST or not wanted:
            return
        if (
            entry.audit == document.audit
            or entry.build != document.build.name
            or entry.started_at >= document.started_at
            or not any(Scenario.of(name).as_found for name in entry.scenarios)
        ):
            continue
        looked += 1
        found = store.audit(entry.audit)
        if found is not None:
            tell = {(r.host, r.scenario) for r in found.runs if _tells_all(r)}
            wanted -= {w for w in wanted if any((w[0], name) in tell for name in w[1])}
            yield found


def _tells_all(run: Run) -> bool:
    return run.status == "ok" and (not run.kind.peeks or found_all(run))


def _manifests(documents: tuple[Document, ...], store: Store) -> dict[str, tuple[Entry, ...]]:
    """The contexts that were sent, and those that hosts keep themselves, by digest."""
    digests: dict[str, None] = {}
    for document in documents:
        digests[document.build.context_digest] = None
        for host in document.hosts:
            checkout = host.evidence.checkout if host.evidence else None
            if checkout is not None and checkout.digest is not None:
                digests[checkout.digest] = None
    known = ((digest, store.manifest(digest)) for digest in digests)
    return {digest: entries for digest, entries in known if entries is not None}
