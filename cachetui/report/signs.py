"""One sign, word and tone for every state, the same in tables, progress and the app.

A sign never stands without its word, so that nothing rests on colour or shape alone. The verdicts
of images, which are no states, have theirs in `outputs.view`.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Tone = Literal["good", "warn", "bad", "muted", "accent"]

ODD = "≠"
"""Marks the odd one out, which does not do as most hosts do (to hit alone is not odd), and whatever
differs of two."""

SPLIT = "÷"
"""Marks where hosts differ and there is no odd one out: no side has more than half, or a few alone
hit."""

CRITICAL = "◆"
"""Marks the steps that decided when a build ended."""

MARKED = "■"
"""Marks the rows that were chosen in the app."""

WARNING = "!"
"""Marks what needs attention but is no failure: a loaded host, a missing builder."""


class State(NamedTuple):
    """How a state shows. `short` is the word for narrow columns."""

    sign: str
    word: str
    short: str
    tone: Tone


def _state(sign: str, word: str, tone: Tone, short: str | None = None) -> State:
    return State(sign, word, word if short is None else short, tone)


STEP_STATES: dict[str, State] = {
    "hit": _state("✓", "HIT", "good"),
    "miss": _state("○", "MISS", "warn"),
    "failed": _state("✗", "FAILED", "bad"),
    "stopped": _state("–", "stopped", "muted"),
    "lost": _state("✗", "lost", "bad"),
    "not-needed": _state("–", "not needed", "muted", "skip"),
    "not-reached": _state("·", "not reached", "muted", "n/r"),
    "unsupported": _state("⊘", "unsupported", "muted", "unsup."),
    "absent": _state(" ", "no step", "muted", ""),
    "base": _state("·", "base", "muted", ""),
    "mixed": _state("~", "differ", "warn"),
}
"""Status of a step. Further: "absent" where a builder has no such step, "base" for a FROM or an ARG
before it, which neither hits nor misses, "mixed" where repeats, or hosts of one column, differ."""

CELL_STATES: dict[str, State] = {
    "queued": _state("·", "queued", "muted"),
    "building": _state("▸", "building", "accent"),
    "done": _state("✓", "done", "good"),
    "stored": _state("↺", "stored", "good"),
    "failed": _state("✗", "failed", "bad"),
    "unsupported": _state("⊘", "unsupported", "muted", "unsup."),
    "unreachable": _state("✗", "unreachable", "muted", "no host"),
    "cancelled": _state("–", "cancelled", "muted"),
    "skipped": _state("–", "skipped", "muted"),
}
"""State of one scenario on one host while an audit runs (`audit.progress.CellState`)."""

HOST_STATES: dict[str, State] = {
    "queued": _state("·", "queued", "muted"),
    "connecting": _state("▸", "connecting", "accent"),
    "asking": _state("▸", "asking for facts", "accent"),
    "waiting": _state("▸", "waiting", "accent"),
    "sending": _state("▸", "sending context", "accent"),
    "building": _state("▸", "building", "accent"),
    "reading": _state("▸", "reading the images", "accent"),
    "cleaning": _state("▸", "cleaning up", "accent"),
    "done": _state("✓", "done", "good"),
    "unreachable": _state("✗", "unreachable", "bad"),
    "failed": _state("✗", "failed", "bad"),
    "cancelled": _state("–", "cancelled", "muted"),
}
"""State of a host while an audit runs (`audit.progress.HostState`)."""

RUN_STATES: dict[str, State] = {
    "ok": _state("✓", "ok", "good"),
    "failed": _state("✗", "FAILED", "bad"),
    "unsupported": _state("⊘", "unsupported", "muted", "unsup."),
    "cancelled": _state("–", "cancelled", "muted"),
    "lost": _state("✗", "LOST", "bad"),
}
"""How a run ended (`records.run.RunStatus`)."""

CONFIDENCES: dict[str, State] = {
    "proved": _state("●", "proved", "good"),
    "likely": _state("◉", "likely", "warn"),
    "possible": _state("◌", "possible", "muted"),
    "unexplained": _state("?", "unexplained", "accent"),
}
"""How sure a finding is (`findings.record.Confidence`), or that there is none. No step has
these signs."""

_KEY = (
    ("✓", "hit"),
    ("◐", "some hit"),
    ("○", "miss"),
    ("↺", "stored run"),
    ("⊘", "unsupported"),
    ("~", "median"),
    ("≤", "up to"),
    (ODD, "odd"),
    (SPLIT, "split"),
    *((state.sign, state.word) for state in CONFIDENCES.values()),
)


def key_of_signs(text: str) -> dict[str, str]:
    """Sign → "✓ hit", for each sign of hosts, scenarios and causes that stands in a text."""
    return {sign: f"{sign} {words}" for sign, words in _KEY if sign in text}


def ratio_sign(hits: int, misses: int) -> str:
    """The sign of a hit ratio: all, none or some of the steps hit."""
    return "✓" if not misses else "◐" if hits else "○"


PROOF_OUTCOMES: dict[str, State] = {
    "proved": _state("●", "proved", "good"),
    "withdrawn": _state("✗", "withdrawn", "bad"),
    "undecided": _state("?", "undecided", "muted"),
}
"""What an experiment made of a finding (`findings.record.Proof.outcome`)."""
