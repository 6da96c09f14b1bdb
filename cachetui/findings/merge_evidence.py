"""The evidence of claims that became one finding, each fact once."""

from __future__ import annotations

import re
from collections.abc import Iterable

from cachetui.findings.claim import Claim
from cachetui.findings.record import Evidence
from cachetui.findings.wording import join_names

MAX_EVIDENCE = 12
_TIME = re.compile(r"\d{4}-\d\d-\d\d(?:T[\d:.]+Z?)?|\d+\.\d+")


def merge_evidence(claims: Iterable[Claim]) -> tuple[Evidence, ...]:
    """At most `MAX_EVIDENCE` facts. One that differs between hosts in nothing but the host's name,
    dates and decimal numbers is given for the first host, and the others are named at the end."""
    facts: dict[str, Evidence] = {}
    others: dict[str, None] = {}
    texts: set[str] = set()
    for claim in claims:
        for evidence in claim.evidence:
            if evidence.text in texts:
                continue
            texts.add(evidence.text)
            key = _key(evidence.text, claim.hosts)
            if key not in facts:
                facts[key] = evidence
            elif evidence.text != facts[key].text:
                others.update(dict.fromkeys(claim.hosts))
    kept = list(facts.values())
    if len(kept) > MAX_EVIDENCE:
        more = len(kept) - MAX_EVIDENCE + 1
        kept = kept[: MAX_EVIDENCE - 1]
        kept.append(Evidence(kind="run", text=f"and {more} more of the kind"))
    if others:
        text = f"the same on {join_names(list(others))}"
        kept.append(Evidence(kind="run", text=text, data={"hosts": list(others)}))
    return tuple(kept)


def _key(text: str, hosts: Iterable[str]) -> str:
    """The text without times and with "@" for each host."""
    key = _TIME.sub("", text)
    for host in sorted(hosts, key=len, reverse=True):
        key = re.sub(rf"(?<![\w-]){re.escape(host)}(?![\w-])", "@", key)
    return key
