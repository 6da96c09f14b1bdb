"""The same FROM is another image on another host, or has moved since the cache was made."""

from __future__ import annotations

from collections.abc import Iterator

from cachetui.builders.docker_args import familiar, image_contexts
from cachetui.findings.base_images import Layers, layers_on, platform_of, sides_of
from cachetui.findings.cache_contents import records_of_command
from cachetui.findings.case import Case
from cachetui.findings.claim import HOSTS, Claim, answer
from cachetui.findings.earlier_bases import earlier_bases, moved_layers
from cachetui.findings.image_choice import choices, price_of, ways
from cachetui.findings.image_evidence import age_of, evidence_of_images
from cachetui.findings.image_titles import brief_of_images, title_of_images
from cachetui.findings.legacy_cache import chain_on
from cachetui.findings.question import Question
from cachetui.findings.record import Confidence, Evidence
from cachetui.findings.rule import Rule
from cachetui.findings.same_image import advice, commands
from cachetui.findings.suspect import Suspect
from cachetui.findings.trigger_changes import by_triggers_of_base
from cachetui.findings.wording import join_names
from cachetui.records.step import StepId


class BaseImage(Suspect, frozen=True, tag="base"):
    """The image that a reference names."""

    ref: str


def explain(question: Question) -> Claim | None:
    if question.instruction is None:
        return None
    source = question.instruction.copy_from
    if isinstance(source, str) and "from" in question.changes.changed:
        if question.changes.sources.is_other_context(source):
            return None  # the build's own change
        named = image_contexts(question.case.document.build.docker_args)
        return _moved(question, named.get(familiar(source), source), question.step.id, "from")
    base = _external(question.case, question.step.stage_index)
    if base is None:
        return None
    ref = question.case.dockerfile.stages[base.stage_index].base
    return (
        _moved(question, ref, base)
        or _moved_by_another_record(question, ref, base)
        or _other_than_peers(question, ref, base)
    )


def _moved(question: Question, ref: str, base: StepId, token: str = "base") -> Claim | None:
    """The image that `base` names is another than in the earlier run on this host."""
    before, case, host = question.before, question.case, question.run.host
    if before is None or question.changes.now is None:
        return None
    if question.changes.sources.is_other_reference and token == "base":
        return None
    other_triggers = token == "base" and by_triggers_of_base(question, ref)
    if question.changes.then is None and not other_triggers:
        return None
    now, then = (
        inputs.tokens.get(token) if inputs is not None else None
        for inputs in (question.changes.now, question.changes.then)
    )
    confidence: Confidence = "proved"
    data: dict[str, object] = {"ref": ref, "now": (now or "").split(), "then": (then or "").split()}
    if token in question.changes.changed and now is not None and then is not None:
        what = "has other layers"
        if now.startswith("@"):
            what, confidence = "resolves to another digest", "likely"
    elif other_triggers:
        what = "has other ONBUILD triggers"
    elif token == "base" and (names := question.changes.sources.set_by_base):
        what = f"has the same layers and sets {join_names(names)} otherwise"
        data["settings"] = list(names)
    elif token == "base" and question.changes.sources.other_image_id:
        what = "has another ID"
        if question.run.backend == "buildkit":
            what, confidence = _of_same_layers(question), "likely"
    else:
        return None
    evidence = Evidence(
        kind="earlier",
        text=f"{ref} on {HOSTS} {what} than in audit {before.run.audit}" + age_of(case, host, ref),
        data=data,
        hosts=(host,),
    )
    return _has_moved(question, ref, base, confidence, evidence)


def _of_same_layers(question: Question) -> str:
    """What is known of two images with other IDs to BuildKit, whose key has one of them perhaps."""
    sides = question.changes.now, question.changes.then
    if all(one is not None and one.settings is not None for one in sides):
        return "has the same layers and settings but another digest, by which its image store goes,"
    return "has the same layers but another configuration (ENV, USER)"


def _moved_by_another_record(question: Question, ref: str, base: StepId) -> Claim | None:
    """The builder has no earlier run here, but an audit with the other builder knows what the image
    was then, and this builder's own records know the step: the legacy builder's by the image that
    it stands on, BuildKit's without it."""
    case, host = question.case, question.run.host
    if question.before is not None or not question.as_found or not question.first_in_stage:
        return None
    if question.run.backend == "legacy":
        known = {base.id: base for base in earlier_bases(case, host, ref) if base.id is not None}
        chain = chain_on(case, host, known, question.step.id)
        if chain is None:
            return None
        then = known[chain.base]
        confidence: Confidence = "proved"
        record = Evidence(
            kind="cache",
            text=f"the legacy builder's images on {HOSTS} have line {question.step.line} on image "
            f"{_short(chain.base)}, which {ref} named in audit {then.audit}",
            data={"ref": ref, "image": chain.base, "audit": then.audit},
            hosts=(host,),
        )
    else:
        known_now = layers_on(case, host, ref)
        moved = next(moved_layers(case, host, ref), None) if known_now else None
        records = records_of_command(case.evidence(host), question)
        there = next((one for one in records if one.data.get("records")), None)
        if moved is None or there is None:
            return None
        confidence = "likely"
        record = Evidence(
            kind="earlier",
            text=f"{ref} on {HOSTS} has other layers than in audit {moved.audit}, and {there.text}",
            data={"ref": ref, "audit": moved.audit, **there.data},
            hosts=(host,),
        )
    return _has_moved(question, ref, base, confidence, record)


