"""What a cause costs, in words: how many seconds, and which builds pay them."""

from __future__ import annotations

from cachetui.findings.record import Finding, Paid, Unexplained
from cachetui.findings.wording import BUILDER_WORDS
from cachetui.records.scenario import Scenario
from cachetui.report import units

_SHORT: dict[Paid, str] = {
    "once": "once",
    "per-change": "per change",
    "per-run": "per run",
    "per-fresh-host": "per new host",
    "per-build": "per build",
}
"""Behind the seconds, where there is room for few words."""

_WHOLE: dict[Paid, tuple[str, str]] = {
    "once": (
        "once: the same build hits there afterwards",
        "once: the same builds hit there afterwards",
    ),
    "per-change": ("after each change of it", "after each change of it"),
    "per-run": ("whenever these steps run", "whenever these steps run"),
    "per-fresh-host": ("as long as its cache is empty", "as long as their caches are empty"),
    "per-build": ("at every build", "at every build"),
}
"""The same in a sentence about one host, and about several."""

_PAID: tuple[str, str] = (
    "once, paid by this audit: the same build hits there now",
    "once, paid by this audit: the same builds hit there now",
)
"""Of what is paid once, where a run of the audit was the build that paid it."""

_TO_PAY: tuple[str, str] = (
    "once, to be paid by the next build there",
    "once, to be paid by the next builds there",
)
"""Of that, where the audit only looked."""

_NOT_KNOWN = "once or more"
"""Of what no rule explains: nobody knows whether it is paid again."""


def paid(reason: Finding | Unexplained) -> Paid | None:
    """By which builds the seconds are paid, None where that is not known."""
    return reason.paid if isinstance(reason, Finding) else None


def is_paid(reason: Finding | Unexplained) -> bool | None:
    """Whether what is paid once has been paid, by a run of the audit that is a build as any other;
    False where the audit only looked at the cache. None where it is not paid once, or by a build
    with other caches than the user's."""
    kinds = [Scenario.of(name) for name in reason.scenarios]
    if paid(reason) != "once":
        return None
    if any(kind.warms for kind in kinds):
        return True
    return False if any(kind.peeks for kind in kinds) else None


def amount(reason: Finding | Unexplained) -> str:
    """ "+6.6s once", "+1.3s per change", "≤6.6s once" of several hosts or of both builders, some of
    which pay less; a dash where it costs no seconds."""
    if reason.seconds is None:
        return units.NOTHING
    return f"{_at_most(reason)} {_when(reason)}"


def most(reason: Finding | Unexplained) -> str:
    """The same in a sentence: "+1.3s per change", "up to 7.0s each with BuildKit, once", of hosts
    that pay the same "7.0s each, once"."""
    if reason.seconds is None:
        return units.NOTHING
    several, cost = len(reason.hosts) > 1, units.seconds(reason.seconds)
    dearest = _dearest(reason)
    if not several and not dearest:
        return amount(reason)
    most_of = "" if _all_alike(reason) else "up to "
    text = f"{most_of}{cost} each" if several else f"+{cost}"
    return f"{text}{f' with {dearest}' if dearest else ''}, {_when(reason)}"


def _when(reason: Finding | Unexplained) -> str:
    when = paid(reason)
    return _NOT_KNOWN if when is None else _SHORT[when]


def _at_most(reason: Finding | Unexplained) -> str:
    """The seconds of one build: "+6.6s", or "≤6.6s" where others pay less."""
    less = _dearest(reason) or (len(reason.hosts) > 1 and not _all_alike(reason))
    return f"{'≤' if less else '+'}{units.seconds(reason.seconds)}"


def _all_alike(reason: Finding | Unexplained) -> bool:
    """Whether each host pays as much as the others with any builder, as far as shown."""
    return units.seconds(reason.least_seconds) == units.seconds(reason.seconds)


def _dearest(reason: Finding | Unexplained) -> str:
    """The builder with which it costs most; "" where it costs as much with both, as far as shown,
    or is of one."""
    costs = reason.builder_seconds
    if len({units.seconds(cost) for cost in costs.values()}) < 2:
        return ""
    return BUILDER_WORDS[max(costs, key=lambda builder: costs[builder])]


def _with_builders(reason: Finding | Unexplained) -> str:
    """The seconds, of several builders with each, the dearest first: "6.6s with the legacy builder
    and 4.3s with BuildKit"."""
    costs = {
        BUILDER_WORDS[builder]: units.seconds(cost)
        for builder, cost in sorted(reason.builder_seconds.items(), key=lambda each: -each[1])
    }
    if len(costs) < 2:
        return units.seconds(reason.seconds)
    if len({*costs.values()}) == 1:
        return f"{units.seconds(reason.seconds)} with each builder"
    return " and ".join(f"{cost} with {builder}" for builder, cost in costs.items())


def brief(reason: Finding | Unexplained) -> str:
    """ "+6.6s once, paid", "≤6.6s next build", "+1.3s per change"; a dash where it costs no
    seconds."""
    done = is_paid(reason)
    if reason.seconds is None or done is None:
        return amount(reason)
    return f"{amount(reason)}, paid" if done else f"{_at_most(reason)} next build"


def told(reason: Finding | Unexplained) -> str:
    """ "costs 6.6s once, paid by this audit: the same build hits there now", of both builders
    "costs 6.6s with the legacy builder and 4.3s with BuildKit, once, …", of several hosts "costs up
    to 7.0s on each host, …"; "" where it costs no seconds."""
    if reason.seconds is None:
        return ""
    when, several = paid(reason), len(reason.hosts) > 1
    cost, with_each = _with_builders(reason), len(reason.builder_seconds) > 1
    most_of = "" if _all_alike(reason) else "up to "
    text = f"costs {cost}"
    if several:
        each = "on each host"
        text = f"costs {each} {most_of}{cost}" if with_each else f"costs {most_of}{cost} {each}"
    if when is None:
        return f"{text}, {_NOT_KNOWN}: whether again is not known"
    done = is_paid(reason)
    words = _WHOLE[when] if done is None else _PAID if done else _TO_PAY
    several = several or with_each
    return f"{text}{',' * several} {words[several]}"


def steps(reason: Finding | Unexplained) -> str:
    """How many steps a cause is in, and how many missed for it: "1 step, and 7 more because of it".
    A FROM is no step that misses: "the FROM of 3 stages; 11 steps missed because of it". A step is
    counted once, not once for each host and builder with which it missed, and of both this is said:
    "… with one builder or both"."""
    causes, below = len(reason.steps), len(reason.consequences)
    either = ", with one builder or both" if len(reason.backends) > 1 else ""
    if causes and all(step.index == 0 for step in reason.steps):
        stages = units.count(causes, "stage")
        missed = f"; {units.count(below, 'step')} missed because of it{either}" if below else ""
        return f"the FROM of {stages}{missed}"
    told = units.steps_below(max(1, causes), below)
    return f"{told}{either}" if below else told
