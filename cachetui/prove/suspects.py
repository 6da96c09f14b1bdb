"""Each kind of suspect: the build as it is, and as it was but for the suspect. Pure."""

from __future__ import annotations

import re

from cachetui.audit.run_key import digest
from cachetui.dockerfile.instruction import BUILDKIT_KEYWORDS, Instruction
from cachetui.findings.case import Before, Case, join_names
from cachetui.findings.context_files import ContextFiles, compare_files, files_read
from cachetui.findings.rules.legacy_metadata_invalidates import METADATA, WORK
from cachetui.findings.variables import scope_at
from cachetui.hosts.upload import context_folder
from cachetui.prove import dockerfile_pieces as pieces
from cachetui.prove.change import (
    Change,
    ExperimentSetting,
    Image,
    NoExperiment,
    ValueNeeded,
    instruction,
)
from cachetui.prove.context_edits import edits
from cachetui.prove.dockerfile_pieces import Pieces
from cachetui.records.backend import Backend
from cachetui.records.host import BaseImage
from cachetui.records.step import StepId


def change(setting: ExperimentSetting) -> Change:
    """The one thing to change. Raises `NoExperiment`."""
    kind = str(setting.finding.suspect.get("kind", ""))
    makers = {
        "modes": _context,
        "content": _context,
        "unneeded": _context,
        "base": _base,
        "arg": _argument,
        "metadata": _metadata,
    }
    if kind in makers:
        return makers[kind](setting)
    why = _WHY_NOT.get(kind)
    if why is None and setting.finding.confidence == "proved":
        why = "the engines' own records show it already"
    raise NoExperiment(why or f"nothing can be changed back to test {setting.finding.id}")


_WHY_NOT = {
    "remote": "what the server had before cannot be brought back",
    "no-cache": "it is about what an option of the build would do, which is known of every engine",
    "sharing": "it is about seconds, not about hits: compare runs with and without sharing=locked",
    "twin": "a run without --no-cache shows it: run the audit again with --as-found",
    "mount-id": "it is about which steps share a mount, which the Dockerfile shows",
}


# The build context


def _context(setting: ExperimentSetting) -> Change:
    """Give the files that the step sees the modes and content that they had."""
    case, step, backend = setting.case, setting.first, setting.backend
    item = instruction(case, step)
    now = case.files(case.document, setting.host)
    if now is None:
        raise NoExperiment("the manifest of the context is not kept any more; run the audit again")
    then, source, whose = _context_then(setting)
    view_now, view_then = (_view(case, files, item, backend) for files in (now, then))
    if view_now is None or view_then is None:
        raise NoExperiment(f"what line {item.line} sees of the context cannot be told")
    difference = compare_files(view_then, view_now, backend)
    if not difference:
        raise NoExperiment(
            f"what line {item.line} sees of {whose} is what was sent: there is nothing to change"
        )
    what = "the modes" if difference.only_modes else "the files"
    return Change(
        backend=backend,
        what=f"{what} of {join_names(difference.paths, 3)}: as in {whose}, and as sent",
        watch=step,
        now=setting.state(f"with {what} as sent"),
        then=setting.state(
            f"with {what} as in {whose}", files=edits(difference, view_then, source)
        ),
        run=setting.missed(step),
    )


def _context_then(setting: ExperimentSetting) -> tuple[ContextFiles, str, str]:
    """The context that the cache was made from, its folder on the host, and whose it is."""
    case, before = setting.case, setting.before
    if before is not None:
        files = case.files(before.document, setting.host)
        folder = context_folder(setting.cache_folder, before.document.build.context_digest)
        if files is not None:
            return files, f"{folder}/context", f"audit {before.document.audit}"
    files = case.checkout(setting.host)
    evidence = case.evidence(setting.host)
    if files is None or evidence is None or evidence.checkout is None:
        raise NoExperiment("no other context is known: neither an earlier audit's nor a checkout's")
    return files, evidence.checkout.path, f"the checkout on {setting.host}"


def _view(case: Case, files: ContextFiles, item: Instruction, backend: Backend):  # type: ignore[no-untyped-def]
    args = case.document.build.build_args
    scope = scope_at(case.dockerfile, args, item.stage_index, item.index, backend)
    return files_read(files, item, backend, scope)


# The base image


