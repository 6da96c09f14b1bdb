"""The verdict on an audit: whether hosts behave alike, and where they do not. Cleaned."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from cachetui.compare.align import Agreement, Disagreement
from cachetui.compare.engines import each_engine_once
from cachetui.compare.groups import fold_short
from cachetui.findings import Finding, Findings, StepRef
from cachetui.findings.wording import join_names
from cachetui.records.document import Document
from cachetui.records.step import StepId
from cachetui.report import costs, units
from cachetui.report.causes import Cause, causes_of_differences, parts_hosts
from cachetui.report.clean import clean_line
from cachetui.report.signs import ODD, SPLIT, STEP_STATES

NO_FINDINGS = Findings()
MAX_PLACES = 12
"""Differences that are listed."""


def verdict(document: Document, agreement: Agreement, findings: Findings) -> tuple[str, ...]:
    """Whether hosts behave alike, and where not: a headline, which counts the causes of that,
    then a line for each step and scenario."""
    missing = [host.name for host in document.hosts if host.status != "ok"]
    not_compared = f" Not compared: {clean_line(fold_short(missing))}." if missing else ""
    besides = not_compared
    if agreement.failed:
        besides = f" Failed everywhere: {clean_line(', '.join(agreement.failed))}.{besides}"
    if all_failed(document, agreement):
        return (f"Every build failed: {clean_line(', '.join(agreement.failed))}.{not_compared}",)
    if not agreement.compared:
        return (f"Nothing to compare: no scenario ran on two hosts.{besides}",)
    if agreement.agree:
        counted = each_engine_once(document).runs
        hosts = len({run.host for run in counted if run.scenario in agreement.compared})
        scenarios = units.count(len(agreement.compared), "scenario")
        return (f"{hosts} hosts agree step by step in {scenarios}.{besides}",)
    causes = causes_of_differences(findings, agreement)
    return (f"{hosts_differ(agreement, causes)}.{besides}", *places(agreement))


def all_failed(document: Document, agreement: Agreement) -> bool:
    """Whether all that ran failed, and alike: nothing is left to be compared."""
    return bool(agreement.failed) and agreement.agree and every_build_failed(document)


def every_build_failed(document: Document) -> bool:
    """Whether all builds that hosts could begin failed, alike or not."""
    return {run.status for run in document.runs} - {"unsupported"} == {"failed"}


def how_many_differ(agreement: Agreement, *, brief: bool = False) -> str:
    """ "81 of 193 hosts differ", `brief` "81 of 193 differ", where in steps several hosts are odd
    and hosts are split in none; else "Hosts differ"."""
    in_steps = [each for each in agreement.disagreements if each.step is not None]
    odd = {host for each in in_steps for host in each.odd}
    every = {host for each in in_steps for host in each.hosts}
    if len(odd) < 2 or not all(each.odd for each in in_steps):
        return "Hosts differ"
    return f"{len(odd)} of {len(every)}{'' if brief else ' hosts'} differ"


def hosts_differ(agreement: Agreement, causes: Sequence[Cause]) -> str:
    """That hosts differ, and for how many causes: "Hosts differ: 1 cause"; of several, whom the
    most costly hits, explained or not: "Hosts differ: 4 causes. ci-3 paid most: +6.6s once"."""
    found = f"{how_many_differ(agreement)}: {causes_found(causes, agreement)}"
    most = pays_most(causes)
    if most is None:
        return found
    hosts, cost = most
    return f"{found}. {clean_line(fold_short(hosts))} {cost}"


def pays_most(
    causes: Sequence[Cause], *, brief: bool = False
) -> tuple[tuple[str, ...], str] | None:
    """Whom the most costly of several causes hits, explained or not, and what it costs: (hosts,
    "paid most: up to 6.6s each, once" of what the audit's own build has paid, `brief` "paid most:
    ≤6.6s once", else "pay most: …"). None of a single cause, or where none costs anything."""
    first = max(causes, key=lambda cause: cause.seconds or 0.0, default=None)
    if first is None or len(causes) < 2 or not first.seconds:
        return None
    now = "pays" if len(first.hosts) == 1 else "pay"
    done = costs.is_paid(first)
    verb = now if done is None else "paid" if done else "will pay"
    cost = costs.amount(first) if brief else costs.most(first)
    return first.hosts, f"{verb} most: {cost}"


def in_few_words(agreement: Agreement) -> str:
    """The same for a list of audits: "agree", "≠ ci-3" for the odd ones, "÷ split", "÷ only
    ci-3 hit"."""
    if agreement.disagreements:
        odd = dict.fromkeys(host for each in agreement.disagreements for host in each.odd)
        if odd:
            return f"{ODD} {clean_line(fold_short(odd))}"
        hit = {difference.alone_hit for difference in agreement.disagreements}
        alone = hit.pop() if len(hit) == 1 else ()
        return f"{SPLIT} only {clean_line(fold_short(alone))} hit" if alone else f"{SPLIT} split"
    return "agree" if agreement.compared else "nothing to compare"


def places(agreement: Agreement, findings: Findings = NO_FINDINGS) -> tuple[str, ...]:
    """A line for each step and scenario in which hosts differ, less those that a cause among
    `findings` tells of, as its step or a consequence."""
    reasons: list[Cause] = [*filter(parts_hosts, findings.findings), *findings.unexplained]
    untold = (
        difference
        for difference in agreement.disagreements
        if not any(_tells(reason, difference) for reason in reasons)
    )
    lines = [_describe(difference) for difference in _by_place(untold).values()]
    more = len(lines) - MAX_PLACES
    return (
        *lines[:MAX_PLACES],
        *[f"and in {units.count(more, 'more place', 'more places')}"] * (more > 0),
    )


def number_of_places(agreement: Agreement) -> int:
    """In how many steps of how many scenarios hosts differ, listed or not."""
    return len(_by_place(agreement.disagreements))


def _by_place(
    differences: Iterable[Disagreement],
) -> dict[tuple[str, StepId | None], Disagreement]:
    """The first of each scenario and step."""
    found: dict[tuple[str, StepId | None], Disagreement] = {}
    for difference in differences:
        found.setdefault((difference.scenario, difference.step), difference)
    return found


def _tells(reason: Cause, difference: Disagreement) -> bool:
    """As `is_about`, of any of its hosts."""
    place = difference.step and StepRef.of(difference.step)
    return (
        difference.scenario in reason.scenarios
        and (place is None or place in reason.steps or place in reason.consequences)
        and not {*reason.hosts}.isdisjoint(difference.hosts)
    )


def causes_found(causes: Sequence[Cause], agreement: Agreement, *, brief: bool = False) -> str:
    """How many of them are found, and how many differences no cause is found for: "1 cause, 3
    differences unexplained", where it is to be `brief` "1 cause, 3 unexplained"; "ci-3 cannot run
    legacy-cold" where that is all."""
    places = agreement.disagreements
    if places and not causes and all(each.is_of_builders for each in places):
        return "; ".join(_what_cannot_run(agreement))
    found = sum(isinstance(cause, Finding) for cause in causes)
    unexplained = len(causes) - found
    told = units.count(found, "cause") if found else "no cause found"
    if not unexplained:
        return told
    if brief and found:
        return f"{told}, {unexplained} unexplained"
    differences = f"{units.count(unexplained, 'difference')} unexplained"
    return f"{told}, {differences}" if found else differences


def _what_cannot_run(agreement: Agreement) -> Iterator[str]:
    """ "ci-3 cannot run legacy-cold and legacy-warm", for hosts of the same scenarios."""
    scenarios: dict[tuple[str, ...], list[str]] = {}
    for each in agreement.disagreements:
        cannot = next(side.hosts for side in each.sides if side.status == "unsupported")
        scenarios.setdefault(cannot, []).append(each.scenario)
    for hosts, names in scenarios.items():
        told = join_names([clean_line(name) for name in dict.fromkeys(names)])
        yield f"{clean_line(fold_short(hosts))} cannot run {told}"


def _describe(difference: Disagreement) -> str:
    sides = "; ".join(
        f"{clean_line(fold_short(side.hosts))} {_word(side.status)}"
        for side in reversed(difference.sides)
    )
    where = clean_line(difference.scenario)
    if difference.step is not None:
        where += f", line {difference.line} {clean_line(difference.instruction or '')}"
    return f"{where}: {sides}"


def _word(status: str) -> str:
    """The word for how a step, or a run, ended."""
    state = STEP_STATES.get(status)
    return status if state is None else state.word
