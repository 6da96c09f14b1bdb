"""What came of all cases: a table of changes, engines and verdicts, and the failures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from cachetui.records.document import Document
from tests.truth.case import Case
from tests.truth.engines import foreseen
from tests.truth.judge import WORDS, Truth, Verdict, judge
from tests.truth.play import Played
from tests.truth.truth import HOSTS

MOST_SILENT = 0.05
"""The part of all verdicts that may be silent."""

SIGNS = {"right": "", "silent": "s", "wrong": "W", "odd": "o", "broken": "b", "n/a": ""}


@dataclass(frozen=True)
class Failure:
    """Verdicts of one case that are not right, and alike but for the host."""

    case: str
    about: str
    verdicts: tuple[Verdict, ...]

    def __str__(self) -> str:
        one = self.verdicts[0]
        hosts = ", ".join(verdict.host for verdict in self.verdicts)
        return (
            f"{one.word.upper()} {self.case} ({self.about}) {one.builder} on {hosts}\n"
            f"    {one.text}\n    again: make truth SEED={self.case}"
        )


@dataclass
class Outcome:
    """The verdicts so far. Those on a first audit count as wrong or not at all: nothing was
    changed yet, and no host had the build."""

    verdicts: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    failures: list[Failure] = field(default_factory=list)
    cases: int = 0

    def add(self, case: Case, played: Played) -> list[Failure]:
        """Judge a case; its failures."""
        document, findings = played.audits[-1]
        verdicts = judge(document, findings, Truth.of(case.change.after, case.causes))
        for first, found in played.audits[:-1]:
            early = judge(first, found, Truth.of(case.before, case.first_causes))
            verdicts += [one for one in early if one.word in ("wrong", "broken")]
        verdicts += _unforeseen(case, document)
        kind = case.name.partition(":")[0]
        for one in verdicts:
            self.verdicts[kind, one.host, one.word] += 1
        self.cases += 1
        alike: dict[tuple[str, str, str], list[Verdict]] = {}
        for one in verdicts:
            if one.word not in ("right", "n/a"):
                alike.setdefault((one.word, one.builder, one.text), []).append(one)
        failures = [
            Failure(case.name, case.change.about, tuple(members)) for members in alike.values()
        ]
        self.failures += failures
        return failures

    def count(self, word: str) -> int:
        return sum(number for (_, _, said), number in self.verdicts.items() if said == word)

    @property
    def judged(self) -> int:
        return sum(self.verdicts.values()) - self.count("n/a")

    @property
    def holds(self) -> bool:
        """Never wrong, nothing odd or broken, and seldom silent."""
        bad = sum(self.count(word) for word in ("wrong", "odd", "broken"))
        return bad == 0 and self.count("silent") <= MOST_SILENT * max(self.judged, 1)

    def table(self) -> Iterator[str]:
        """A row for each kind of change: verdicts by engine, both builders together."""
        kinds = dict.fromkeys(kind for kind, _, _ in self.verdicts)
        width = max((len(kind) for kind in kinds), default=0)
        yield "  ".join([" " * width, *(f"{host:<12}" for host in HOSTS)]).rstrip()
        for kind in kinds:
            cells = (f"{self._cell(kind, host):<12}" for host in HOSTS)
            yield "  ".join([f"{kind:<{width}}", *cells]).rstrip()
        words = ", ".join(f"{self.count(word)} {word}" for word in WORDS)
        yield f"{self.cases} cases: {words}"

    def _cell(self, kind: str, host: str) -> str:
        """Such as `7 1s 1W`: seven right, one silent, one wrong."""
        counts = ((self.verdicts[kind, host, word], SIGNS[word]) for word in WORDS[:-1])
        return " ".join(f"{number}{sign}" for number, sign in counts if number)


def _unforeseen(case: Case, document: Document) -> Iterator[Verdict]:
    """Runs in which other steps hit than is known of the engines: then what is taken for right is
    not, or the run was not the user's build."""
    change = case.change
    if change.typed is not None or change.on_hosts:
        return
    for run in document.runs:
        expected = foreseen(case.before, change.after, run.backend, run.host)
        if expected is None or run.status != "ok":
            continue
        seen = {
            (step.stage_index, step.index): step.status == "hit"
            for step in run.steps
            if step.status in ("hit", "miss") and step.keyword != "FROM" and step.stage_index >= 0
        }
        other = [p for p in sorted({*seen, *expected}) if seen.get(p) != expected.get(p)]
        if other:
            rows = ", ".join(f"{p}: {seen.get(p)}, foreseen {expected.get(p)}" for p in other)
            yield Verdict(run.host, run.backend, "odd", f"hit: {rows}")
