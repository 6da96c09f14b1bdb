"""What is said of a host does not depend on which host comes first: no figure, title or advice is
that of the first one told of all. Held on what the engines gave for every surprise."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import msgspec

from cachetui.audit.findings_of import why
from cachetui.findings import Evidence, Findings
from cachetui.records.document import Document
from cachetui.records.host import HostReport
from tests.surprises.recording import file_of, restore
from tests.surprises.surprise import Surprise

GB = 10**9


def _own_figures(host: HostReport, number: int) -> HostReport:
    """The host with a disk, a load and a cache policy that no other has."""
    if host.facts is None:
        return host
    facts = msgspec.structs.replace(
        host.facts, free_bytes=number * GB, load=90.0 + number, cores=1, umask=f"00{number}7",
        df={**host.facts.df, "Build Cache": number * GB + 1},
    )  # fmt: skip
    evidence = host.evidence
    if evidence is not None:
        evidence = msgspec.structs.replace(evidence, gc=(f"keeps {number} GB",))
    return msgspec.structs.replace(host, facts=facts, evidence=evidence)


def _with_own_figures(document: Document) -> Document:
    numbers = {host.name: number for number, host in enumerate(document.hosts, 1)}
    return msgspec.structs.replace(
        document,
        hosts=tuple(_own_figures(host, numbers[host.name]) for host in document.hosts),
        runs=tuple(
            msgspec.structs.replace(run, load=90.0 + numbers[run.host]) for run in document.runs
        ),
    )


def _turned(document: Document) -> Document:
    return msgspec.structs.replace(document, hosts=document.hosts[::-1], runs=document.runs[::-1])


def _words(text: str) -> tuple[str, ...]:
    """The words of a sentence: of hosts it may name several, in the order of the audit, and a
    piece for each group of them."""
    return tuple(sorted(re.findall(r"[\w./-]+", text.lower())))


def _facts(evidence: tuple[Evidence, ...]) -> Counter[object]:
    """Each fact with its data once for each host that has it."""
    told: Counter[object] = Counter()
    for fact in evidence:
        data = json.dumps(_in_any_order(msgspec.to_builtins(fact.data)), sort_keys=True)
        for host in fact.hosts or ("",):
            told[fact.kind, host, data, _words(fact.text)] += 1
    return told


def _in_any_order(value: object) -> object:
    """Lists that tell of hosts or runs come in the order of the audit."""
    if isinstance(value, dict):
        return {str(name): _in_any_order(one) for name, one in value.items()}
    if isinstance(value, list):
        return sorted((_in_any_order(one) for one in value), key=repr)
    return value


def _said(found: Findings) -> list[object]:
    rows: list[object] = [
        (one.id, one.confidence, sorted(one.hosts), sorted(one.backends),
         sorted((s.stage_index, s.index) for s in one.steps), one.seconds,
         _words(one.title), _words(one.advice), sorted(_facts(one.evidence).items(), key=repr))
        for one in found.findings
    ]  # fmt: skip
    rows += [
        ("unexplained", sorted(one.hosts), _words(one.title), sorted(one.suspects),
         sorted(_facts(one.facts).items(), key=repr))
        for one in found.unexplained
    ]  # fmt: skip
    rows += [("need", one.id, _words(one.text)) for one in found.needs]
    return sorted(rows, key=repr)


def test_whichever_host_comes_first(surprise: Surprise, part: str, tmp_path: Path) -> None:
    store = restore(file_of(surprise.id, part).read_bytes(), tmp_path / "store")
    kept = store.audit(store.audits()[0].audit)
    assert kept is not None
    document = _with_own_figures(kept)
    found, turned = why(document, store), why(_turned(document), store)
    assert _said(turned) == _said(found)
    own = {host.name: number for number, host in enumerate(document.hosts, 1)}
    for one in found.findings:
        for fact in one.evidence:
            for name in ("free_bytes", "load", "gc"):
                if name in fact.data:
                    assert len({own[host] for host in fact.hosts}) == 1, (one.name, fact)
