"""What each step of an image made, for findings, which compare many runs: as a digest that two
images share when they made the same, and the paths that differ between two of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from cachetui.compare.align import order
from cachetui.outputs.compare import Lines, Output, compare
from cachetui.outputs.compare_runs import output_of
from cachetui.outputs.difference import PathDifference, StepDifference
from cachetui.outputs.globs import Ignore
from cachetui.outputs.layers import LayerError, lines_of
from cachetui.outputs.memo import NotWhole, remembered
from cachetui.outputs.merge import DIGEST, MODE, MTIME, TYPE, XATTRS, Side, made
from cachetui.outputs.run_contents import contents_of
from cachetui.records.base import Record
from cachetui.records.document import Document
from cachetui.records.run import Run
from cachetui.records.step import StepId
from cachetui.store.database import Store


class _Made(Record, frozen=True, kw_only=True):
    """A step with the digest of what it made, as it is remembered."""

    stage_index: int
    index: int
    trigger: int | None
    digest: str


def step_digests(output: Output, lines: Lines, ignore: Sequence[str] = ()) -> dict[StepId, str]:
    """A digest over the paths that each step wrote or removed, times left out, and what a pattern
    of `ignore` matches. A step that changed nothing has one too. Raises `LayerError`."""
    steps = sorted({*output.known, *filter(None, output.steps)}, key=order)
    if None in output.steps or not steps:
        return {}
    cuts = tuple(sum(order(step) <= order(one) for step in output.steps if step) for one in steps)
    hashes = [hashlib.sha256() for _ in steps]
    side = Side(output.contents.digests, cuts)
    layers: dict[str, Iterable[bytes]] = {digest: lines(digest) for digest in side.layers}
    left_out = Ignore(ignore)
    for rank, path, fields in made(side, layers):
        if left_out.match(path.decode()) is not None:
            continue
        shown = [b"-"]
        if fields is not None:
            mode = b"" if fields[TYPE] == b"l" else fields[MODE]
            shown = [fields[TYPE], mode, *fields[MODE + 1 : MTIME], *fields[DIGEST : XATTRS + 1]]
        hashes[rank].update(b"\t".join((path, *shown)) + b"\n")
    return {step: one.hexdigest() for step, one in zip(steps, hashes, strict=True)}


def document_digests(document: Document, store: Store) -> dict[tuple[str, StepId], str]:
    """The same for every run of an audit whose image was looked at: (run id, step) to digest."""
    found: dict[tuple[str, StepId], str] = {}
    for run in document.runs:
        contents = contents_of(store, run.id)
        if contents is None:
            continue
        output = output_of(run.host, contents, run, document)
        for one in _made_by(output, store, document.build.ignore):
            step = StepId(one.stage_index, one.index, one.trigger)
            found[(run.id, step)] = one.digest
    return found


def _made_by(output: Output, store: Store, ignore: Sequence[str]) -> tuple[_Made, ...]:
    """What each step of an image made, none where a layer cannot be read."""

    def work() -> tuple[_Made, ...]:
        try:
            digests = step_digests(output, lambda digest: lines_of(store, digest), ignore)
        except LayerError:
            raise NotWhole(()) from None
        return tuple(
            _Made(stage_index=at.stage_index, index=at.index, trigger=at.trigger, digest=digest)
            for at, digest in digests.items()
        )

    known = sorted(output.known, key=order)
    what = ("made", output.contents.digests, output.steps, known, tuple(ignore))
    return remembered(store, what, tuple[_Made, ...], work)


def differing_paths(
    document: Document, store: Store, a: Run, b: Run
) -> dict[StepId, tuple[PathDifference, ...]]:
    """The paths that differ between what the steps of two runs made, times left out, and what the
    build ignores: those that matter first, at most `compare.LISTED` of a kind. Steps that made
    the same are not in it. Empty where an image was not looked at."""
    contents_a, contents_b = contents_of(store, a.id), contents_of(store, b.id)
    if contents_a is None or contents_b is None:
        return {}
    ignore = document.build.ignore
    outputs = (
        output_of(a.host, contents_a, a, document),
        output_of(b.host, contents_b, b, document),
    )

    def work() -> tuple[StepDifference, ...]:
        try:
            return compare(*outputs, lambda digest: lines_of(store, digest), ignore=ignore).steps
        except LayerError:
            raise NotWhole(()) from None

    images = [(one.contents.digests, one.steps, sorted(one.known, key=order)) for one in outputs]
    steps = remembered(store, ("differing", images, ignore), tuple[StepDifference, ...], work)
    return {step.id: step.paths for step in steps if step.id is not None and step.paths}
