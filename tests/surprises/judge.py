"""What is found in an audit, by the way that commands and app go, and whether that is what is
expected of a surprise."""

from __future__ import annotations

import msgspec

from cachetui.audit.findings_of import why
from cachetui.findings import Finding
from cachetui.records.document import Document
from cachetui.store.database import Store
from tests.surprises.stage import HOSTS
from tests.surprises.surprise import Surprise


def judge(surprise: Surprise, part: str, document: Document, store: Store) -> dict[str, str]:
    """Host → "found", "silent", or why it cannot be there. Fails unless the surprise is found where
    it is expected, says what it must and which builds pay its seconds, and is
    found nowhere else."""
    found = found_on(surprise.id, document, store)
    expected = set(surprise.expected) if part == "surprise" else set()
    assert set(found) == expected, told(document, store)
    paid = {one.name for one in found.values() if one.seconds is not None and one.paid is None}
    assert not paid, f"which builds pay the seconds of {paid}?"
    if surprise.check is not None:
        for host, finding in found.items():
            surprise.check(finding, host)
    return {h: "found" if h in found else surprise.not_there.get(h, "silent") for h in HOSTS}


def found_on(rule: str, document: Document, store: Store) -> dict[str, Finding]:
    """Host → the finding of that rule about it: in the audit as a whole, or as if the host were
    alone in it (a rule may say once what holds for all)."""
    found = {h: one for one in why(document, store).findings if one.id == rule for h in one.hosts}
    for host in document.hosts:
        if host.name not in found:
            alone = msgspec.structs.replace(
                document,
                hosts=(host,),
                runs=tuple(run for run in document.runs if run.host == host.name),
            )
            for one in why(alone, store).findings:
                if one.id == rule:
                    found[host.name] = one
    return found


def told(document: Document, store: Store) -> str:
    """All that is found, a line each."""
    everything = why(document, store)
    lines = [
        f"{one.name} [{one.confidence}] {one.hosts} {one.title}" for one in everything.findings
    ]
    return "\n".join([*lines, "unexplained:", *(one.title for one in everything.unexplained)])