def _has_moved(
    question: Question, ref: str, base: StepId, confidence: Confidence, shown_by: Evidence
) -> Claim:
    return answer(
        question,
        title=f"{ref} on {HOSTS} is a different image than when the cache was filled",
        brief=f"{ref} is another image than before",
        confidence=confidence,
        steps=(base,),
        evidence=(shown_by, _first(question)),
        advice=advice(question.case, ref, base),
        commands=commands(question.case, ref),
        choice=choices(ways(question.case, ref)),
        merge_key=ref,
        suspect=BaseImage(ref),
        one_cause=True,
    )


def _short(image: str) -> str:
    return image.removeprefix("sha256:")[:12]


def _other_than_peers(question: Question, ref: str, base: StepId) -> Claim | None:
    """Hosts of its platform that hit have another image; this host's cache was then made with
    another too, or with none: only likely, since nothing shows what it was made with."""
    if not question.first_in_stage or question.before is not None:
        return None
    case, host = question.case, question.run.host
    images = case.once((_other_than_peers, ref), lambda: _image_by_host(case, ref))
    own, platform = layers_on(case, host, ref), platform_of(case, host)
    # Many hosts have the same peers; these are kept, so that no others have their id.
    _, theirs = case.once(
        (_other_than_peers, ref, id(question.peers)),
        lambda: (question.peers, {images.get(peer.host, (None, None)) for peer in question.peers}),
    )
    known = {layers for there, layers in theirs if there == platform and layers}
    if not own or not known or own in known:
        return None
    return answer(
        question,
        title=title_of_images(case, ref),
        brief=brief_of_images(case, ref),
        confidence="likely",
        steps=(base,),
        evidence=(*evidence_of_images(case, ref), *_price(case, ref, (host,)), _first(question)),
        advice=advice(case, ref, base),
        commands=commands(case, ref),
        choice=choices(ways(case, ref)),
        merge_key=ref,
        suspect=BaseImage(ref),
        one_cause=True,
    )


def _image_by_host(case: Case, ref: str) -> dict[str, tuple[str | None, Layers | None]]:
    """The platform of each host, and the layers that it has behind a reference."""
    names = [host.name for host in case.document.hosts]
    return {name: (platform_of(case, name), layers_on(case, name, ref)) for name in names}


def observe(case: Case) -> Iterator[Claim]:
    """The same reference, another image: what is built on it is another image too."""
    seen: set[str] = set()
    for stage in case.dockerfile.stages:
        if stage.index not in case.needed or not stage.is_external or stage.base in seen:
            continue
        seen.add(stage.base)
        sides = sides_of(case, stage.base)
        if sides is None:
            continue
        images = evidence_of_images(case, stage.base)
        base = StepId(stage.index, 0)
        yield Claim(
            title=title_of_images(case, stage.base),
            brief=brief_of_images(case, stage.base),
            confidence="proved" if all(image.kind == "facts" for image in images) else "likely",
            steps=(base,),
            evidence=(*images, *_price(case, stage.base, sides.odd)),
            advice=advice(case, stage.base, base),
            commands=commands(case, stage.base),
            choice=choices(ways(case, stage.base)),
            hosts=sides.odd,
            backends=tuple(
                dict.fromkeys(run.backend for run in case.runs if run.host in sides.odd)
            ),
            scenarios=(),
            merge_key=stage.base,
            suspect=BaseImage(stage.base),
            one_cause=True,
        )


def _price(case: Case, ref: str, hosts: tuple[str, ...]) -> list[Evidence]:
    """What building on another image would take."""
    text = price_of(case, ref)
    return [Evidence(kind="run", text=text, hosts=hosts)] if text else []


def _first(question: Question) -> Evidence:
    return Evidence(
        kind="run",
        text=f"{question.run.scenario} on {HOSTS}: line {question.chain.cause.line}, which builds "
        f"on it, missed{_later_steps(len(question.chain.consequences))}",
        hosts=(question.run.host,),
        runs=(question.run.id,),
    )


def _later_steps(count: int) -> str:
    """ ", and 2 later steps with it"; "" without any."""
    return f", and {count} later step{'s' if count > 1 else ''} with it" if count else ""


def _external(case: Case, stage_index: int) -> StepId | None:
    """The FROM of the image that a stage builds on, None for `scratch`."""
    head = case.head(stage_index)
    stage = case.dockerfile.stages[head.stage_index]
    return StepId(stage.index, 0) if stage.is_external else None


RULE = Rule(
    id="base-drift",
    order=310,
    title="One FROM names different images on different hosts, or another image than before",
    surprise="A tag can move. A host that pulled it last week builds on last week's image: every "
    "step on top of it has another cache key, and the result is another image.",
    needs="The layers of each base image on each host, or the digest that BuildKit resolved and "
    "printed. To see that a tag has moved: an earlier audit, with either builder.",
    applies="The layers differ between hosts of one platform. Or they differ on one host between "
    "two audits, and a step that builds on the image, or copies from it, missed. Equal layers "
    "under another image ID are drift for BuildKit where the image sets another ENV, USER, WORKDIR "
    "or SHELL that is in the step's key; for the legacy builder's cache on one host they always "
    "are.",
    proves="The engines' own lists of layers. That the image caused the miss: an earlier audit in "
    "which the host had other layers and had the step in its cache; the legacy builder's images, "
    "where they have the step on the image of an earlier audit; or an experiment with the image "
    "pinned.",
    advises="Pull the image on every host, or pin it by digest.",
    written=(
        "BuildKit source/containerimage: the key of an image is the chain of its layers",
        "moby builder/dockerfile/imageprobe.go: the parent is an image ID",
        "our lab: 20.10, 26.1, 28.5 and 28.5 with the containerd store",
    ),
    example="FROM debian:stable\nRUN echo everything below depends on what that is today\n",
    try_it="docker image inspect --format '{{json .RootFS.Layers}}' debian:stable on each host.",
    paid="once",
    explain=explain,
    observe=observe,
    suspect=BaseImage,
)
