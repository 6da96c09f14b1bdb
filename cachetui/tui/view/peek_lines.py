"""What a peek shows of hosts' caches, for Fleet. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from rich.cells import cell_len

from cachetui.report import units
from cachetui.tui.view.signs import Share, on_so_many, ratio_sign
from cachetui.tui.view.text import Line, Span, clean_line, cut, line

if TYPE_CHECKING:
    from cachetui.audit.peek_results import Peek, PeekResult
    from cachetui.records.document import Document

_FIRST_MISS = "    first miss "


class Peeked:
    """What the runs of a peek show, by host and scenario, as far as they have ended well."""

    def __init__(self) -> None:
        self._followed: tuple[Document | None, Peek | None] = (None, None)
        self._results: dict[tuple[str, str], PeekResult] = {}
        self.costs_known = False
        """Whether stored runs were looked at for causes and costs."""

    def follow(self, document: Document | None, peek: Peek | None) -> None:
        """Show this audit; `peek` is what came out of it, once that is worked out."""
        if document is self._followed[0] and peek is self._followed[1]:
            return
        self._followed = (document, peek)
        self._results = {}
        if document is None or not any(run.kind.peeks for run in document.runs):
            return
        from cachetui.audit.peek_results import seen_of

        self.costs_known = peek is not None and peek.audit == document.audit
        known = peek.results if peek is not None and self.costs_known else ()
        results = known or [seen_of(run) for run in document.runs if run.kind.peeks]
        self._results = {
            (result.host, f"{result.backend}-peek"): result
            for result in results
            if result.status == "ok"
        }

    def seen(self, hosts: Iterable[str], scenario: str) -> tuple[PeekResult, ...]:
        """The results of these hosts; none where it is no scenario of a peek."""
        keys = ((host, scenario) for host in hosts)
        return tuple(self._results[key] for key in keys if key in self._results)

    def summary(self) -> Line:
        """How many caches are warm, cold and undecided; nothing where no peek is shown."""
        kinds = [_word(result) for result in self._results.values()]
        counted = [(kinds.count(kind), kind) for kind in ("warm", "cold", "undecided")]
        words = [f"{number} {kind}" for number, kind in counted if number]
        return (
            ((f" · {units.count(len(kinds), 'cache')}: {', '.join(words)}", "muted"),)
            if words
            else ()
        )

    def words(self) -> dict[str, str]:
        """Host → what its cells say, for the filter: "cold" and "warm" among it."""
        said: dict[str, str] = {}
        for (host, _), result in self._results.items():
            miss = result.first_miss
            where = f" line {miss.line} {miss.instruction}" if miss is not None else ""
            said[host] = f"{said.get(host, '')} {_word(result)}{where}"
        return said


def _word(result: PeekResult) -> str:
    if result.first_miss is not None:
        return "cold"
    return "undecided" if result.undecided else "warm"


def cell(result: PeekResult, width: int) -> Line:
    """A cell of the matrix in about `width` cells: warm, or from which line on it is cold."""
    miss = result.first_miss
    if miss is None:
        return (("· undecided", "muted"),) if result.undecided else (("✓ warm", "good"),)
    sign, _ = ratio_sign(result.hits, 1)
    for text in (f"cold from line {miss.line}", f"cold, line {miss.line}"):
        if len(text) + 3 <= width:
            return ((f"{sign} {text}", ""),)
    return ((f"{sign} line {miss.line}", ""),)


def lines(
    results: Sequence[PeekResult],
    scenario: str,
    width: int,
    differs: str = "",
    share: Share | None = None,
    *,
    costs_known: bool,
) -> list[Line]:
    """A cell in words, each line in `width` cells: how warm it is and what that costs; the first
    miss, its cause, and what BuildKit keeps. Hosts of one row hit and miss alike. Where it
    `differs`, how many hosts do the same: see `FleetAgreement.share`."""
    from cachetui.report.peek import cache_text

    first = results[0]
    spans: list[str | Span] = [(f"  {scenario} ", "strong"), cache_text(first)]
    if costs_known and (first.first_miss is not None or first.undecided):
        spans.append(f" · {_cost(results)}")
    if differs and share is not None:
        spans.append((f" · {on_so_many(differs, share)}", "warn"))
    told = [line(*spans)]
    if first.first_miss is not None:
        tail = _after_the_miss(results, costs_known=costs_known)
        room = max(12, width - cell_len(_FIRST_MISS) - cell_len(tail))
        miss = cut(clean_line(first.first_miss.instruction), room)
        told.append(line((_FIRST_MISS, "muted"), miss, (tail, "muted")))
    return told


def _after_the_miss(results: Sequence[PeekResult], *, costs_known: bool) -> str:
    """Why it missed, and which lines' results BuildKit keeps for the user's next build."""
    from cachetui.report.peek import why_text

    causes = list(dict.fromkeys(why_text(result) for result in results))
    why = causes[0] if len(causes) == 1 else "several causes"
    kept = dict.fromkeys(f"line {place.line}" for result in results for place in result.kept)
    parts = [f"why: {why}"] if costs_known else []
    if kept:
        parts.append(f"BuildKit keeps {', '.join(kept)}")
    return "".join(f" · {part}" for part in parts)


def _cost(results: Sequence[PeekResult]) -> str:
    """What the steps that did not hit took before: "to pay ~3.0s to 4m10s"."""
    known = [result.seconds for result in results if result.seconds is not None]
    if len(known) < len(results):
        return "cost unknown"
    ends = dict.fromkeys(units.seconds(end) for end in (min(known), max(known)))
    return f"to pay ~{' to '.join(ends)}"
