"""The lines in which two logs of a step differ, noise left out and counted.

Lines are compared in their canonical form (see `noise`). The comparison is a patience diff: lines
(or rows of lines) that stand once on each side are matched first, then what lies between them in
the same way, and what is left is compared by Myers' algorithm, a window at a time and as long as
that is cheap. Time is near linear however the logs look, memory a few machine words a line; the
text itself is not kept.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from cachetui.compare.noise import KINDS, canonical

LIMIT = 500_000
"""Lines compared on each side by default; the rest is left out, and the difference says so."""

_DEEPEST = 12
_ROWS = (1, 2, 4, 8, 16)
_WINDOW = 100
_BUDGET = 2_000_000

Kind = Literal["same", "removed", "added", "changed"]


@dataclass(frozen=True, slots=True)
class Hunk:
    """Lines `a[0]` to `a[1]` of the first log against `b[0]` to `b[1]` of the second, counted
    from 0, ends not included. In a "same" hunk lines that redraw progress can differ in number."""

    kind: Kind
    a: tuple[int, int]
    b: tuple[int, int]


@dataclass(frozen=True, slots=True)
class LogDiff:
    """How two logs differ. `hunks` cover both, in order.

    `ignored` counts, by kind of noise, the lines that were taken for equal and are not so to
    the letter. `complete` is false when lines beyond the limit were left out.
    """

    hunks: tuple[Hunk, ...]
    ignored: dict[str, int]
    complete: bool

    @property
    def same(self) -> bool:
        return all(hunk.kind == "same" for hunk in self.hunks)

    @property
    def removed(self) -> int:
        """Lines of the first log that the second has not."""
        return sum(hunk.a[1] - hunk.a[0] for hunk in self.hunks if hunk.kind != "same")

    @property
    def added(self) -> int:
        """Lines of the second log that the first has not."""
        return sum(hunk.b[1] - hunk.b[0] for hunk in self.hunks if hunk.kind != "same")

    def sentence(self) -> str:
        """What was ignored, in words; empty when nothing was."""
        counts = [f"{KINDS[kind]} in {count}" for kind, count in sorted(self.ignored.items())]
        return f"ignored: {', '.join(counts)} lines" if counts else ""


class _Side:
    """A log as numbers: for each entry its canonical text's number, the number of its text to
    the letter, its kinds of noise, and the line it begins at. Progress redrawn line by line is
    one entry."""

    def __init__(self, lines: Iterable[str], names: _Names, limit: int) -> None:
        self.keys = array("l")
        self.exact = array("q")
        self.kinds = array("l")
        self.starts = array("l")
        self.complete = True
        count = 0
        for line in lines:
            if count >= limit:
                self.complete = False
                break
            key, kinds = names.of(line)
            redrawn = kinds & names.progress and self.keys and self.keys[-1] == key
            if redrawn:
                self.exact[-1] = hash((self.exact[-1], line))
            else:
                self.keys.append(key)
                self.exact.append(hash(line))
                self.kinds.append(kinds)
                self.starts.append(count)
            count += 1
        self.starts.append(count)


class _Names:
    """Numbers for canonical texts, and for sets of kinds of noise as bits."""

    def __init__(self) -> None:
        self._bits = {kind: 1 << place for place, kind in enumerate(KINDS)}
        self._numbers: dict[str, int] = {}
        self.progress = self._bits["progress"]

    def of(self, line: str) -> tuple[int, int]:
        text, kinds = canonical(line)
        number = self._numbers.setdefault(text, len(self._numbers))
        return number, sum(self._bits[kind] for kind in kinds)

    def kinds(self, bits: int) -> list[str]:
        return [kind for kind, bit in self._bits.items() if bits & bit]


def diff(first: Iterable[str], second: Iterable[str], *, limit: int = LIMIT) -> LogDiff:
    """Compare two logs, given as lines, each read once.

    Reads at most `limit` lines a side. Lines need not be cleaned; nothing of them is kept.
    """
    names = _Names()
    a, b = _Side(first, names, limit), _Side(second, names, limit)
    ignored: Counter[str] = Counter()
    hunks: list[Hunk] = []
    at_a = at_b = 0
    for start_a, start_b, length in [*_matches(a.keys, b.keys), (len(a.keys), len(b.keys), 0)]:
        if start_a > at_a or start_b > at_b:
            kind: Kind = "changed"
            if start_a == at_a or start_b == at_b:
                kind = "added" if start_a == at_a else "removed"
            hunks.append(_hunk(kind, a, b, (at_a, start_a), (at_b, start_b)))
        if length:
            at_a, at_b = start_a + length, start_b + length
            hunks.append(_hunk("same", a, b, (start_a, at_a), (start_b, at_b)))
            for i, j in zip(range(start_a, at_a), range(start_b, at_b), strict=True):
                if a.exact[i] != b.exact[j]:
                    ignored.update(names.kinds(a.kinds[i] | b.kinds[j]))
    return LogDiff(tuple(hunks), dict(ignored), a.complete and b.complete)


def _hunk(kind: Kind, a: _Side, b: _Side, in_a: tuple[int, int], in_b: tuple[int, int]) -> Hunk:
    return Hunk(
        kind,
        (a.starts[in_a[0]], a.starts[in_a[1]]),
        (b.starts[in_b[0]], b.starts[in_b[1]]),
    )


_Region = tuple[int, int, int, int]
"""Entries `[0]` to `[1]` of the first side, `[2]` to `[3]` of the second."""

_Match = tuple[int, int, int]
"""A run of equal entries: where it begins on each side, and how long it is."""


def _matches(a: Sequence[int], b: Sequence[int]) -> list[_Match]:
    """Maximal runs of equal entries, in order."""
    found: list[_Match] = []
    budget = _BUDGET
    waiting: list[tuple[_Region, int]] = [((0, len(a), 0, len(b)), 0)]
    while waiting:
        (a0, a1, b0, b1), depth = waiting.pop()
        head = _common(a, b, a0, b0, min(a1 - a0, b1 - b0), 1)
        found.append((a0, b0, head))
        a0, b0 = a0 + head, b0 + head
        tail = _common(a, b, a1 - 1, b1 - 1, min(a1 - a0, b1 - b0), -1)
        a1, b1 = a1 - tail, b1 - tail
        found.append((a1, b1, tail))
        if a0 == a1 or b0 == b1:
            continue
        anchors = _anchors(a, b, (a0, a1, b0, b1)) if depth < _DEEPEST else []
        for i, j in [*anchors, (a1, b1)] if anchors else []:
            waiting.append(((a0, i, b0, j), depth + 1))
            a0, b0 = i, j
        while not anchors and a0 < a1 and b0 < b1 and budget > 0:
            matches, a0, b0, spent = _window(a, b, (a0, a1, b0, b1))
            found += matches
            budget -= spent
    return _merged(sorted(match for match in found if match[2]))


def _common(a: Sequence[int], b: Sequence[int], i: int, j: int, most: int, way: int) -> int:
    """How many entries from `i` and `j` on are equal, going `way` (1 or -1)."""
    count = 0
    while count < most and a[i + way * count] == b[j + way * count]:
        count += 1
    return count


def _anchors(a: Sequence[int], b: Sequence[int], region: _Region) -> list[tuple[int, int]]:
    """Places where the same entry, or the same short row of entries, stands once on each side of
    the region: the longest series of them that is in order on both."""
    a0, a1, b0, b1 = region
    for length in _ROWS:
        rows_a = _rows(a, a0, a1, length)
        rows_b = _rows(b, b0, b1, length)
        times_a, times_b = Counter(rows_a), Counter(rows_b)
        place = {row: j for j, row in enumerate(rows_b, b0) if times_b[row] == 1}
        pairs = [
            (i, place[row])
            for i, row in enumerate(rows_a, a0)
            if times_a[row] == 1 and row in place
        ]
        if pairs:
            return _rising(pairs)
        if max(len(times_a), len(times_b)) < 2:
            break
    return []


def _rows(entries: Sequence[int], start: int, end: int, length: int) -> list[Hashable]:
    """The rows of `length` entries that begin at each place."""
    if length == 1:
        return list(entries[start:end])
    return list(zip(*(entries[start + k : end] for k in range(length)), strict=False))


def _rising(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Of pairs that rise in the first place the longest series that rises in the second too, by
    patience sorting."""
    tops: list[int] = []
    ends: list[int] = []
    before: list[int] = []
    for number, (_, j) in enumerate(pairs):
        pile = bisect_left(tops, j)
        before.append(ends[pile - 1] if pile else -1)
        tops[pile : pile + 1] = [j]
        ends[pile : pile + 1] = [number]
    series: list[tuple[int, int]] = []
    at = ends[-1]
    while at >= 0:
        series.append(pairs[at])
        at = before[at]
    return series[::-1]


