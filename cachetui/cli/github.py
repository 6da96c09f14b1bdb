"""In GitHub Actions: the job's summary, and annotations for what is in trouble and why hosts
differ, by themselves.

Sources: GitHub's documentation of workflow commands; the toolkit's `core/src/command.ts` for what
is escaped. Annotations go to standard error, so that a result on standard output stays whole; the
runner reads both.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Literal, NamedTuple

from cachetui.cli.failures import tell
from cachetui.compare.align import Agreement, agree
from cachetui.compare.groups import fold_short
from cachetui.findings import Finding
from cachetui.records.document import Document
from cachetui.report.audit_report import AuditReport
from cachetui.report.causes import causes_of_differences
from cachetui.report.clean import clean_line
from cachetui.report.failures import failures
from cachetui.report.formats.markdown import parts
from cachetui.report.parts import fit
from cachetui.report.passages import alike_troubles
from cachetui.report.reasons import commands_of, to_learn_more
from cachetui.report.shell import typed_lines
from cachetui.report.verdict import verdict

MAX_SUMMARY = 1000 * 1024
"""Bytes of a summary; GitHub takes 1 MiB for each step, and drops it whole above that."""

MAX_ANNOTATIONS = 10
"""Of one kind and step GitHub shows no more."""


class Annotation(NamedTuple):
    """What a job shows beside its log. Texts are not cleaned."""

    kind: Literal["error", "warning"]
    title: str
    text: str


def publish(report: AuditReport, environment: Mapping[str, str]) -> None:
    """Append the audit to the job's summary and annotate the job, where this is one of GitHub
    Actions. What fails is told on standard error: the audit is as it is."""
    if environment.get("GITHUB_ACTIONS") == "true":
        for line in commands(report):
            with suppress(OSError):
                sys.stderr.write(f"{line}\n")
    summary = environment.get("GITHUB_STEP_SUMMARY")
    if summary:
        try:
            _append(report, summary)
        except OSError as error:
            tell(f"the job's summary {summary} cannot be written: {error.strerror or error}")


def _append(report: AuditReport, summary: str) -> None:
    """Append to the summary what of the audit fits beside what it holds. Raises `OSError`."""
    with open(summary, "ab") as file:
        left = MAX_SUMMARY - file.tell()
        text = fit(parts(report), left, f"cachetui show {report.document.audit}", _bytes)
        if text:
            file.write(text.encode())
        else:
            tell(f"the job's summary {summary} is full: the audit is not in it")


def commands(report: AuditReport) -> list[str]:
    """The workflow commands that annotate the job: of each kind as many as GitHub shows, the last
    of which then says how many more there are."""
    annotations = annotations_of(report)
    lines: list[str] = []
    for kind in ("error", "warning"):
        own = [each for each in annotations if each.kind == kind]
        if len(own) > MAX_ANNOTATIONS:
            more = len(own) - MAX_ANNOTATIONS + 1
            rest = Annotation(kind, f"and {more} more", "the job's summary has them")
            own = [*own[: MAX_ANNOTATIONS - 1], rest]
        lines += [_command(each, report.document.build.name) for each in own]
    return lines


def annotations_of(report: AuditReport) -> list[Annotation]:
    """An error for hosts in trouble, for builds that failed alike, and where the audit is worse
    than the one it was compared with; a warning for each cause why hosts differ, and each
    difference without one, the most costly first.

    None where hosts agree: what a finding tells of all of them is in the summary.
    """
    document, agreement = report.document, agree(report.document)
    return [
        *_troubles(document),
        *_failures(document),
        *_comparison(report),
        *_causes(report, agreement),
    ]


def _comparison(report: AuditReport) -> Iterable[Annotation]:
    if report.compared is not None and report.compared.worse:
        headline, *lines = report.compared.lines
        yield Annotation("error", headline.rstrip(":"), _sentences(*lines))


def _troubles(document: Document) -> Iterable[Annotation]:
    """Hosts that could not be audited, those of one reason together."""
    for names, status, reason, remedy in alike_troubles(document.hosts):
        kind: Literal["error", "warning"] = "warning" if status == "skipped" else "error"
        yield Annotation(kind, f"{fold_short(names)} {status}", _sentences(reason, remedy))


def _failures(document: Document) -> Iterable[Annotation]:
    for failure in failures(document, lambda _run, _step: []):
        where = f"{', '.join(failure.scenarios)} on {failure.hosts}"
        yield Annotation("error", where, _sentences(failure.reason, failure.step))


def _causes(report: AuditReport, agreement: Agreement) -> Iterable[Annotation]:
    causes = causes_of_differences(report.findings, agreement)
    for cause in causes:
        if isinstance(cause, Finding):
            sure = f"{cause.name} ({cause.confidence})"
            yield Annotation(
                "warning",
                sure,
                _sentences(cause.title, cause.advice, *typed_lines(commands_of(cause))),
            )
        else:
            more = to_learn_more(cause, report.findings.needs)
            yield Annotation("warning", "unexplained", _sentences(cause.title, *more))
    if agreement.disagreements and not causes:
        headline, *places = verdict(report.document, agreement, report.findings)
        yield Annotation("warning", "no cause found", _sentences(headline, *places))


def _sentences(*lines: str) -> str:
    return "\n".join(filter(None, lines))


def _command(annotation: Annotation, build: str) -> str:
    title = _escaped(clean_line(f"{build}: {annotation.title}"))
    title = title.replace(":", "%3A").replace(",", "%2C")
    text = "\n".join(map(clean_line, annotation.text.split("\n")))
    return f"::{annotation.kind} title={title}::{_escaped(text)}"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _bytes(text: str) -> int:
    return len(text.encode())
