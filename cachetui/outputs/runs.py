"""The images of an audit's runs: kept by run, compared with one of them, put into groups of the
same."""

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
from cachetui.records.base import Record
from cachetui.records.document import BuildRecord, Document
from cachetui.records.host import HostReport
from cachetui.records.run import Run
from cachetui.records.step import StepId

if TYPE_CHECKING:
    from cachetui.store.database import Store

SCHEMA = 1
"""The version of the report's JSON."""

_LONGEST = 1000


class OutputImage(Record, frozen=True, kw_only=True):
    """The image of a run. `run` is the run's id; `group` a letter that images of the same content
    share, "A" for those like the baseline; None where it could not be compared, and then
    `reason` says why. `unattributed` counts layers that no step is known to have made."""

    run: str
    host: str
    scenario: str
    repeat: int
    group: str | None = None
    reason: str | None = None
    id: str = ""
    config_digest: str = ""
    layers: tuple[str, ...] = ()
    bytes: int = 0
    unattributed: int = 0

    @property
    def label(self) -> str:
        """How people are told of it: "old legacy-cold", with the repeat from the second on."""
        again = f" #{self.repeat}" if self.repeat > 1 else ""
        return f"{self.host} {self.scenario}{again}"


class OutputGroup(Record, frozen=True, kw_only=True):
    """Images of the same content: labels of `images`, and how they differ from the baseline: what
    is minded is the same for all of them, and of what is not, that of the one with most of it."""

    name: str
    images: tuple[str, ...]
    difference: ImageDifference


class OutputsReport(Record, frozen=True, kw_only=True):
    """What came out of an audit, or of some runs. `baseline` labels the image that the others are
    compared with, None when there is none. The first of `groups` holds it."""

    schema: int = SCHEMA
    baseline: str | None
    strict: bool = False
    ignore: tuple[str, ...] = ()
    images: tuple[OutputImage, ...] = ()
    groups: tuple[OutputGroup, ...] = ()

    @property
    def same(self) -> bool:
        """Whether all images are the same, as far as it is minded. False with none to compare."""
        return len(self.groups) == 1 and all(image.group for image in self.images)


def keep_contents(store: Store, run_id: str, contents: ImageContents) -> None:
    """Keep what a run's image holds."""
    store.keep_blob(f"contents:{run_id}", msgspec.json.encode(contents))


def keep_trouble(store: Store, run_id: str, reason: str) -> None:
    """Keep why a run's image could not be looked at."""
    store.keep_blob(f"contents:{run_id}", reason.encode("utf-8", "replace"))


def contents_of(store: Store, run_id: str) -> ImageContents | None:
    """What a run's image holds, None when it was not gathered or is damaged."""
    found = _kept(store, run_id)
    return found if isinstance(found, ImageContents) else None


def looked_at(store: Store, document: Document) -> bool:
    """Whether an audit looked at the images of its runs, well or not."""
    return any(_kept(store, run.id) is not None for run in document.runs)


def _kept(store: Store, run_id: str) -> ImageContents | str | None:
    """What a run's image holds, or why that is not known; None when nobody looked."""
    data = store.blob(f"contents:{run_id}")
    if data is None:
        return None
    with data:
        text = data.read()
    try:
        return msgspec.json.decode(text, type=ImageContents)
    except msgspec.MsgspecError:
        return text.decode("utf-8", "replace")[:_LONGEST] if text[:1] != b"{" else None


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
        (document.audit, run.id, run.status, run.image is None, _kept(store, run.id))
        for document, run in pairs
    ]

    def work() -> OutputsReport:
        found, whole = _compare_runs(pairs, store, strict, ignore)
        if not whole:
            raise NotWhole(found)
        return found

    what = ("compared", strict, tuple(ignore), kept)
    return remembered(store, what, OutputsReport, work)


def _compare_runs(
    pairs: Sequence[tuple[Document, Run]], store: Store, strict: bool, ignore: Sequence[str]
) -> tuple[OutputsReport, bool]:
    """The report, and whether all that is kept could be read."""
    whole = True
    baseline: Output | None = None
    images: list[OutputImage] = []
    groups: dict[str, OutputGroup] = {}
    known: dict[tuple[tuple[str, ...], str], str] = {}
    for document, run in pairs:
        image = OutputImage(run=run.id, host=run.host, scenario=run.scenario, repeat=run.repeat)
        contents = _kept(store, run.id)
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
                found = compare(
                    baseline, output, lambda d: lines_of(store, d), strict=strict, ignore=ignore
                )
            except LayerError as error:
                whole = False
                images.append(msgspec.structs.replace(image, reason=str(error)))
                continue
            known[exact] = "" if found.same else found.fingerprint
            name = _letter(len(groups))
            groups.setdefault(known[exact], OutputGroup(name=name, images=(), difference=found))
            group = groups[known[exact]]
            if _weight(found) > _weight(group.difference):
                groups[known[exact]] = msgspec.structs.replace(group, difference=found)
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
    return made, whole


def output_of(label: str, contents: ImageContents, run: Run, document: Document) -> Output:
    """A run's image with the steps that made its layers."""
    try:
        dockerfile = parse(document.build.dockerfile_text)
        steps = attribute(
            contents,
            dockerfile,
            document.build.target,
            steps=run.steps,
            bases=_bases(document, run.host),
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
    found = {StepId(index, 0): (head.line, head.text)}
    for maker in chain(dockerfile, build.target, run.steps):
        found[maker.id] = (maker.instruction.line, maker.instruction.text)
    return found


def _bases(document: Document, host: str) -> Mapping[str, tuple[str, ...] | None]:
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
    return "its image was not looked at: run the audit with --outputs"


def _weight(difference: ImageDifference) -> int:
    """How much of a difference is not minded."""
    steps = sum(step.counts.times + step.counts.ignored for step in difference.steps)
    return steps + sum(one.bookkeeping for one in difference.config)


def _letter(number: int) -> str:
    """A, B, … Z, AA, AB, …"""
    text = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        text = chr(65 + rest) + text
    return text
