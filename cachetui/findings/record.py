"""What is said about why runs differ: findings with their evidence, and what stays unexplained."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

import msgspec

from cachetui.records.backend import Backend
from cachetui.records.base import Record
from cachetui.records.step import StepId

Confidence = Literal["proved", "likely", "possible"]
"""`proved`: shown by an experiment, or by the engine's own record. `likely`: all that is known
agrees, and an experiment could still show otherwise. `possible`: seen in the Dockerfile or the
host's state, not in what ran."""

Paid = Literal["once", "per-change", "per-run", "per-fresh-host", "per-build"]
"""When the seconds of a finding are paid. `once`: by the next build on a host, whose cache then has
it. `per-change`: by the first build after each change of what the finding names. `per-run`:
whenever these steps run, not where they hit. `per-fresh-host`: on a host whose own caches are
empty. `per-build`: by every build."""

CONFIDENCES: tuple[Confidence, ...] = ("proved", "likely", "possible")
"""From sure to unsure."""

EvidenceKind = Literal[
    "dockerfile",  # a line of it
    "run",  # what the engine said in a run
    "facts",  # what a host reports of itself
    "manifest",  # files of a build context, compared
    "earlier",  # an audit that is kept
    "timing",  # seconds, with how many samples they are
    "cache",  # what an engine's cache holds
    "output",  # what a step made
    "experiment",  # a build made for this, and what it showed
    "source",  # where the mechanism is written
]


class StepRef(Record, frozen=True):
    """A step by its place: as `StepId`, without triggers (which stand at their FROM)."""

    stage_index: int
    index: int

    @classmethod
    def of(cls, step: StepId) -> StepRef:
        return cls(step.stage_index, step.index)


class Evidence(Record, frozen=True, kw_only=True):
    """A fact that a finding rests on: a sentence, and the same as data for programs.

    `hosts` are those that it holds for, in the order of the audit; none for what is about no host.
    `data` are its values: on all these hosts they are equal. `runs` are the ids of the runs that
    show it. Text in it can come from a build or a host: it is cleaned where it is shown.
    """

    kind: EvidenceKind
    text: str
    data: dict[str, Any] = msgspec.field(default_factory=dict)
    hosts: tuple[str, ...] = ()
    runs: tuple[str, ...] = ()


class Finding(Record, frozen=True, kw_only=True):
    """Why runs differ. `id` is the rule's; `name` is unique in its audit ("base-drift:2", the
    line of the first step) and is what `prove` takes.

    `steps` are the causes in Dockerfile order, `consequences` the steps that missed because of
    them. `seconds` is what one build pays for it, with its consequences, on the host and with the
    builder where that is most; None when it costs nothing or is not known. `least_seconds` is what
    it is where that is least, None where that is not known. Where it costs seconds with both
    builders, `builder_seconds` has those of each. `paid` says by which builds, None for a
    rule about something else than seconds. `brief` is the cause in a few words, to stand beside its
    hosts' names; empty where the title is short. `suspect` is what an experiment would change,
    empty when there is none to make. `commands` do what the advice says, where that is done on
    hosts: lines for a shell that reaches each host by its name with ssh. Where hosts of each
    platform take another one, `platforms` has that of each command; else it is empty. `ways`
    have what each does, where one way is to be chosen, and `choice` the same in one line: what
    decides, which hosts, and at which price, in fewer and fewer words.
    """

    id: str
    name: str
    title: str
    confidence: Confidence
    hosts: tuple[str, ...]
    backends: tuple[Backend, ...]
    scenarios: tuple[str, ...] = ()
    steps: tuple[StepRef, ...] = ()
    consequences: tuple[StepRef, ...] = ()
    seconds: float | None = None
    least_seconds: float | None = None
    builder_seconds: dict[Backend, float] = msgspec.field(default_factory=dict[Backend, float])
    paid: Paid | None = None
    brief: str = ""
    evidence: tuple[Evidence, ...] = ()
    advice: str
    commands: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()
    ways: tuple[str, ...] = ()
    choice: tuple[str, ...] = ()
    suspect: dict[str, Any] = msgspec.field(default_factory=dict)


class Unexplained(Record, frozen=True, kw_only=True):
    """Runs that differ and no rule says why: `facts` are what differs between them, and
    `suspects` the rules that each could explain it, of which none is proved. `brief`, `seconds`,
    `least_seconds` and `builder_seconds` are as those of a finding."""

    title: str
    brief: str = ""
    hosts: tuple[str, ...]
    backends: tuple[Backend, ...]
    scenarios: tuple[str, ...] = ()
    steps: tuple[StepRef, ...] = ()
    consequences: tuple[StepRef, ...] = ()
    seconds: float | None = None
    least_seconds: float | None = None
    builder_seconds: dict[Backend, float] = msgspec.field(default_factory=dict[Backend, float])
    facts: tuple[Evidence, ...] = ()
    suspects: tuple[str, ...] = ()


def is_about(
    reason: Finding | Unexplained, host: str, scenario: str, steps: Iterable[StepRef] | None
) -> bool:
    """Whether a finding, or what no rule explains, is about one of these steps (None: about
    anything) on a host in a scenario: as a cause or a consequence. It can still have hit there: a
    finding tells of several hosts, scenarios and steps, and not of each of them together."""
    if host not in reason.hosts or scenario not in reason.scenarios:
        return False
    return steps is None or not {*reason.steps, *reason.consequences}.isdisjoint(steps)


class Proof(Record, frozen=True, kw_only=True):
    """An experiment made for a finding, and what came of it.

    `proved`: the cause holds. `withdrawn`: the step does the same without it. `undecided`: the
    builds did not show which, and `evidence` says why. It belongs to the finding of its `id` and
    `steps`. `host` is where it ran, `at` when (seconds since the epoch), `commands` what ran.
    """

    audit: str
    id: str
    steps: tuple[StepRef, ...]
    host: str
    outcome: Literal["proved", "withdrawn", "undecided"]
    evidence: tuple[Evidence, ...]
    at: float
    commands: tuple[str, ...] = ()


class Need(Record, frozen=True, kw_only=True):
    """What a rule would need to say more: `text` is a sentence, and `command` the command of
    cachetui's that gets it; empty where it takes something else. `first` is what has to be done
    before it, "" where that is nothing. `of_misses`: it tells why steps missed, so where every miss
    is explained it is not needed."""

    id: str
    text: str
    command: str = ""
    first: str = ""
    of_misses: bool = False


class Findings(Record, frozen=True, kw_only=True):
    """All that is said about an audit: findings and what stays unexplained, most costly first, and
    what could be asked next."""

    findings: tuple[Finding, ...] = ()
    unexplained: tuple[Unexplained, ...] = ()
    needs: tuple[Need, ...] = ()
