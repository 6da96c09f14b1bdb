"""The facts in which hosts differ, for what no rule explains."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from cachetui.findings.case import Case
from cachetui.findings.claim import HOSTS
from cachetui.findings.input_changes import InputChanges
from cachetui.findings.key_inputs import words_of
from cachetui.findings.merge_evidence import merge_evidence
from cachetui.findings.question import Question
from cachetui.findings.record import Evidence
from cachetui.findings.wording import host_names, one_and_another, short_umask
from cachetui.records.host import HostFacts

_FACTS: tuple[tuple[str, Callable[[HostFacts], object]], ...] = (
    ("Docker Engine", lambda facts: facts.engine),
    ("buildx", lambda facts: facts.buildx or "none"),
    ("the image store", lambda facts: facts.store),
    ("the platform", lambda facts: facts.platform),
    ("the umask of the user", lambda facts: short_umask(facts.umask or "unknown")),
)


def host_differences(
    case: Case, hosts: Sequence[str], others: Sequence[str], questions: Sequence[Question]
) -> tuple[Evidence, ...]:
    """What is known to differ between `hosts` and `others`, and what is missing to say more;
    `questions` are those of the hosts."""
    sides = tuple(hosts), tuple(others)
    facts = case.once((_known, *sides), lambda: _known(case, *sides))
    given = [_before(question) for question in questions if question.as_found]
    return (*facts, *merge_evidence(given, [host.name for host in case.document.hosts], hosts))


def _known(case: Case, hosts: Sequence[str], others: Sequence[str]) -> list[Evidence]:
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
            text = f"{name}: {', '.join(parts)}"
            data = {"fact": name, "hosts_by_value": by_value}
            facts.append(Evidence(kind="facts", text=text, data=data, hosts=(*hosts, *others)))
    return facts + _bases(case, hosts, others)


def _values(case: Case, hosts: Sequence[str], get: Callable[[HostFacts], object]) -> list[str]:
    known = (case.facts(host) for host in hosts)
    return list(dict.fromkeys(str(get(facts)) for facts in known if facts is not None))


def _bases(case: Case, hosts: Sequence[str], others: Sequence[str]) -> list[Evidence]:
    """The base images that differ, of hosts whose builders build on docker's images."""
    told = {
        host: facts
        for host in (*hosts, *others)
        if (facts := case.facts(host)) is not None and not facts.builds_elsewhere
    }
    refs = dict.fromkeys(ref for host in hosts if host in told for ref in told[host].bases)
    evidence: list[Evidence] = []
    for ref in refs:
        if all(host in told and told[host].bases.get(ref) is None for host in hosts):
            text = f"{ref} is not among the images of {host_names(hosts)}"
            evidence.append(Evidence(kind="facts", text=text, hosts=tuple(hosts)))
            continue
        groups: dict[object, list[str]] = {}
        for host, facts in told.items():
            groups.setdefault(facts.bases.get(ref), []).append(host)
        ours, theirs = (
            {image for image, names in groups.items() if {*names} & {*side}}
            for side in (hosts, others)
        )
        if ours and theirs and ours != theirs:
            text = f"{ref} is {one_and_another(groups.values(), 'image')}"
            evidence.append(Evidence(kind="facts", text=text, hosts=(*hosts, *others)))
    return evidence


def _before(question: Question) -> list[Evidence]:
    """What of the step's key changed since the earlier run, in it or in what it builds on; then
    what is not known of it: "nothing changed" holds of what was looked at only."""
    hosts = (question.run.host,)
    if question.before is None:
        text = f"no earlier as-found run of this build on {HOSTS} is stored to compare with"
        return [Evidence(kind="earlier", text=text, hosts=hosts)]
    since = f"since the run of audit {question.before.run.audit}"
    steps = [question.changes, *(one.changes for one in question.builds_on)]
    changes = list(dict.fromkeys(what for step in steps for what in _changes(step)))
    facts = [Evidence(kind="earlier", text=f"{since}: {what}", hosts=hosts) for what in changes]
    if not changes:
        text = f"nothing that was looked at changed {since}"
        facts.append(Evidence(kind="earlier", text=text, hosts=hosts))
    if question.not_compared:
        text = f"not known, so not compared: {', '.join(question.not_compared)}"
        facts.append(Evidence(kind="earlier", text=text, hosts=hosts))
    return facts


def _changes(changes: InputChanges) -> Iterator[str]:
    for edit in changes.lines.edits:
        item = edit.now or edit.before
        if item is not None:
            yield f"{item.keyword} of line {item.line} was {edit.kind}"
    for name in sorted(changes.changed):
        yield f"{words_of(name)} changed"
    for name in sorted(changes.doubtful):
        yield f"{words_of(name)} changed, and may be in the key"
    if changes.other_files:
        yield f"the files that line {changes.step.line} sees changed"
    if changes.sources.other_image_id:
        yield f"{words_of('base id')} changed"
    renamed = changes.sources.renamed_base
    if renamed is not None:
        yield f"FROM names {renamed.now}; it named {renamed.then} before"
