"""Seconds compared with a named baseline, claiming no more than the samples bear out.

With one or two samples a side they are shown and nothing is claimed; with three to five the
median and the range; from six an interval of the ratio and a rank test. "Not distinguishable" is
an answer. Samples are never dropped.
"""

from __future__ import annotations

import math
import random
import statistics
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from typing import Literal

from cachetui.compare.align import order
from cachetui.records.document import Document
from cachetui.records.host import HostFacts
from cachetui.records.run import Run
from cachetui.records.step import Step, StepId

FEW, ENOUGH = 3, 6
"""Samples a side from which a range, and from which a claim, is made."""

OUTSIDE = 0.05
"""One minus the confidence of intervals."""

CHANCE = 0.01
"""The chance of a false claim that is accepted: small, for one audit makes dozens of claims."""

MOST_ORDERS = 13_000
"""Orders of samples with ties among them that are counted out: 8 a side have 12,870."""

_RESAMPLES = 1000
_SLOW_START = 1.2

Grade = Literal["shown", "range", "tested"]
Finding = Literal["no claim", "slower", "faster", "not distinguishable"]


@dataclass(frozen=True, slots=True)
class Summary:
    """Samples in seconds, in order of time. `low` and `high` are the range, from six samples on
    the 95% interval of the median (by order statistics)."""

    samples: tuple[float, ...]
    median: float
    low: float
    high: float
    grade: Grade


@dataclass(frozen=True, slots=True)
class Difference:
    """How many times as long as the baseline: `ratio` of the medians, between `low` and `high`.

    `ratio` is None when the baseline took no time. `low` and `high` are None while samples are
    too few ("shown"), the extremes of the ratio ("range"), or its 95% interval ("tested"; `p`
    is the rank test's). `seconds` is the difference of the medians.
    """

    baseline: str
    ratio: float | None
    low: float | None
    high: float | None
    seconds: float
    grade: Grade
    finding: Finding
    p: float | None = None

    def sentence(self) -> str:
        """In words: "1.83 times as long as legacy-warm (1.74 to 1.92)"."""
        if self.finding == "not distinguishable":
            return f"not distinguishable from {self.baseline}"
        if self.ratio is None:
            return f"{self.seconds:+.1f}s against {self.baseline}"
        text = f"{self.ratio:.2f} times as long as {self.baseline}"
        if self.low is not None and self.high is not None:
            text += f" ({self.low:.2f} to {self.high:.2f})"
        return text if self.grade != "shown" else f"{text}; too few samples to claim it"


@dataclass(frozen=True, slots=True)
class Share:
    """Where the time of a run went: a step's seconds, and what part of the run's wall time.
    Shares of steps that ran side by side can add up to more than 1."""

    step: Step
    seconds: float
    share: float


def summarise(samples: Sequence[float]) -> Summary | None:
    """The samples in short, None when there are none."""
    if not samples:
        return None
    ordered = sorted(samples)
    low, high = ordered[0], ordered[-1]
    if len(ordered) >= ENOUGH:
        low, high = _median_interval(ordered)
    return Summary(
        samples=tuple(samples),
        median=statistics.median(ordered),
        low=low,
        high=high,
        grade=_grade(len(ordered)),
    )


def difference(samples: Sequence[float], baseline: Sequence[float], name: str) -> Difference | None:
    """Compare seconds with those of the baseline called `name`; None without samples.

    The grade is that of the side with fewer samples. The same samples give the same answer.
    """
    if not samples or not baseline:
        return None
    ours, theirs = statistics.median(samples), statistics.median(baseline)
    ratio = ours / theirs if theirs > 0 else None
    grade = _grade(min(len(samples), len(baseline)))
    low = high = p = None
    finding: Finding = "no claim"
    if grade == "range" and min(baseline) > 0:
        low, high = min(samples) / max(baseline), max(samples) / min(baseline)
    elif grade == "tested":
        p = rank_test(samples, baseline)
        low, high = _ratio_interval(samples, baseline)
        finding = "not distinguishable"
        if p < CHANCE and ours != theirs:
            finding = "slower" if ours > theirs else "faster"
    return Difference(name, ratio, low, high, ours - theirs, grade, finding, p)


def samples(runs: Iterable[Run], step: StepId | None = None) -> tuple[float, ...]:
    """Seconds of the runs that ended well, or of one step in them; by repeat, raw."""
    ended = sorted((run for run in runs if run.status == "ok"), key=lambda run: run.repeat)
    if step is None:
        return tuple(run.seconds for run in ended)
    found = (one for run in ended for one in run.steps if one.id == step)
    return tuple(one.seconds for one in found if one.seconds is not None)


def shares(run: Run) -> tuple[Share, ...]:
    """Where the time went, step by step in the order of the Dockerfile, untimed ones left out."""
    timed = sorted(
        (step for step in run.steps if step.seconds is not None), key=lambda step: order(step.id)
    )
    wall = max([run.seconds, *(step.seconds or 0.0 for step in timed)])
    return tuple(
        Share(step, step.seconds or 0.0, (step.seconds or 0.0) / wall if wall > 0 else 0.0)
        for step in timed
    )


