"""Compare the images of runs with that of the first, and put those of the same content together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from cachetui.dockerfile.parse import Dockerfile, DockerfileError, parse, resolve_target
from cachetui.outputs.attribute import attribute, chain
from cachetui.outputs.compare import Output, compare
from cachetui.outputs.contents import ImageContents
from cachetui.outputs.difference import ImageDifference
from cachetui.outputs.globs import Ignore
from cachetui.outputs.layers import LayerError, lines_of
from cachetui.outputs.memo import NotWhole, remembered
from cachetui.outputs.outputs_report import NOT_LOOKED_AT, OutputGroup, OutputImage, OutputsReport
from cachetui.outputs.run_contents import contents_or_reason, looked_at
from cachetui.records.document import BuildRecord, Document
from cachetui.records.host import HostReport
from cachetui.records.run import Run
from cachetui.records.step import StepId

if TYPE_CHECKING:
    from cachetui.store.database import Store


def report(
    document: Document,
    store: Store,
    runs: Sequence[Run] | None = None,
    *,
    strict: bool = False,
    ignore: Sequence[str] = (),
) -> OutputsReport:
    """Compare the images of an audit's runs with that of the first (`runs`: of these, in order).

    Raises `GlobError` for a pattern of `ignore`. A run without an image, or whose image was not
    looked at or is damaged in the store, is listed with the reason.
    """
    pairs = [(document, run) for run in (document.runs if runs is None else runs)]
    return compare_runs(pairs, store, strict=strict, ignore=ignore)


def of_document(document: Document, store: Store) -> OutputsReport | None:
    """What came out of an audit, None where no image was looked at. What its build says does not
    matter is ignored."""
    if not looked_at(store, document):
        return None
    runs = [run for run in document.runs if run.status != "unsupported"]
    return report(document, store, runs, ignore=document.build.ignore)


def compare_runs(
    pairs: Sequence[tuple[Document, Run]],
    store: Store,
    *,
    strict: bool = False,
    ignore: Sequence[str] = (),
) -> OutputsReport:
    """The same for runs of several audits, each with its document."""
    Ignore(ignore)
    kept = [
        (document.audit, run.id, run.status, run.image is None, contents_or_reason(store, run.id))
        for document, run in pairs
    ]

    def work() -> OutputsReport:
        made, complete = _compare_runs(pairs, store, strict, ignore)
        if not complete:
            raise NotWhole(made)
        return made

    what = ("compared", strict, tuple(ignore), kept)
    return remembered(store, what, OutputsReport, work)


def _compare_runs(
    pairs: Sequence[tuple[Document, Run]], store: Store, strict: bool, ignore: Sequence[str]
) -> tuple[OutputsReport, bool]:
    """The report, and whether all that is kept could be read."""
    complete = True
    baseline: Output | None = None
    images: list[OutputImage] = []
    groups: dict[str, OutputGroup] = {}
    known: dict[tuple[tuple[str, ...], str], str] = {}
    for document, run in pairs:
        image = OutputImage(run=run.id, host=run.host, scenario=run.scenario, repeat=run.repeat)
        contents = contents_or_reason(store, run.id)
        if not isinstance(contents, ImageContents):
            reason = contents or _no_contents(run)
            images.append(msgspec.structs.replace(image, reason=reason))
            continue
        image = _described(image, contents)
        output = output_of(image.label, contents, run, document)
        image = msgspec.structs.replace(image, unattributed=output.steps.count(None))
        baseline = baseline or output
        exact = (contents.digests, contents.config_digest)
        if exact not in known:
            try:
                difference = compare(
                    baseline, output, lambda d: lines_of(store, d), strict=strict, ignore=ignore
                )
            except LayerError as error:
                complete = False
                images.append(msgspec.structs.replace(image, reason=str(error)))
                continue
            known[exact] = "" if difference.same else difference.fingerprint
            name = _letter(len(groups))
            groups.setdefault(
                known[exact], OutputGroup(name=name, images=(), difference=difference)
            )
            group = groups[known[exact]]
            if _weight(difference) > _weight(group.difference):
                groups[known[exact]] = msgspec.structs.replace(group, difference=difference)
        group = groups[known[exact]]
        groups[known[exact]] = msgspec.structs.replace(group, images=(*group.images, image.label))
        images.append(msgspec.structs.replace(image, group=group.name))
    made = OutputsReport(
        baseline=baseline.label if baseline else None,
        strict=strict,
        ignore=tuple(ignore),
        images=tuple(images),
        groups=tuple(groups.values()),
    )
    return made, complete


def output_of(label: str, contents: ImageContents, run: Run, document: Document) -> Output:
    """A run's image with the steps that made its layers."""
    try:
        dockerfile = parse(document.build.dockerfile_text)
        steps = attribute(
            contents,
            dockerfile,
            document.build.target,
            steps=run.steps,
            bases=base_layers(document, run.host),
        )
        texts = _texts(dockerfile, document.build, run)
    except DockerfileError:
        return Output(label, contents, (None,) * len(contents.layers))
    return Output(label, contents, steps, frozenset(texts), texts)


def _texts(dockerfile: Dockerfile, build: BuildRecord, run: Run) -> dict[StepId, tuple[int, str]]:
    """Line and instruction of every step that an image of this build can have layers of."""
    index = resolve_target(dockerfile, build.target)
    while (base := dockerfile.stages[index].base_stage) is not None:
        index = base
    head = dockerfile.stages[index].instructions[0]
    texts = {StepId(index, 0): (head.line, head.text)}
    for maker in chain(dockerfile, build.target, run.steps):
        texts[maker.id] = (maker.instruction.line, maker.instruction.text)
    return texts


def base_layers(document: Document, host: str) -> Mapping[str, tuple[str, ...] | None]:
    """The layers of the base images on a host."""
    report: HostReport | None = next((h for h in document.hosts if h.name == host), None)
    return report.facts.bases if report is not None and report.facts is not None else {}


def _described(image: OutputImage, contents: ImageContents) -> OutputImage:
    return msgspec.structs.replace(
        image,
        id=contents.id,
        config_digest=contents.config_digest,
        layers=contents.digests,
        bytes=contents.bytes,
    )


def _no_contents(run: Run) -> str:
    if run.status != "ok":
        return f"the run is {run.status}: it made no image"
    if run.image is None:
        return "its image has no name to be found by"
    return NOT_LOOKED_AT


def _weight(difference: ImageDifference) -> int:
    """How much of a difference does not count."""
    steps = sum(step.counts.times + step.counts.ignored for step in difference.steps)
    return steps + sum(setting.bookkeeping for setting in difference.config)


def _letter(number: int) -> str:
    """A, B, … Z, AA, AB, …"""
    text = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        text = chr(65 + rest) + text
    return text
