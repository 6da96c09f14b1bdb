"""The facts in which hosts differ, for what no rule explains."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cachetui.findings.case import Case
from cachetui.findings.question import Question
from cachetui.findings.record import Evidence
from cachetui.findings.wording import host_names
from cachetui.records.host import HostFacts

_FACTS: tuple[tuple[str, Callable[[HostFacts], object]], ...] = (
    ("Docker Engine", lambda facts: facts.engine),
    ("buildx", lambda facts: facts.buildx or "none"),
    ("the image store", lambda facts: facts.store),
    ("the platform", lambda facts: facts.platform),
    ("the umask of the user", lambda facts: facts.umask or "unknown"),
)


def host_differences(
    case: Case, hosts: Sequence[str], others: Sequence[str], question: Question | None
) -> tuple[Evidence, ...]:
    """What is known to differ between `hosts` and `others`, and what is missing to say more."""
    facts: list[Evidence] = []
    for name, get in _FACTS:
        ours = _values(case, hosts, get)
        theirs = _values(case, others, get)
        if ours and theirs and set(ours) != set(theirs):
            by_value: dict[str, list[str]] = {}
            for host in (*hosts, *others):
                for value in _values(case, (host,), get):
                    by_value.setdefault(value, []).append(host)
            parts = [f"{value} on {host_names(where)}" for value, where in by_value.items()]
            facts.append(Evidence(kind="facts", text=f"{name}: {', '.join(parts)}"))
    facts += _bases(case, hosts, others)
    if question is not None and question.as_found:
        facts += _before(question)
    return tuple(facts)


def _values(case: Case, hosts: Sequence[str], get: Callable[[HostFacts], object]) -> list[str]:
    known = (case.facts(host) for host in hosts)
    return list(dict.fromkeys(str(get(facts)) for facts in known if facts is not None))


def _bases(case: Case, hosts: Sequence[str], others: Sequence[str]) -> list[Evidence]:
    refs = dict.fromkeys(
        ref for host in hosts if (facts := case.facts(host)) is not None for ref in facts.bases
    )
    evidence: list[Evidence] = []
    for ref in refs:
        if all((f := case.facts(host)) is not None and f.bases.get(ref) is None for host in hosts):
            evidence.append(
                Evidence(kind="facts", text=f"{ref} is not among the images of {host_names(hosts)}")
            )
            continue
        ours = set(_values(case, hosts, lambda facts, ref=ref: facts.bases.get(ref)))  # type: ignore[misc]
        theirs = set(_values(case, others, lambda facts, ref=ref: facts.bases.get(ref)))  # type: ignore[misc]
        if ours and theirs and ours != theirs:
            text = f"{ref} is not the same image on {host_names(hosts)} and {host_names(others)}"
            evidence.append(Evidence(kind="facts", text=text))
    return evidence


def _before(question: Question) -> list[Evidence]:
    host = question.run.host
    if question.before is None:
        text = f"no earlier as-found run of this build on {host} is stored to compare with"
        return [Evidence(kind="earlier", text=text)]
    changes = [
        Evidence(kind="earlier", text=f"since the run of audit {question.before.run.audit}: {what}")
        for what in _changes(question)
    ]
    return changes or [
        Evidence(
            kind="earlier",
            text=f"nothing that is known changed since audit {question.before.run.audit}",
        )
    ]


def _changes(question: Question) -> list[str]:
    changes: list[str] = []
    for edit in question.changes.edits_above:
        item = edit.now or edit.before
        if item is not None:
            changes.append(f"{item.keyword} of line {item.line} was {edit.kind}")
    changes += [f"{_label(name)} changed" for name in sorted(question.changes.changed)]
    if question.changes.now is not None and question.changes.now.unknown:
        changes.append(f"not known: {', '.join(sorted(question.changes.now.unknown))}")
    return changes


_LABELS = {
    "base": "the base image",
    "from": "the image that it copies from",
    "network": "the network of the build",
    "options": "the options of the build",
    "platform": "the platform",
    "text": "the text of the instruction",
}


def _label(name: str) -> str:
    """An input of a key in words: "ARG NODE" for "arg:NODE"."""
    kind, _, variable = name.partition(":")
    if kind in ("arg", "env"):
        return f"{kind.upper()} {variable}"
    return variable or _LABELS.get(name, name)
