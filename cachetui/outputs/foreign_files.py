"""Files that a COPY put into an image with bytes that no file of the build context has."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cachetui.builders.docker_args import familiar
from cachetui.context.manifest import Entry
from cachetui.dockerfile.parse import Dockerfile, DockerfileError
from cachetui.findings.context_files import ContextFiles, context_of, files_read
from cachetui.findings.variables import scope_at
from cachetui.outputs.attribute import attribute, chain
from cachetui.outputs.compare import Lines
from cachetui.outputs.compare_runs import base_layers
from cachetui.outputs.contents import ImageContents
from cachetui.outputs.layers import LayerError, lines_of
from cachetui.outputs.memo import NotWhole, remembered
from cachetui.outputs.merge import DIGEST, MTIME, SIZE, TYPE, Fields, Side, made
from cachetui.outputs.run_contents import contents_of
from cachetui.records.backend import Backend
from cachetui.records.document import BuildRecord, Document
from cachetui.records.host import MAX_FOREIGN, ForeignFile
from cachetui.records.step import StepId

if TYPE_CHECKING:
    from cachetui.store.database import Store

_SHA256 = re.compile(rb"[0-9a-f]{64}\Z")


@dataclass(frozen=True)
class CopiedFiles:
    """What COPY steps put into an image: how many files were compared, and those whose bytes no
    file that the step reads has."""

    compared: int
    foreign: tuple[ForeignFile, ...]


def builder_of(contents: ImageContents) -> Backend:
    """The builder that made an image: BuildKit signs the history entries that it writes (BuildKit
    `exporter/containerimage/exptypes`, our lab: all four engines)."""
    last = contents.history[-1] if contents.history else {}
    return "buildkit" if str(last.get("comment") or "").startswith("buildkit") else "legacy"


def copied_files(
    contents: ImageContents,
    build: BuildRecord,
    dockerfile: Dockerfile,
    files: ContextFiles,
    lines: Lines,
    bases: Mapping[str, tuple[str, ...] | None],
) -> CopiedFiles:
    """What the COPY steps of an image took from this context.

    ADD can unpack and is left out, and so is a COPY with a heredoc, or whose files or layer cannot
    be told. Raises `LayerError` when a layer is not in the store.
    """
    backend = builder_of(contents)
    views = _views(build, dockerfile, files, backend)
    try:
        steps = attribute(contents, dockerfile, build.target, bases=bases)
    except DockerfileError:
        return CopiedFiles(0, ())
    side, ranks = _side(contents, steps)
    if not any(step in views for step in ranks):
        return CopiedFiles(0, ())
    compared = 0
    foreign: list[ForeignFile] = []
    known = {step: {entry.sha256 for entry in view.values()} for step, view in views.items()}
    for rank, path, fields in made(side, {digest: lines(digest) for digest in side.layers}):
        step = ranks[rank]
        if step not in views or step is None or fields is None or not _is_file(fields):
            continue
        compared += 1
        if fields[DIGEST].decode() not in known[step]:
            foreign.append(_foreign(step, path, fields, views[step]))
    return CopiedFiles(compared, tuple(foreign))


def foreign_files(
    document: Document, dockerfile: Dockerfile, store: Store
) -> dict[str, tuple[ForeignFile, ...]]:
    """The files that the images of an audit's runs have and the context that was sent has not, by
    the run's id; none for a run whose image was not looked at."""
    build = document.build
    looked_at = [
        (run, contents)
        for run in document.runs
        if run.context_digest is None and (contents := contents_of(store, run.id)) is not None
    ]
    entries = store.manifest(build.context_digest) if looked_at else None
    if entries is None:
        return {}
    files = context_of(entries, build, build.ignore_files)
    foreign: dict[str, tuple[ForeignFile, ...]] = {}
    for run, contents in looked_at:
        bases = base_layers(document, run.host)

        def work(
            contents: ImageContents = contents,
            bases: Mapping[str, tuple[str, ...] | None] = bases,
        ) -> tuple[ForeignFile, ...]:
            try:
                copied = copied_files(
                    contents, build, dockerfile, files, lambda d: lines_of(store, d), bases
                )
            except LayerError:
                raise NotWhole(()) from None
            return copied.foreign[:MAX_FOREIGN]

        what = ("foreign", build, contents.id, contents.digests, sorted(bases.items()))
        found = remembered(store, what, tuple[ForeignFile, ...], work)
        if found:
            foreign[run.id] = found
    return foreign


def _views(
    build: BuildRecord, dockerfile: Dockerfile, files: ContextFiles, backend: Backend
) -> dict[StepId, Mapping[str, Entry]]:
    """What each COPY from the context, or from a named one, reads, as far as that is known."""
    views: dict[StepId, Mapping[str, Entry]] = {}
    named = build.named_contexts
    for maker in chain(dockerfile, build.target, ()):
        item = maker.instruction
        sent = item.copy_from is None or familiar(str(item.copy_from)) in named
        if item.keyword != "COPY" or not sent or item.heredocs:
            continue
        scope = scope_at(dockerfile, build.build_args, item.stage_index, item.index, backend)
        view = files_read(files, item, backend, scope, named)
        if view is not None and maker.id.trigger is None:
            views[maker.id] = view
    return views


def _side(
    contents: ImageContents, steps: Sequence[StepId | None]
) -> tuple[Side, list[StepId | None]]:
    """The image's layers, each run of layers of one step a rank."""
    ranks: list[StepId | None] = []
    cuts: list[int] = []
    for position, step in enumerate(steps, start=1):
        if ranks and ranks[-1] == step:
            cuts[-1] = position
        else:
            ranks.append(step)
            cuts.append(position)
    return Side(contents.digests, tuple(cuts)), ranks


def _is_file(fields: Fields) -> bool:
    return fields[TYPE] in (b"f", b"h") and _SHA256.match(fields[DIGEST]) is not None


def _foreign(step: StepId, path: bytes, fields: Fields, view: Mapping[str, Entry]) -> ForeignFile:
    text = path.decode("utf-8", "replace")
    size = int(fields[SIZE])
    name = text.rsplit("/", 1)[-1]
    twins = [
        entry
        for entry in view.values()
        if entry.kind == "file" and entry.size == size and entry.path.rsplit("/", 1)[-1] == name
    ]
    twin = twins[0] if len(twins) == 1 else None
    return ForeignFile(
        stage_index=step.stage_index,
        index=step.index,
        path=f"/{text}",
        size=size,
        mtime=int(float(fields[MTIME] or b"0")),
        sha256=fields[DIGEST].decode(),
        source=twin.path if twin is not None else None,
        source_sha256=twin.sha256 if twin is not None else None,
    )
