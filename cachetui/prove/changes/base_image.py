"""Build on the base image that the cache was made from, or that other hosts have."""

from __future__ import annotations

from cachetui.dockerfile.instruction import BUILDKIT_KEYWORDS
from cachetui.findings.case import Case
from cachetui.findings.earlier_run import EarlierRun
from cachetui.findings.wording import host_names
from cachetui.prove import dockerfile_pieces as pieces
from cachetui.prove.change import Change, ExperimentSetting, Image
from cachetui.prove.errors import NoExperiment
from cachetui.records.backend import Backend
from cachetui.records.host import BaseImage
from cachetui.records.step import StepId


def base_image_change(setting: ExperimentSetting, ref: str) -> Change:
    """The build on another image in place of what `ref` names. Raises `NoExperiment`."""
    case = setting.case
    image, whose = _other_image(setting, ref)
    watch = _first_step_on(case, ref, setting.backend)
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


def _other_image(setting: ExperimentSetting, ref: str) -> tuple[Image, str]:
    """The image, and for a sentence whose it is ("ci-2 has")."""
    tag = f"cachetui:{setting.name}-base"
    if setting.before is not None:
        image = _earlier_image(setting.before, ref, tag)
        if image is not None:
            return image, f"{setting.host} had in audit {setting.before.document.audit}"
    return _image_of_others(setting, ref, tag)


def _earlier_image(before: EarlierRun, ref: str, tag: str) -> Image | None:
    """What the host had in the earlier audit, None where its layers are not known."""
    host = before.host
    layers = host.facts.bases.get(ref) if host and host.facts else None
    if not layers:
        return None
    bases = host.evidence.bases if host and host.evidence else ()
    then = next((base for base in bases if base.ref == ref), None)
    digests = then.digests if then else ()
    return Image(ref, layers, tag, then.id if then else None, _pull_name(ref, digests))


def _image_of_others(setting: ExperimentSetting, ref: str, tag: str) -> tuple[Image, str]:
    """What most of the other hosts of this host's platform have. Raises `NoExperiment`."""
    case, host = setting.case, setting.host
    own = case.facts(host)
    groups: dict[tuple[str, ...], list[str]] = {}
    for report in case.document.hosts:
        layers = report.facts.bases.get(ref) if report.facts else None
        if layers and own and report.facts and report.facts.platform == own.platform:
            groups.setdefault(layers, []).append(report.name)
    others = {layers: names for layers, names in groups.items() if host not in names}
    if not others:
        raise NoExperiment(f"no other host has another {ref} than {host}")
    layers, names = max(others.items(), key=lambda group: len(group[1]))
    held = [base for name in names for base in _bases(case, name) if base.ref == ref]
    digests = tuple(digest for base in held for digest in base.digests)
    image = Image(ref, layers, tag, None, _pull_name(ref, digests), tuple(names))
    return image, f"{host_names(names)} {'have' if len(names) > 1 else 'has'}"


def _bases(case: Case, host: str) -> tuple[BaseImage, ...]:
    evidence = case.evidence(host)
    return evidence.bases if evidence else ()


def _pull_name(ref: str, digests: tuple[str, ...]) -> str | None:
    """ "name@sha256:…", to pull the image by; None without a digest."""
    if not digests:
        return None
    return f"{ref.partition('@')[0]}@{digests[0].partition('@')[2]}"


def _first_step_on(case: Case, ref: str, backend: Backend) -> StepId:
    """The first step that builds on an image of that name. Raises `NoExperiment`."""
    counts = BUILDKIT_KEYWORDS if backend == "buildkit" else None
    stages: set[int] = set()
    for stage in case.dockerfile.stages:
        if stage.index not in case.needed:
            continue
        if (stage.is_external and stage.base == ref) or stage.base_stage in stages:
            stages.add(stage.index)
            for item in stage.instructions[1:]:
                if counts is None or item.keyword in counts:
                    return StepId(stage.index, item.index)
    raise NoExperiment(f"no step builds on {ref}")
