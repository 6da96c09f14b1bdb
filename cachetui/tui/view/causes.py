"""Why hosts differ, beside what shows it: the causes that cost most, and that of a cell. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from cachetui.findings.record import Finding, Findings, Need, StepRef, is_about
from cachetui.report import costs
from cachetui.report.reasons import commands_of, learn_more
from cachetui.report.shell import Typed, several_ways
from cachetui.tui.view.finding_lines import (
    Reason,
    all_of,
    command_lines,
    confidence_span,
    copies,
    counted,
    hosts_of,
    in_few_words,
    in_order,
    shorter,
    wrapped,
)
from cachetui.tui.view.text import Line, Span, clean_line, line, width_of

_MOST_COMMAND = 5
"""Lines of commands that are shown; of more, where they are."""


@dataclass(frozen=True, slots=True)
class Where:
    """What the cursor is on: hosts, a scenario (None: all), and steps (None: all of them)."""

    hosts: tuple[str, ...]
    scenario: str | None = None
    steps: tuple[StepRef, ...] | None = None


def by_cost(findings: Findings | None) -> tuple[Reason, ...]:
    """What is found, and what stays unexplained: what costs most first."""
    if findings is None:
        return ()
    return tuple(sorted(in_order(findings), key=lambda reason: -(reason.seconds or 0.0)))


def reason_at(findings: Findings | None, where: Where) -> Reason | None:
    """The finding about what the cursor is on, that which costs most; None when there is none.
    What can tell why hosts differ comes before what every host does alike; among steps, one that
    names the step as a cause before one that names what follows."""
    from cachetui.report.causes import parts_hosts

    about = [reason for reason in by_cost(findings) if _is_at(reason, where)]
    causes = [one for one in about if not isinstance(one, Finding) or parts_hosts(one)]
    about = causes or about
    steps = set(where.steps or ())
    return next((r for r in about if steps & set(r.steps)), about[0] if about else None)


def _is_at(reason: Reason, where: Where) -> bool:
    scenarios = reason.scenarios if where.scenario is None else (where.scenario,)
    return any(
        is_about(reason, host, scenario, where.steps)
        for host in where.hosts
        for scenario in scenarios
    )


def ranks(findings: Findings | None, all_hosts: Collection[str]) -> dict[str, int]:
    """Host → the place of the cause that costs it most, from 0. Causes that hit all hosts, and
    those that cost nothing, give no place."""
    found: dict[str, int] = {}
    for reason in by_cost(findings):
        if reason.seconds and not set(reason.hosts) >= set(all_hosts):
            place = len(set(found.values()))
            for host in reason.hosts:
                found.setdefault(host, place)
    return found


def why_lines(
    reason: Reason,
    width: int,
    height: int,
    elsewhere: str = "",
    needs: Sequence[Need] = (),
    *,
    copied: bool = False,
    above: bool = False,
) -> list[Line]:
    """A finding in at most `height` lines of `width` cells: how sure it is and what it costs, why,
    what to type, the advice, and as much of its evidence as there is room for. `elsewhere` says
    where it holds when that is not where the cursor is. For what is unexplained, the one of the
    `needs` that would tell more stands in place of the advice. `copied` says that a key copies
    what is to be typed; `above` that it stands above already."""
    commands = commands_of(reason, needs) if not above else ()
    lines = [_head(reason, width, elsewhere, copies(commands) if commands and copied else "")]
    typed = _to_type(commands, width, max(1, height - 2))
    most = 1 if height < 6 or (typed and len(typed) > height - 5) else 2  # two are for the advice
    title = in_few_words(reason, (width - 8) * most - (most > 1) * 40)  # lines break at words
    lines += wrapped(title, width - 4, "strong", "    ", max_lines=most)
    lines += typed
    lines += _advice(reason, needs, width - 4, min(4, height - len(lines)))
    evidence = list(_evidence(reason, width - 4))
    left = max(0, height - len(lines))
    if len(evidence) > left:
        evidence = [
            *evidence[: max(0, left - 1)],
            line(("    … ", "muted"), ("w", "key"), " shows it all"),
        ]
    return [*lines, *evidence][:height]


def _head(reason: Reason, width: int, elsewhere: str, copied: str) -> Line:
    """How sure it is, what it costs and whom it hits: as much of it as fits whole."""
    start: list[str | Span | Line] = [("WHY ", "title"), *confidence_span(reason)]
    start += [(f" · {elsewhere}", "warn")] if elsewhere else []
    price = [costs.told(reason), costs.brief(reason)] if reason.seconds is not None else [""]
    hosts: Span = (f" · {hosts_of(reason, width // 3)}", "")
    key = line((" · ", "muted"), ("y", "key"), f" {copied}") if copied else ()
    told: Line = ()
    for cost in price:
        for end in ((hosts, *key), (hosts,), ()):
            told = line(*start, (f" · {cost}" if cost else "", "strong"), *end)
            if width_of(told) <= width:
                return told
    return told


def _advice(reason: Reason, needs: Sequence[Need], width: int, most: int) -> Iterator[Line]:
    """What to do, or what would tell more about what is unexplained, in at most so many lines."""
    more = learn_more(reason, needs)
    text = f"to learn more: {more.text}" if more is not None else ""
    text = counted(text) if cell_len(text) > most * (width - 8) else text
    if isinstance(reason, Finding):
        text = shorter(reason, reason.advice, most * (width - 8))  # lines break at words
        fits = (clean_line(each) for each in reason.choice if cell_len(each) <= width - 6)
        text = next(fits, text) if most == 1 else text
    if not text or most < 1:
        return
    told = list(wrapped(text, width, "", "  → ", max_lines=most))
    last = "".join(part for part, _ in told[-1])
    if last.endswith("…"):  # where the rest is
        end = line(("w", "key"), (" has it all", "muted"))
        kept = last[4:].removesuffix("…")[: width - 6 - width_of(end)].rpartition(" ")[0]
        told[-1] = line(told[-1][0], f"{kept} … ", *end)
    yield from told


def _to_type(commands: Sequence[Typed], width: int, most: int) -> list[Line]:
    """Commands in at most so many lines, whole; where there is no room for all, where they are: a
    command that was cut could be typed as it stands."""
    shown = [part for command in commands for part in command_lines(command, width)]
    if len(shown) <= min(most, _MOST_COMMAND):
        return shown
    ways = "both ways, " if several_ways(commands) else ""
    return [line(("  → ", "muted"), ("w", "key"), (f" has {ways}{all_of(commands)}", "muted"))]


def _evidence(reason: Reason, width: int) -> Iterator[Line]:
    facts = reason.evidence if isinstance(reason, Finding) else reason.facts
    if not isinstance(reason, Finding) and reason.suspects:
        yield from wrapped(f"could be: {', '.join(reason.suspects)}", width, "muted", "  · ")
    for fact in facts:
        mark = "  ⚗ " if fact.kind == "experiment" else "  · "
        yield from wrapped(fact.text, width, "", mark)


def nothing_to_explain(missed: int, *, differs: bool) -> Line:
    """What stands in place of a finding where there is none: `missed` counts the steps, and
    `differs` says that hosts do otherwise."""
    if differs:
        return line(("WHY ", "title"), ("no cause found.", "warn"))
    text = "what missed here was expected" if missed else "nothing missed here"
    return line(("WHY ", "title"), (f"nothing to explain: {text}.", "muted"))


def whose(reasons: Sequence[Reason], odd: Collection[str], hosts: Collection[str]) -> bool:
    """Whether what costs most is about these `odd` ones of the `hosts`, and no others."""
    return (
        bool(reasons)
        and bool(set(odd) & set(reasons[0].hosts))
        and not (set(reasons[0].hosts) & (set(hosts) - set(odd)))
    )
