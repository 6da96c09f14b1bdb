"""Where the hits of a build that imports a cache came from, in words. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from cachetui.compare.groups import fold_short
from cachetui.findings.stale_words import day
from cachetui.records.document import Document
from cachetui.records.run import Run
from cachetui.records.step import Origin, Step

WORDS: dict[Origin, str] = {
    "imported": "imported",
    "here": "here already",
    "either": "here or imported",
    "unknown": "here since a look just before, perhaps imported",
}
"""What stands for an origin, in the order in which they are told."""


def origin(step: Step) -> str:
    """Where a step's hit came from, "" where nothing was asked."""
    return WORDS[step.origin] if step.origin is not None else ""


def origins(document: Document) -> tuple[str, ...]:
    """A line for all hosts whose hits came from the same places, for each such scenario."""
    alike: dict[tuple[str, str], list[str]] = {}
    for run in document.runs:
        if run.kind.imports and run.status in ("ok", "failed"):
            alike.setdefault((run.scenario, _hits(run)), []).append(run.host)
            for base in _bases(document, run):
                alike.setdefault((run.scenario, base), []).append(run.host)
    return tuple(
        f"{scenario} on {fold_short(hosts)}: {text}" for (scenario, text), hosts in alike.items()
    )


def _bases(document: Document, run: Run) -> Iterator[str]:
    """On which base images what was imported was made, and what their names mean now. A step hits
    on a base of the same layers alone, so it is the one that the build had."""
    for now in run.bases_now:
        here = _digest_here(document, run, now.ref)
        made = f"made on {now.ref} as it is there" + (f", {_short(here)}" if here else "")
        if now.digest is None:
            yield f"{made}; what it means in its registry now could not be asked: {now.reason}"
        elif here is None:
            yield f"{made}, whose digest is not known; it means {_short(now.digest)} now"
        elif now.digest == here:
            yield f"{made}, which it means in its registry now, too"
        else:
            yield f"{made}; it means {_short(now.digest)} in its registry now (--pull builds on it)"


def _digest_here(document: Document, run: Run, ref: str) -> str | None:
    """What the build resolved a base image's name to; else what it was pulled as."""
    if ref in run.bases:
        return run.bases[ref]
    host = next((one for one in document.hosts if one.name == run.host), None)
    image = host.base_after(ref) if host is not None else None
    digests = {one.partition("@")[2] for one in (image.digests if image is not None else ())}
    return digests.pop() if len(digests) == 1 else None


def _short(digest: str) -> str:
    return digest[:19]


def _hits(run: Run) -> str:
    parts = []
    for value, words in WORDS.items():
        steps = [step for step in run.steps if step.origin == value]
        if steps:
            made = _made(run, steps) if value == "imported" else ""
            parts.append(f"{words}: {_lines(steps)}{made}")
    return "; ".join(parts) or "nothing hit"


def _made(run: Run, steps: Iterable[Step]) -> str:
    """When the first and the last of their results were made, "" where no cache tells."""
    dates = sorted(made for step in steps if (made := run.imported_at(step.id)) is not None)
    days = list(dict.fromkeys(day(made, run.started_at) for made in (*dates[:1], *dates[-1:])))
    return f" (made {' to '.join(days)})" if days else ""


def _lines(steps: Iterable[Step]) -> str:
    """ "line 4", "lines 4, 7 and 9", "" for none."""
    numbers = [str(number) for number in sorted({step.line for step in steps})]
    if len(numbers) < 2:
        return "".join(f"line {number}" for number in numbers)
    return f"lines {', '.join(numbers[:-1])} and {numbers[-1]}"
