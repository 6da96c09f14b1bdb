"""What a cause costs, in words: how many seconds, and which builds pay them."""

from __future__ import annotations

from cachetui.findings.record import Finding, Paid, Unexplained
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
    "once": ("once: the next build there hits", "once: the next builds there hit"),
    "per-change": ("after each change of it", "after each change of it"),
    "per-run": ("whenever these steps run", "whenever these steps run"),
    "per-fresh-host": ("as long as its cache is empty", "as long as their caches are empty"),
    "per-build": ("at every build", "at every build"),
}
"""The same in a sentence about one host, and about several."""

_NOT_KNOWN = "this time"
"""Of what no rule explains: nobody knows whether it is paid again."""


def paid(reason: Finding | Unexplained) -> Paid | None:
    """By which builds the seconds are paid, None where that is not known."""
    return reason.paid if isinstance(reason, Finding) else None


def brief(reason: Finding | Unexplained) -> str:
    """ "+6.6s once", "+1.3s per change"; a dash where it costs no seconds."""
    if reason.seconds is None:
        return units.NOTHING
    when = paid(reason)
    return f"+{units.seconds(reason.seconds)} {_NOT_KNOWN if when is None else _SHORT[when]}"


def told(reason: Finding | Unexplained) -> str:
    """ "costs 6.6s once: the next build there hits", of several hosts "costs up to 6.6s on each
    host, once: the next builds there hit"; "" where it costs no seconds."""
    if reason.seconds is None:
        return ""
    when, several = paid(reason), len(reason.hosts) > 1
    cost = units.seconds(reason.seconds)
    text = f"costs up to {cost} on each host" if several else f"costs {cost}"
    if when is None:
        return f"{text} {_NOT_KNOWN}"
    return f"{text}{',' * several} {_WHOLE[when][several]}"


def steps(reason: Finding | Unexplained) -> str:
    """How many steps a cause is in, and how many missed for it: "1 step, and 7 more because of it".
    A FROM is no step that misses: "the FROM of 3 stages; 11 steps missed because of it"."""
    causes, below = len(reason.steps), len(reason.consequences)
    more = "; with either builder, " if len(reason.backends) > 1 else "; "
    if causes and all(step.index == 0 for step in reason.steps):
        stages = units.count(causes, "stage")
        missed = f"{more}{units.count(below, 'step')} missed because of it" if below else ""
        return f"the FROM of {stages}{missed}"
    return units.steps_below(max(1, causes), below)