def cautions(document: Document) -> tuple[str, ...]:
    """What makes the seconds of an audit less sure: loaded hosts, slow first runs.

    Host names in it are as configured, not cleaned.
    """
    facts = {host.name: host.facts for host in document.hosts}
    found: list[str] = []
    series: dict[tuple[str, str], list[Run]] = {}
    for run in document.runs:
        if run.status == "ok":
            series.setdefault((run.host, run.scenario), []).append(run)
    loaded = [run for runs in series.values() for run in runs if is_loaded(run, facts)]
    for host in dict.fromkeys(run.host for run in loaded):
        most = max(run.load or 0.0 for run in loaded if run.host == host)
        found.append(f"{host} was loaded ({most:.1f} before a run): its seconds say less")
    for (host, scenario), runs in series.items():
        seconds = samples(runs)
        if len(seconds) >= FEW and seconds[0] > _SLOW_START * max(seconds[1:]):
            found.append(
                f"{scenario} on {host}: the first run took {seconds[0]:.1f}s, the others at most "
                f"{max(seconds[1:]):.1f}s: something was cold that a repeat warms"
            )
    return tuple(found)


def is_loaded(run: Run, facts: Mapping[str, HostFacts | None]) -> bool:
    """Whether the host was at work on other things just before the run."""
    known = facts.get(run.host)
    return bool(known and known.cores and run.load is not None and run.load > known.cores)


def _grade(count: int) -> Grade:
    return "shown" if count < FEW else "range" if count < ENOUGH else "tested"


def _median_interval(ordered: Sequence[float]) -> tuple[float, float]:
    """The narrowest pair of order statistics that hold the median 95 times in 100."""
    count = len(ordered)
    outside = 0.0
    cut = 0
    while cut < count // 2:
        outside += 2 * math.comb(count, cut) * 0.5**count
        if outside > OUTSIDE:
            break
        cut += 1
    return ordered[max(0, cut - 1)], ordered[count - max(1, cut)]


def _ratio_interval(
    samples: Sequence[float], baseline: Sequence[float]
) -> tuple[float | None, float | None]:
    """The 95% bootstrap interval of the ratio of medians, by a fixed seed."""
    if min(baseline) <= 0:
        return None, None
    chance = random.Random(0)
    ratios = sorted(
        statistics.median(chance.choices(samples, k=len(samples)))
        / statistics.median(chance.choices(baseline, k=len(baseline)))
        for _ in range(_RESAMPLES)
    )
    outside = int(_RESAMPLES * OUTSIDE / 2)
    return ratios[outside], ratios[-outside - 1]


def rank_test(first: Sequence[float], second: Sequence[float]) -> float:
    """Mann–Whitney's U test, two-sided: the chance of ranks this far apart without a difference.

    Exact for up to 20 samples a side without ties, and with ties for as many orders as can be
    counted (8 a side); else by the normal approximation with corrections for ties and continuity.
    """
    u = _u(first, second)
    m, n = len(first), len(second)
    ties = Counter([*first, *second]).values()
    if max(m, n) <= 20 and max(ties) == 1:
        counts = _u_counts(m, n)
        tail = sum(counts[: int(min(u, m * n - u)) + 1])
        return min(1.0, 2 * tail / math.comb(m + n, m))
    if math.comb(m + n, m) <= MOST_ORDERS:
        return _by_all_orders([*first, *second], m, abs(u - m * n / 2))
    total = m + n
    correction = sum(t**3 - t for t in ties) / (total * (total - 1))
    variance = m * n / 12 * (total + 1 - correction)
    if variance <= 0:
        return 1.0
    z = max(0.0, abs(u - m * n / 2) - 0.5) / math.sqrt(variance)
    return math.erfc(z / math.sqrt(2))


def _u(first: Sequence[float], second: Sequence[float]) -> float:
    """How often one of the first is more than one of the second; equals count half."""
    ordered = sorted(second)
    return sum((bisect_left(ordered, one) + bisect_right(ordered, one)) / 2 for one in first)


def _by_all_orders(values: Sequence[float], m: int, apart: float) -> float:
    """The share of all ways to call m of the values the first in which U is as far from its
    middle. From the sum of midranks R: U = R - m(m+1)/2."""
    ordered = sorted(values)
    ranks = [(bisect_left(ordered, v) + bisect_right(ordered, v) + 1) / 2 for v in values]
    middle = m * (len(values) + 1) / 2
    sums = [sum(chosen) for chosen in combinations(ranks, m)]
    return sum(abs(one - middle) >= apart - 1e-9 for one in sums) / len(sums)


@lru_cache(maxsize=64)
def _u_counts(m: int, n: int) -> tuple[int, ...]:
    """How many orders of m and n samples give each U: coefficients of a Gaussian binomial."""
    counts = [1] + [0] * (m * n)
    for k in range(1, m + 1):
        # times (1 - q^(n+k)), then divided by (1 - q^k)
        for power in range(m * n, n + k - 1, -1):
            counts[power] -= counts[power - n - k]
        for power in range(k, m * n + 1):
            counts[power] += counts[power - k]
    return tuple(counts)
