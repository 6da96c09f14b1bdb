"""An audit as GitLab's code quality report, which a merge request shows beside its changes.

An issue for each cause why hosts differ (where it is worse than an audit that --compare-to names:
why steps missed), each build that failed and each trouble of hosts, at the line of the Dockerfile.
A merge request shows what is new in it: an issue that its target branch has
too has the same fingerprint, whatever the audit, its seconds and the line are.

Format: GitLab's documentation, "Code Quality report format".
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any, Literal

import msgspec

from cachetui.compare.align import agree
from cachetui.compare.groups import fold_short
from cachetui.findings import Finding
from cachetui.findings.record import Need, StepRef
from cachetui.records.document import Document
from cachetui.records.step import Step
from cachetui.report import costs
from cachetui.report.audit_report import AuditReport
from cachetui.report.causes import Cause, causes_of_differences, causes_of_misses
from cachetui.report.clean import clean_line
from cachetui.report.failures import failures
from cachetui.report.formats import Format
from cachetui.report.formats.json import escaped
from cachetui.report.passages import alike_troubles
from cachetui.report.reasons import commands_of, to_learn_more
from cachetui.report.shell import typed_lines

Severity = Literal["info", "minor", "major", "critical"]

_SEVERITIES: dict[str, Severity] = {"proved": "major", "likely": "minor", "possible": "info"}
"""That of a cause, by how sure it is."""

_Issue = dict[str, Any]


def render(report: AuditReport) -> str:
    """The issues as a JSON array; ends in a newline."""
    issues = {issue["fingerprint"]: issue for issue in _issues(report)}
    text = msgspec.json.encode([*issues.values()]).decode()
    return escaped(msgspec.json.format(text, indent=2)) + "\n"


def _issues(report: AuditReport) -> Iterator[_Issue]:
    document = report.document
    steps: dict[StepRef, Step] = {}
    for run in document.runs:
        for step in run.steps:
            steps.setdefault(StepRef.of(step.id), step)
    for names, status, reason, remedy in alike_troubles(document.hosts):
        to_do = f"To do: {remedy}" if remedy else ""
        text = f"{fold_short(names)} {status}: {reason}"
        yield _issue(document, status, "critical", [text, to_do], None, names)
    for failure in failures(document, lambda _run, _step: []):
        where = f"{', '.join(failure.scenarios)} on {failure.hosts}"
        texts = [f"{where}: {failure.reason}", failure.step]
        yield _issue(document, "build-failed", "critical", texts, failure.line, [where])
    worse = report.compared is not None and report.compared.worse
    causes = (
        causes_of_misses(report.findings)
        if worse  # also where all hosts are alike colder than in an earlier audit
        else causes_of_differences(report.findings, agree(document))
    )
    for cause in causes:
        own = [steps[each] for each in cause.steps if each in steps]
        yield _of_cause(document, cause, own, report.findings.needs)


def _of_cause(document: Document, cause: Cause, steps: list[Step], needs: Sequence[Need]) -> _Issue:
    same = [*cause.hosts, *(step.instruction for step in steps)]
    line = min((step.line for step in steps), default=None)
    told = costs.told(cause)
    cost = told[:1].upper() + told[1:]  # as it is behind that: "BuildKit"
    if isinstance(cause, Finding):
        severity, texts = (
            _SEVERITIES[cause.confidence],
            [cause.title, cost, cause.advice, *typed_lines(commands_of(cause))],
        )
        return _issue(document, cause.id, severity, texts, line, same)
    more = to_learn_more(cause, needs)
    return _issue(document, "unexplained", "minor", [cause.title, cost, *more], line, same)


def _issue(
    document: Document,
    name: str,
    severity: Severity,
    texts: list[str],
    line: int | None,
    same: list[str],
) -> _Issue:
    """`same` is what makes it the same issue in another audit, beside its name."""
    print_of = "\0".join([document.build.name, name, *same]).encode("utf-8", "replace")
    return {
        "description": ". ".join(clean_line(text).rstrip(".") for text in texts if text),
        "check_name": f"cachetui/{clean_line(name)}",
        "fingerprint": hashlib.sha256(print_of).hexdigest(),
        "severity": severity,
        "location": {
            "path": _path(document),
            "lines": {"begin": max(line or 1, 1)},
        },
    }


def _path(document: Document) -> str:
    """The Dockerfile, as the build names it."""
    build = document.build
    return clean_line(build.dockerfile_name or build.dockerfile).removeprefix("./") or "Dockerfile"


FORMAT = Format(
    render=render,
    title="GitLab code quality",
    description="an issue for each cause, for a merge request of GitLab",
    suffix="codequality.json",
    readers="programs",
)
