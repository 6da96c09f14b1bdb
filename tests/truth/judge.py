"""Hold what was found against what is right."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from cachetui.findings import Finding, Findings
from cachetui.findings.registry import RULES
from cachetui.records.document import Document
from cachetui.records.run import Run
from tests.truth.model import Build, Place
from tests.truth.truth import Cause, impossible

Word = Literal["right", "silent", "wrong", "odd", "broken", "n/a"]
"""`silent`: a miss that nothing likely or proved is said of. `odd`: a miss where, by what is known
of engines, nothing should miss, or other hits than foreseen: the truth or the run is at fault.
`broken`: the build failed.
`n/a`: this builder cannot build it."""

WORDS: tuple[Word, ...] = ("right", "silent", "wrong", "odd", "broken", "n/a")

CAUSES = frozenset(rule.id for rule in RULES if rule.explain is not None)
"""Rules that say why a step missed. The others tell what can be seen in any build."""

SHOWN = 300
"""Characters of evidence that a failure shows."""

_CHANGED_LINES = re.compile(r"^lines? ([\d, and]+) (?:changed|sees?)")


@dataclass(frozen=True)
class Verdict:
    """What came of one builder on one host; `text` says what was said and what is right."""

    host: str
    builder: str
    word: Word
    text: str = ""


@dataclass(frozen=True)
class Truth:
    """What is right: why steps may miss, which rules can be right of nothing, and the line of
    each step."""

    causes: tuple[Cause, ...]
    impossible: frozenset[str]
    numbers: Mapping[Place, int]

    @classmethod
    def of(cls, build: Build, causes: Iterable[Cause]) -> Truth:
        return cls(tuple(causes), impossible(build), build.line_numbers())


def judge(document: Document, findings: Findings, truth: Truth) -> list[Verdict]:
    """A verdict for each run of the audit."""
    runs = [run for run in document.runs if run.kind.as_found]
    return [_verdict(run, runs, findings, truth) for run in runs]


def _verdict(run: Run, runs: Sequence[Run], findings: Findings, truth: Truth) -> Verdict:
    said = [one for one in findings.findings if _about(one, run)]
    mine = [one for one in truth.causes if run.host in one.hosts and run.backend in one.builders]
    wrong = [one for one in said if not _names(one, mine, truth.numbers)]
    idle = [one for one in said if one.scenarios and not _missed_any(one, runs)]
    never = [
        one
        for one in findings.findings
        if one.id in truth.impossible and run.host in one.hosts and run.backend in one.backends
        if not any(one.id in cause.rules for cause in mine)
    ]
    if wrong or idle or never:
        return _told(run, "wrong", [*wrong, *idle, *never], mine)
    if run.status == "unsupported":
        return Verdict(run.host, run.backend, "n/a")
    if run.status != "ok":
        return Verdict(run.host, run.backend, "broken", run.reason or run.status)
    missed = misses(run)
    covered = {place for one in said for place in _places(one)}
    if not missed <= covered:
        word: Word = "silent" if mine else "odd"
        return _told(run, word, [], mine, missed - covered)
    return Verdict(run.host, run.backend, "right")


def misses(run: Run) -> set[Place]:
    """The steps that missed; triggers stand at their FROM, which itself never counts."""
    return {
        (step.stage_index, step.index)
        for step in run.steps
        if step.status == "miss" and step.keyword != "FROM"
    }


def _about(finding: Finding, run: Run) -> bool:
    """Whether it says, with some confidence, why this run missed. One that names several hosts
    and builders is taken to be about those of them in which its steps missed."""
    if finding.id not in CAUSES or finding.confidence == "possible":
        return False
    if run.host not in finding.hosts or run.backend not in finding.backends:
        return False
    if not finding.scenarios:
        return True
    if run.scenario not in finding.scenarios:
        return False
    single = len(finding.hosts) == 1 or len(finding.backends) == 1
    return single or bool(misses(run) & _places(finding))


def _missed_any(finding: Finding, runs: Sequence[Run]) -> bool:
    """Whether on each host and each builder that it names something of it missed."""
    places = _places(finding)
    hit = [
        run
        for run in runs
        if run.host in finding.hosts and run.backend in finding.backends and misses(run) & places
    ]
    return {run.host for run in hit} >= set(finding.hosts) and {run.backend for run in hit} >= set(
        finding.backends
    )


def _places(finding: Finding) -> set[Place]:
    return {(ref.stage_index, ref.index) for ref in (*finding.steps, *finding.consequences)}


def _names(finding: Finding, causes: Sequence[Cause], numbers: Mapping[Place, int]) -> bool:
    """Whether a finding names causes and nothing else: by its rule, each of its steps, the lines
    in its title, with a word of them."""
    text = " ".join([finding.title, *(one.text for one in finding.evidence)])
    named = [
        cause
        for cause in causes
        if finding.id in cause.rules
        and (not cause.words or any(word in text for word in cause.words))
    ]
    if not named or any(cause.steps is None for cause in named):
        return bool(named)
    places = {place for cause in named for place in cause.steps or ()}
    lines = _CHANGED_LINES.match(finding.title)
    told = {int(number) for number in re.findall(r"\d+", lines[1])} if lines is not None else set()
    steps = {(ref.stage_index, ref.index) for ref in finding.steps}
    return steps <= places and told <= {numbers[place] for place in places}


def _evidence(finding: Finding) -> str:
    return "; ".join(one.text for one in finding.evidence)[:SHOWN]


def _told(
    run: Run,
    word: Word,
    findings: Sequence[Finding],
    causes: Sequence[Cause],
    places: set[Place] = frozenset(),  # type: ignore[assignment]
) -> Verdict:
    said = "; ".join(
        f"{one.name} [{one.confidence}] {one.title!r} ({_evidence(one)})"
        for one in {one.name: one for one in findings}.values()
    )
    right = "; ".join(
        f"{'|'.join(sorted(one.rules))} at {sorted(one.steps) if one.steps else 'any'}"
        f"{' with ' + '|'.join(one.words) if one.words else ''}"
        for one in causes
    )
    missed = sorted(places) or sorted(misses(run))
    text = f"said: {said or 'nothing'}. Missed: {missed}. Right: {right or 'nothing misses'}"
    return Verdict(run.host, run.backend, word, text)