def _window(
    a: Sequence[int], b: Sequence[int], region: _Region
) -> tuple[list[_Match], int, int, int]:
    """Matches from the region's beginning by Myers' greedy algorithm, up to its end or as far as
    `_WINDOW` edits lead: the matches, the places reached, and the work done."""
    a0, a1, b0, b1 = region
    n, m = a1 - a0, b1 - b0
    furthest = {1: 0}
    trace: list[dict[int, int]] = []
    spent = 0
    for edits in range(_WINDOW + 1):
        trace.append(dict(furthest))
        for k in range(-edits, edits + 1, 2):
            down = k == -edits or (k != edits and furthest[k - 1] < furthest[k + 1])
            start = x = furthest[k + 1] if down else furthest[k - 1] + 1
            while x < n and 0 <= x - k < m and a[a0 + x] == b[b0 + x - k]:
                x += 1
            furthest[k] = x
            spent += 2 + x - start
            if x >= n and x - k >= m:
                return _walk_back(trace, n, m, a0, b0), a1, b1, spent
    k = max(
        (k for k in range(-_WINDOW, _WINDOW + 1, 2) if furthest[k] <= n and furthest[k] - k <= m),
        key=lambda k: 2 * furthest[k] - k,
    )
    x, y = furthest[k], furthest[k] - k
    return _walk_back(trace, x, y, a0, b0), a0 + x, b0 + y, spent


def _walk_back(trace: list[dict[int, int]], x: int, y: int, a0: int, b0: int) -> list[_Match]:
    """The diagonals by which Myers' search came to `x`, `y`."""
    found: list[_Match] = []
    for edits in range(len(trace) - 1, 0, -1):
        furthest = trace[edits]
        k = x - y
        down = k == -edits or (k != edits and furthest[k - 1] < furthest[k + 1])
        before = k + 1 if down else k - 1
        start = furthest[before] + (not down)
        found.append((a0 + start, b0 + start - k, x - start))
        x, y = furthest[before], furthest[before] - before
    found.append((a0, b0, x))
    return found


def _merged(pairs: list[_Match]) -> list[_Match]:
    """Runs that touch as one."""
    found: list[_Match] = []
    for i, j, length in pairs:
        if found and found[-1][0] + found[-1][2] == i and found[-1][1] + found[-1][2] == j:
            found[-1] = (found[-1][0], found[-1][1], found[-1][2] + length)
        else:
            found.append((i, j, length))
    return found
