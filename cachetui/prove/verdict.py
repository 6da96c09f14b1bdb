"""What the builds of an experiment show: proved, withdrawn or undecided, with evidence. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from cachetui.findings.record import Evidence
from cachetui.prove.change import Change
from cachetui.records.run import Run
from cachetui.records.step import Step, StepId

Outcome = Literal["proved", "withdrawn", "undecided"]


@dataclass(frozen=True)
class Made:
    """A build of an experiment as it went: its run, and the step that was watched."""

    run: Run
    watch: StepId

    @property
    def step(self) -> Step | None:
        return next((one for one in self.run.steps if one.id == self.watch), None)

    @property
    def status(self) -> str:
        """Of the watched step; "none" where the build did not come to it."""
        step = self.step
        return step.status if step is not None and step.status in ("hit", "miss") else "none"

    @property
    def trouble(self) -> str:
        """Why the build did not come to the step."""
        return self.run.reason or f"the build ended as {self.run.status}"


@dataclass(frozen=True)
class Verdict:
    outcome: Outcome
    evidence: tuple[Evidence, ...]


Builds = Mapping[str, Made]
"""By what they are: `host-then`, `host-now`, `own-then`, `own-now`, `own-again`."""


def verdict(
    change: Change, builds: Builds, host: str, line: str, *, recorded: bool, unasked: str | None
) -> Verdict:
    """The verdict for one backend. `line` names the watched step. `recorded` says that an earlier
    run on record had the step with the suspect as it was; `unasked` why the host's own cache was
    not asked, None where it was, or had not to be."""
    own = _own(change, builds, host, line)
    theirs = _theirs(change, builds, host, line)
    parts = tuple(part.evidence for part in (theirs, own) if part is not None)
    evidence = tuple(item for part in parts for item in part)
    for part in (theirs, own):
        if part is not None and part.outcome != "proved":
            return Verdict(part.outcome, evidence)
    if own is None:
        return Verdict("undecided", evidence)
    if unasked is not None and not recorded:
        text = (
            f"that is the effect of {change.what}; whether it caused the miss on {host} cannot be "
            f"tested in the host's own cache: {unasked}"
        )
        return Verdict("undecided", (*evidence, _said(text)))
    return Verdict("proved", evidence)


def _theirs(change: Change, builds: Builds, host: str, line: str) -> Verdict | None:
    """What the host's own cache said."""
    then = builds.get("host-then")
    if then is None:
        return None
    whose = f"{builder_name(change)} on {host}, in the host's own cache: "
    name = change.then.name
    data = table(builds, "host-then", "host-now")
    if then.status == "none":
        return _undecided(f"{whose}{line} was not reached {name}: {then.trouble}", data)
    if then.status == "hit":
        text = f"{whose}{line}, which missed in the as-found run, hits {name}"
        return Verdict("proved", (_said(text, data),))
    now = builds.get("host-now")
    missed = f"{whose}{line} misses {name} as well"
    if change.inexact is not None:
        return _undecided(f"{missed}; but {change.inexact}", data)
    if now is None or now.status != "hit":
        text = (
            f"{missed}, and also {change.now.name}, although the as-found run built that: the "
            "cache was emptied since"
        )
        return _undecided(text, data)
    text = (
        f"{missed}, while it hits {change.now.name}, which the as-found run built: the step still "
        "misses without the suspect"
    )
    return Verdict("withdrawn", (_said(text, data),))


def _own(change: Change, builds: Builds, host: str, line: str) -> Verdict | None:
    """What a cache that the experiment alone filled said."""
    first, now, again = (builds.get(f"own-{key}") for key in ("then", "now", "again"))
    if first is None:
        return None
    data = table(builds, "own-then", "own-now", "own-again")
    alone = (
        f"{builder_name(change)} on {host}, in a cache of its own that the build "
        f"{change.then.name} filled"
    )
    if first.status == "none":
        return _undecided(f"the build {change.then.name} failed on {host}: {first.trouble}", data)
    if first.status == "hit":
        return _undecided(f"{line} hit on {host} in a cache that should be empty", data)
    if now is None or now.status == "none":
        why = now.trouble if now is not None else "it was not made"
        return _undecided(f"the build {change.now.name} failed on {host}: {why}", data)
    if now.status == "hit":
        text = f"{alone}: {line} hits {change.now.name} too. The change is not in its cache key"
        return Verdict("withdrawn", (_said(text, data),))
    if again is None or again.status == "none":
        why = again.trouble if again is not None else "it was not made"
        return _undecided(f"the last build on {host} failed: {why}", data)
    if again.status == "miss":
        text = (
            f"{alone}: {line} misses {change.now.name}, and {change.then.name} again as well: "
            "something else makes it miss each time"
        )
        return Verdict("withdrawn", (_said(text, data),))
    above = _missed_above(now)
    also = f", as do {above} steps above it" if above else ""
    text = (
        f"{alone}: {line} misses {change.now.name}{also}, and hits {change.then.name}. Nothing "
        "else differs between these builds"
    )
    return Verdict("proved", (_said(text, data),))


def _missed_above(made: Made) -> int:
    """Steps of the Dockerfile that missed before the watched one, but for what we put in."""
    return sum(
        step.status == "miss" and step.counts and ".cachetui-salt" not in step.instruction
        for step in made.run.steps
        if (step.stage_index, step.index) < (made.watch.stage_index, made.watch.index)
    )


def builder_name(change: Change) -> str:
    """The builder in a sentence."""
    return "legacy" if change.backend == "legacy" else "BuildKit"


def table(builds: Builds, *keys: str) -> dict[str, object]:
    """The builds as data for programs."""
    return {
        "builds": [
            {"build": key, "status": made.status, "seconds": round(made.run.seconds, 3)}
            for key in keys
            if (made := builds.get(key)) is not None
        ]
    }


def _said(text: str, data: dict[str, object] | None = None) -> Evidence:
    return Evidence(kind="experiment", text=text, data=data or {})


def _undecided(text: str, data: dict[str, object]) -> Verdict:
    return Verdict("undecided", (_said(text, data),))


def together(verdicts: Sequence[Verdict]) -> Verdict:
    """Of several backends: proved when one is and none is withdrawn, withdrawn when all are."""
    evidence = tuple(item for one in verdicts for item in one.evidence)
    outcomes = {one.outcome for one in verdicts}
    if outcomes == {"withdrawn"}:
        return Verdict("withdrawn", evidence)
    if "proved" in outcomes and "withdrawn" not in outcomes:
        return Verdict("proved", evidence)
    return Verdict("undecided", evidence)