def _base(setting: ExperimentSetting) -> Change:
    """Build on the image that the cache was made from, or that other hosts have."""
    case = setting.case
    ref = str(setting.finding.suspect.get("ref", ""))
    image, whose = _image_then(setting, ref)
    watch = _first_on(case, ref, setting.backend)
    own = parts = pieces.pieces(case.dockerfile)
    for stage in case.dockerfile.stages:
        if stage.is_external and stage.base == ref:
            head = stage.instructions[0]
            words = ["FROM", *head.flags, image.tag, *(["AS", stage.name] if stage.name else [])]
            parts = pieces.replaced(parts, StepId(stage.index, 0), " ".join(words) + "\n")
    if parts == own:
        raise NoExperiment(f"no FROM names {ref}")
    return Change(
        backend=setting.backend,
        what=f"{ref}: the image that {whose}, and {setting.host}'s own",
        watch=watch,
        now=setting.state("on the host's own image"),
        then=setting.state(f"on the image that {whose}", parts),
        run=setting.missed(watch),
        image=image,
    )


def _image_then(setting: ExperimentSetting, ref: str) -> tuple[Image, str]:
    case, host, before = setting.case, setting.host, setting.before
    tag = f"cachetui:{setting.name}-base"
    if before is not None:
        report = next((h for h in before.document.hosts if h.name == host), None)
        layers = report.facts.bases.get(ref) if report and report.facts else None
        known = report.evidence.bases if report and report.evidence else ()
        then = next((i for i in known if i.ref == ref), None)
        if layers:
            digests = then.digests if then else ()
            image = Image(ref, layers, tag, then.id if then else None, _pull(ref, digests))
            return image, f"{host} had in audit {before.document.audit}"
    own = case.facts(host)
    groups: dict[tuple[str, ...], list[str]] = {}
    for report in case.document.hosts:
        layers = report.facts.bases.get(ref) if report.facts else None
        if layers and own and report.facts and report.facts.platform == own.platform:
            groups.setdefault(layers, []).append(report.name)
    others = {layers: names for layers, names in groups.items() if host not in names}
    if not others:
        raise NoExperiment(f"no host that was asked has another {ref} than {host}")
    layers, names = max(others.items(), key=lambda one: len(one[1]))
    held = [image for name in names for image in _bases(case, name) if image.ref == ref]
    digests = tuple(digest for image in held for digest in image.digests)
    return Image(ref, layers, tag, None, _pull(ref, digests), tuple(names)), (
        f"{join_names(names)} {'have' if len(names) > 1 else 'has'}"
    )


def _bases(case: Case, host: str) -> tuple[BaseImage, ...]:
    evidence = case.evidence(host)
    return evidence.bases if evidence else ()


def _pull(ref: str, digests: tuple[str, ...]) -> str | None:
    """The name to pull it by."""
    if not digests:
        return None
    return f"{ref.partition('@')[0]}@{digests[0].partition('@')[2]}"


def _first_on(case: Case, ref: str, backend: Backend) -> StepId:
    """The first step that stands on an image of that name."""
    counts = BUILDKIT_KEYWORDS if backend == "buildkit" else None
    on: set[int] = set()
    for stage in case.dockerfile.stages:
        if stage.index not in case.needed:
            continue
        if (stage.is_external and stage.base == ref) or stage.base_stage in on:
            on.add(stage.index)
            for item in stage.instructions[1:]:
                if counts is None or item.keyword in counts:
                    return StepId(stage.index, item.index)
    raise NoExperiment(f"no step stands on {ref}")


# A build argument


def _argument(setting: ExperimentSetting) -> Change:
    """Give the arguments the values that they had. Only their digests are kept."""
    build = setting.case.document.build
    names = [str(name) for name in setting.finding.suspect.get("names", ())]
    digests = {
        str(one.data.get("name")): one.data.get("then")
        for one in setting.finding.evidence
        if one.kind == "earlier" and "then" in one.data
    }
    then = dict(setting.values)
    for name in names:
        if name in digests and digests[name] is None:
            then.pop(name, None)
            continue
        value = _earlier_value(setting, name, digests.get(name), build.build_args.get(name))
        if value is not None:
            then[name] = value
    if then == dict(setting.values):
        raise ValueNeeded(names[0], f"the earlier value of {names[0]} is needed")
    watch = setting.first
    return Change(
        backend=setting.backend,
        what=f"--build-arg {join_names(names)}: as before, and as now",
        watch=watch,
        now=setting.state(f"with --build-arg {join_names(names)} as now"),
        then=setting.state(f"with --build-arg {join_names(names)} as before", build_args=then),
        run=setting.missed(watch),
    )


