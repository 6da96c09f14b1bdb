"""`--compare-to`: whether an audit is worse than an earlier one."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from cachetui.cli.failures import tell
from cachetui.cli.stored import load_audit
from cachetui.compare.groups import fold_short
from cachetui.compare.timings import ENOUGH
from cachetui.core import UserError
from cachetui.exit_codes import DIFFERENT, SAME, TROUBLE
from cachetui.findings.worse import Worse, Worsening, worse_than
from cachetui.records.document import Document
from cachetui.records.scenario import BUILDKIT_FOUND
from cachetui.report import units
from cachetui.report.audit_report import Compared
from cachetui.report.clean import clean_line
from cachetui.report.verdict import every_build_failed
from cachetui.store.database import Store

MAX_LINES = 20
"""Steps that are listed."""

LAST = "last"

MAX_TRIED = 20
"""Audits among which the last one without trouble is looked for."""


def earlier_audit(
    store: Store, name: str | None, build: str, *, before: float | None = None
) -> Document | None:
    """The audit that --compare-to names, None without the option. "last" is the last one of this
    build that had no trouble and, with `before`, had begun then (seconds since the epoch). Raises
    `UserError`."""
    if name is None:
        return None
    if name == LAST:
        own = [
            entry.audit
            for entry in store.audits()
            if entry.build == build
            and not entry.peek
            and (before is None or entry.started_at < before)
        ]
        if not own:
            raise UserError(f"--compare-to last: no earlier audit of {build} is stored")
        return _last_whole(store, own)
    document = load_audit(store, name)
    if document.build.name != build:
        raise UserError(
            f"--compare-to: {document.audit} is an audit of {document.build.name}, not of {build}"
        )
    return document


def _last_whole(store: Store, audits: Sequence[str]) -> Document:
    """The first of these audits, newest first, in which every host was there and every run ended
    well; where none of the first `MAX_TRIED` is so, the first. Which it is, is told where it is not
    simply the last. Raises `UserError`."""
    newest = load_audit(store, audits[0])
    for passed, audit in enumerate(audits[:MAX_TRIED]):
        document = load_audit(store, audit) if passed else newest
        if _is_whole(document):
            if passed:
                later = "the one since" if passed == 1 else f"the {passed} since"
                tell(f"--compare-to last is {audit}: {later} had hosts or runs in trouble")
            return document
    tell(f"--compare-to last is {audits[0]}: it and all others had hosts or runs in trouble")
    return newest


def _is_whole(document: Document) -> bool:
    hosts = all(host.status == "ok" for host in document.hosts)
    return hosts and all(run.status in ("ok", "unsupported") for run in document.runs)


def code_with_comparison(code: int, document: Document, before: Document | None) -> int:
    """The exit code: 1 where the audit is worse than the one before, which is told on standard
    error, else 0, whether or not hosts differ. Trouble stays trouble, and so is a comparison of
    nothing."""
    if before is None:
        return code
    found = worse_than(document, before)
    tell("\n".join(_lines(found, document, before)))
    if code not in (SAME, DIFFERENT) or not found.compared:
        return TROUBLE if code in (SAME, DIFFERENT) else code
    return DIFFERENT if found.steps else SAME


def compared(document: Document, before: Document | None) -> Compared | None:
    """The same for a report; None without an audit before."""
    if before is None:
        return None
    found = worse_than(document, before)
    return Compared(
        (
            *(line.strip() for line in _lines(found, document, before)),
            *_words_for(document, before),
        ),
        worse=bool(found.steps),
        nothing=not found.compared,
        failed=not found.compared and every_build_failed(document),
    )


def _words_for(document: Document, before: Document) -> Iterator[str]:
    """What the lines of `_lines` mean, for who reads them without having typed the command."""
    began = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(before.started_at))
    yield f"{before.audit} is the audit of {began}; each host is compared with itself then"
    if any(run.scenario == BUILDKIT_FOUND.name for run in document.runs):
        yield (
            f"{BUILDKIT_FOUND.name} is the build as docker build makes it there, with the "
            "host's own cache"
        )


def _lines(found: Worsening, document: Document, before: Document) -> Iterator[str]:
    audit = before.audit
    if not found.compared and every_build_failed(document):
        yield f"every build failed: nothing to compare with {audit}"
    elif not found.compared:
        yield f"nothing to compare with {audit}: no host ran the same scenario in both"
    elif not found.steps:
        places = units.count(found.places, "run", "runs")
        yield f"not worse than {audit}: {units.count(found.compared, 'step')} of {places} compared"
    else:
        listed = list(_gathered(found.steps))
        yield f"worse than {audit}:"
        yield from (f"  {line}" for line in listed[:MAX_LINES])
        if len(listed) > MAX_LINES:
            yield f"  and {len(listed) - MAX_LINES} more"
    if found.edited:
        edited = units.count(found.edited, "instruction")
        yield f"  not compared: {edited} of the Dockerfile that changed since"
    scenarios: dict[str, list[str]] = {}
    for host, scenario in found.missing:
        scenarios.setdefault(scenario, []).append(host)
    for scenario, hosts in scenarios.items():
        yield f"  not compared: {scenario} on {fold_short(hosts)}, which has not run to its end now"
    if found.few_samples:
        yield f"  seconds were not compared: that takes --repeat {ENOUGH} in both"


def _gathered(steps: tuple[Worse, ...]) -> Iterator[str]:
    """A line for each step that is the first to miss, with all hosts where it is, and for each that
    takes longer."""
    below: dict[tuple[str, str], list[Worse]] = {}
    for worse in steps:
        if worse.slower is None:
            below.setdefault((worse.host, worse.scenario), []).append(worse)
    alike: dict[tuple[str, str, int], list[str]] = {}
    for (host, scenario), own in below.items():
        alike.setdefault((scenario, _missed(own[0]), len(own) - 1), []).append(host)
    for (scenario, missed, more), hosts in alike.items():
        with_it = f", and {units.count(more, 'later step')} with it" if more else ""
        yield f"{scenario} on {fold_short(hosts)}: {missed}{with_it}"
    for worse in steps:
        if worse.slower is not None:
            where = f"{worse.scenario} on {worse.host}: {_step(worse)}"
            yield f"{where} takes {worse.slower.seconds:.1f}s longer, {worse.slower.sentence()}"


def _missed(worse: Worse) -> str:
    word = "failed" if worse.step.status == "failed" else "missed"
    often = "" if worse.missed == worse.runs else f" in {worse.missed} of {worse.runs} runs"
    return f"{_step(worse)} hit then and {word} now{often}"


def _step(worse: Worse) -> str:
    return f"line {worse.step.line} {clean_line(worse.step.instruction, 60)}"
