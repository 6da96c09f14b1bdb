"""Compare two images step by step: what differs, and whether it matters. Pure, but for reading
layers from where they are kept."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import msgspec

from cachetui.compare.align import order
from cachetui.outputs.contents import ImageContents
from cachetui.outputs.difference import (
    VERDICTS,
    Counts,
    Entry,
    ImageDifference,
    PathDifference,
    StepDifference,
    Verdict,
)
from cachetui.outputs.globs import Ignore
from cachetui.outputs.imageconfig import ConfigDifference, config_differences
from cachetui.outputs.layers import LayerError
from cachetui.outputs.merge import (
    DIGEST,
    FINAL,
    GID,
    LINK,
    MODE,
    MTIME,
    SIZE,
    STORED,
    TYPE,
    UID,
    XATTRS,
    Change,
    Fields,
    PathKind,
    Side,
    changes,
)
from cachetui.records.step import StepId

LISTED = 500
"""Paths of a step that are listed, of each kind; the rest is counted."""

_MOUNT_POINTS = (b"dev", b"proc", b"sys")
"""Our lab, all engines: BuildKit leaves these in the first RUN's layer; the legacy builder has
them in a layer of its own that is no part of the image."""

Lines = Callable[[str], Iterable[bytes]]
"""Gives the sorted lines of a layer by its digest (see `layers.lines_of`)."""


@dataclass(frozen=True)
class Output:
    """An image to compare. `label` names it for people; `steps` says which step made each layer
    (see `attribute`), and `known` which steps its build has, layer or not. `texts` gives (line,
    instruction) for a step."""

    label: str
    contents: ImageContents
    steps: tuple[StepId | None, ...]
    known: frozenset[StepId] = frozenset()
    texts: Mapping[StepId, tuple[int, str]] = field(default_factory=dict)


def compare(
    a: Output, b: Output, lines: Lines, *, strict: bool = False, ignore: Sequence[str] = ()
) -> ImageDifference:
    """How `b` differs from `a`. Raises `GlobError` for a pattern of `ignore`, and `LayerError`
    when a layer is not there or damaged.

    Reads each layer once; memory does not grow with the images.
    """
    ranks = _ranks(a, b)
    sides = (_side(a, ranks), _side(b, ranks))
    tally = _Tally(a, b, Ignore(ignore), strict)
    if a.contents.digests != b.contents.digests:
        digests = dict.fromkeys((*a.contents.digests, *b.contents.digests))
        for change in changes(*sides, {digest: lines(digest) for digest in digests}):
            tally.add(change)
    steps = tuple(tally.step(rank, step) for rank, step in enumerate(ranks))
    config = config_differences(a.contents, b.contents)
    verdicts: list[Verdict] = [step.verdict for step in steps]
    if any(not one.bookkeeping for one in config):
        verdicts.append("metadata")
    elif config:
        verdicts.append("times")
    verdict: Verdict = max(verdicts, key=VERDICTS.index, default="identical")
    return ImageDifference(
        a=a.label,
        b=b.label,
        verdict=verdict,
        same=verdict == "identical" or (verdict == "times" and not strict),
        strict=strict,
        steps=steps,
        config=config,
        files=tally.counts(FINAL),
        ignored=dict(tally.ignored),
        fingerprint=tally.fingerprint(one for one in config if strict or not one.bookkeeping),
    )


def content_changes(
    a: Output, b: Output, lines: Lines
) -> Iterator[tuple[StepId | None, str, Entry | None, Entry | None]]:
    """What each step left with other content on the two sides, or on one alone: (step, path, entry
    in a, entry in b), by path. Folders are left out. Raises `LayerError`."""
    if a.contents.digests == b.contents.digests:
        return
    ranks = _ranks(a, b)
    digests = dict.fromkeys((*a.contents.digests, *b.contents.digests))
    for one in changes(_side(a, ranks), _side(b, ranks), {d: lines(d) for d in digests}):
        if one.rank == FINAL or one.kind in ("times", "metadata"):
            continue
        before, after = _entry(one.a, a, one.a_layer), _entry(one.b, b, one.b_layer)
        if any(entry is not None and entry.type != "d" for entry in (before, after)):
            yield ranks[one.rank], one.path.decode("utf-8", "replace"), before, after


def _ranks(a: Output, b: Output) -> list[StepId | None]:
    """The steps of both in order. Layers that no step is known to have made stand after those of
    the base image, as `attribute` finds them."""
    steps = {step for step in (*a.steps, *b.steps, *a.known, *b.known) if step is not None}
    ordered: list[StepId | None] = [*sorted(steps, key=order)]
    if None in a.steps or None in b.steps:
        places = [
            ordered.index(step)
            for one in (a, b)
            if None in one.steps
            for step in one.steps[: one.steps.index(None)]
        ]
        ordered.insert(max(places, default=-1) + 1, None)
    return ordered


def _side(output: Output, ranks: Sequence[StepId | None]) -> Side:
    counts = Counter(output.steps)
    cuts: list[int] = []
    total = 0
    for step in ranks:
        total += counts[step]
        cuts.append(total)
    return Side(output.contents.digests, tuple(cuts))


class _Tally:
    """Counts differences by step, and keeps the first of each kind."""

    def __init__(self, a: Output, b: Output, ignore: Ignore, strict: bool) -> None:
        self.ignored: Counter[str] = Counter()
        self._a, self._b = a, b
        self._ignore, self._strict = ignore, strict
        self._counts: dict[int, Counter[str]] = {}
        self._paths: dict[tuple[int, PathKind], list[PathDifference]] = {}
        self._folder: dict[tuple[int, PathKind], bytes] = {}
        self._left_out: bytes | None = None
        self._print = hashlib.sha256()

    def add(self, change: Change) -> None:
        """A difference. One that a pattern leaves out is counted, and nothing else."""
        counts = self._counts.setdefault(change.rank, Counter())
        pattern = self._ignore.match(change.path.decode())
        if pattern is not None:
            counts["ignored"] += 1
            if change.path != self._left_out:
                self.ignored[pattern] += 1
                self._left_out = change.path
            return
        counts[change.kind] += 1
        if change.rank != FINAL and (change.kind != "times" or self._strict):
            self._list(change)
            there = change.b or []
            shown = there if self._strict else [*there[:MTIME], *there[DIGEST:]]
            self._print.update(b"%d\t%s\t%s\n" % (change.rank, change.path, b"\t".join(shown)))

    def _list(self, change: Change) -> None:
        """List it, or count it with the folder above that is only on this side too."""
        at = (change.rank, change.kind)
        listed = self._paths.setdefault(at, [])
        folder = self._folder.get(at)
        if folder is not None and change.path.startswith(folder):
            listed[-1] = _with_one_below(listed[-1])
            return
        if len(listed) >= LISTED:
            return
        there = change.a or change.b
        only = change.kind in ("only-a", "only-b")
        if only and there is not None and there[TYPE] == b"d":
            self._folder[at] = change.path + b"/" if change.path else b""
        else:
            self._folder.pop(at, None)
        listed.append(
            PathDifference(
                path=change.path.decode(),
                kind=change.kind,
                what=change.what,
                a=_entry(change.a, self._a, change.a_layer),
                b=_entry(change.b, self._b, change.b_layer),
                note=_note(change) if only else "",
            )
        )

    def counts(self, rank: int) -> Counts:
        numbers = self._counts.get(rank, Counter[str]())
        return Counts(**{kind.replace("-", "_"): number for kind, number in numbers.items()})

    def fingerprint(self, settings: Iterable[ConfigDifference]) -> str:
        """A digest over what was found and is minded, with these settings."""
        whole = self._print.copy()
        for one in settings:
            whole.update(repr((one.name, one.b)).encode("utf-8", "surrogatepass"))
        return whole.hexdigest()

    def step(self, rank: int, step: StepId | None) -> StepDifference:
        """What was found for a step."""
        a, b = self._a, self._b
        counts = self.counts(rank)
        verdict: Verdict = counts.verdict
        layers_a, layers_b = _layers(a, step), _layers(b, step)
        only = _only(a, b, step)
        if only is not None and verdict != "identical":
            verdict = "only-here"
        paths = [
            path
            for kind in ("content", "only-a", "only-b", "metadata", "times")
            for path in self._paths.get((rank, kind), ())
        ]
        told = sum(1 + path.below for path in paths)
        minded = counts.content + counts.only_a + counts.only_b + counts.metadata
        line, instruction = (None, None)
        if step is not None:
            line, instruction = a.texts.get(step) or b.texts.get(step) or (None, None)
        return StepDifference(
            stage_index=step.stage_index if step else None,
            index=step.index if step else None,
            trigger=step.trigger if step else None,
            line=line,
            instruction=instruction,
            verdict=verdict,
            counts=counts,
            paths=tuple(paths),
            more=minded + (counts.times if self._strict else 0) - told,
            layers_a=layers_a,
            layers_b=layers_b,
            only=only,
        )


def _note(change: Change) -> str:
    """What is known of a path that only one side has."""
    there = change.a or change.b
    if there is not None and there[TYPE] == b"d" and change.path in _MOUNT_POINTS:
        return "a mount point that BuildKit makes where the image has none"
    return ""


def _with_one_below(path: PathDifference) -> PathDifference:
    return msgspec.structs.replace(path, below=path.below + 1)


def _entry(fields: Fields | None, output: Output, position: int | None) -> Entry | None:
    if fields is None or position is None:
        return None
    return entry_of(fields, output.contents.digests[position])


def entry_of(fields: Fields, layer: str) -> Entry:
    """A line of a layer as a record. Raises LayerError."""
    text = [one.decode("utf-8", "replace") for one in fields]
    try:
        return Entry(
            type=text[TYPE],
            mode=text[MODE],
            uid=int(text[UID]),
            gid=int(text[GID]),
            size=int(text[SIZE]) if text[SIZE] else None,
            mtime=text[MTIME],
            sha256=text[DIGEST] or None,
            link=text[LINK] or None,
            xattrs=text[XATTRS] or None,
            layer=layer,
            stored_as=text[STORED] if len(text) > STORED else None,
        )
    except ValueError:
        raise LayerError(f"the files of layer {layer} are damaged: a number is none") from None


def _layers(output: Output, step: StepId | None) -> tuple[str, ...]:
    """The layers that a step made."""
    pairs = zip(output.contents.digests, output.steps, strict=True)
    return tuple(digest for digest, maker in pairs if maker == step)


def _only(a: Output, b: Output, step: StepId | None) -> Literal["a", "b"] | None:
    """On which side a step is that the other's build has not."""
    if step is None or not a.known or not b.known:
        return None
    if (step in a.known) == (step in b.known):
        return None
    return "a" if step in a.known else "b"