def _earlier_value(
    setting: ExperimentSetting, name: str, wanted: str | None, now: str | None
) -> str | None:
    given = [value for given, value in setting.given if given == name and digest(value) != now]
    if wanted is None:
        return given[-1] if given else None
    if any(digest(value) == wanted for value in given):
        return next(value for value in given if digest(value) == wanted)
    if given:
        raise NoExperiment(f"that is not the value that {name} had: its digest is another")
    raise ValueNeeded(name, f"the earlier value of {name} is needed")


# A line that changes nothing but the image's configuration


def _metadata(setting: ExperimentSetting) -> Change:
    """Put the line back as it was; where nobody knows how, give it another value."""
    case, at = setting.case, setting.first
    if setting.backend != "legacy":
        raise NoExperiment("it is about the legacy builder alone")
    item = instruction(case, at)
    watch = _work_below(case, at)
    own = pieces.pieces(case.dockerfile)
    was = setting.finding.suspect.get("was")
    inexact = None
    if setting.before is not None:
        then, said = _lines_before(own, setting.before, watch), "as before"
    elif isinstance(was, str):
        # What history tells of values is not how they were written.
        inexact = f"`docker history` does not tell how {was!r} was written"
        then = _line_in_the_image(own, item, was)
        said = "as an image of the host has it"
    else:
        then, said = pieces.replaced(own, at, _another(item)), "with another value"
    if then == own:
        raise NoExperiment("what the line was before is not known")
    return Change(
        backend="legacy",
        what=f"line {item.line} ({item.keyword}): {said}, and as it is",
        watch=watch,
        now=setting.state(f"with line {item.line} as it is"),
        then=setting.state(f"with line {item.line} {said}", then),
        run=setting.missed(watch),
        inexact=inexact,
    )


def _line_in_the_image(own: Pieces, item: Instruction, was: str) -> Pieces:
    """With the line that an image has in this one's place: changed, taken out, or added since."""
    at = StepId(item.stage_index, item.index)
    body = _as_written(was) + "\n"
    if item.keyword not in METADATA:
        return pieces.inserted(own, at, body)
    same = was.partition(" ")[0] == item.keyword
    return pieces.replaced(own, at, body if same else None)


def _work_below(case: Case, at: StepId) -> StepId:
    """The first step from there on in its stage that makes something."""
    for item in case.dockerfile.stages[at.stage_index].instructions[at.index :]:
        if item.keyword in WORK:
            return StepId(at.stage_index, item.index)
    raise NoExperiment("no step below it makes anything")


def _lines_before(own: Pieces, before: Before, watch: StepId) -> Pieces:
    """With all such lines above the step as they were in the earlier Dockerfile."""
    parts = own
    for edit in before.edits:
        item = edit.now or edit.before
        if item is None or item.keyword not in METADATA or edit.at.stage_index != watch.stage_index:
            continue
        if edit.at.index > watch.index or edit.kind == "same":
            continue
        body = None
        if edit.before is not None:
            there = StepId(edit.before.stage_index, edit.before.index)
            earlier = pieces.pieces(before.dockerfile)
            body = next((part.body for part in earlier if part.step == there), None)
        if edit.kind == "removed" and body is not None:
            parts = pieces.inserted(parts, edit.at, body)
        elif edit.kind in ("changed", "added"):
            parts = pieces.replaced(parts, edit.at, body)
    return parts


_PAIR = re.compile(r"([^\s=]+)=(.*?)(?=\s+[^\s=]+=|\s*\Z)", re.DOTALL)


def _as_written(told: str) -> str:
    """A line of `docker history` as it could stand in a Dockerfile: values quoted."""
    keyword, _, rest = told.partition(" ")
    pairs = _PAIR.findall(rest) if keyword == "LABEL" else []
    if not pairs:
        return told
    quoted = (
        value.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$") for _, value in pairs
    )
    return " ".join(
        [keyword, *(f'{name}="{v}"' for (name, _), v in zip(pairs, quoted, strict=True))]
    )


def _another(item: Instruction) -> str:
    """The line with another value, whatever it is."""
    if item.keyword != "LABEL":
        raise NoExperiment("what the line was before is not known")
    return f"{item.text.rstrip()} cachetui.experiment=1\n"
