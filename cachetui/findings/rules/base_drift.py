"""The same FROM is another image on another host, or has moved since the cache was made."""

from __future__ import annotations

from collections.abc import Iterator

from cachetui.findings.case import Case, listed
from cachetui.findings.record import Evidence
from cachetui.findings.rule import Claim, Question, Rule, answer
from cachetui.record import StepId

Layers = tuple[str, ...]


def explain(question: Question) -> Claim | None:
    if question.instruction is None:
        return None
    source = question.instruction.copy_from
    if isinstance(source, str) and "from" in question.changed:
        return _moved(question, source, question.step.id)
    base = _external(question.case, question.step.stage_index)
    if base is None:
        return None
    ref = question.case.dockerfile.stages[base.stage_index].base
    return _moved(question, ref, base) or _other_than_peers(question, ref, base)


def _moved(question: Question, ref: str, base: StepId) -> Claim | None:
    """The image that `base` names is another than in the earlier run on this host."""
    before, case = question.before, question.case
    if before is None or question.step_before is None:
        return None
    now = _layers(case, question.run.host, ref)
    then_facts = next((h.facts for h in before.document.hosts if h.name == question.run.host), None)
    then = then_facts.bases.get(ref) if then_facts else None
    if not now or not then:
        return None
    if now == then and not _other_id(question, ref):
        return None
    what = "has other layers" if now != then else "has another ID"
    evidence = Evidence(
        kind="earlier",
        text=f"{ref} on {question.run.host} {what} than in audit {before.run.audit}"
        + _age(case, question.run.host, ref),
        data={"ref": ref, "now": list(now), "then": list(then)},
    )
    return answer(
        question,
        title=f"{ref} has moved on {question.run.host} since its cache was made",
        confidence="proved",
        steps=(base,),
        evidence=(evidence, _first(question)),
        advice=_advice(case, ref, base, question.run.host),
        same=ref,
        suspect={"kind": "base", "ref": ref},
    )


def _other_id(question: Question, ref: str) -> bool:
    """Whether the image has another ID than before: the legacy builder's cache goes by it."""
    before = question.before
    if question.run.backend != "legacy" or before is None:
        return False
    report = next((h for h in before.document.hosts if h.name == question.run.host), None)
    now = question.case.evidence(question.run.host)
    then = report.evidence if report else None
    ids = [
        next((image.id for image in e.bases if image.ref == ref), None) if e else None
        for e in (now, then)
    ]
    return None not in ids and ids[0] != ids[1]


def _other_than_peers(question: Question, ref: str, base: StepId) -> Claim | None:
    """Hosts that hit have another image; this host's cache was then made with another too, or
    with none: likely, while nothing tells what it was made with."""
    case = question.case
    own = _layers(case, question.run.host, ref)
    theirs = {peer.host: _layers(case, peer.host, ref) for peer in question.peers}
    known = [layers for layers in theirs.values() if layers]
    if not question.first_in_stage or question.before is not None:
        return None
    if not own or not known or own in known:
        return None
    return answer(
        question,
        title=_title(case, ref, [question.run.host]),
        confidence="likely",
        steps=(base,),
        evidence=(*_groups(case, ref), _first(question)),
        advice=_advice(case, ref, base, question.run.host),
        same=ref,
        suspect={"kind": "base", "ref": ref},
    )


def observe(case: Case) -> Iterator[Claim]:
    """The same reference, another image: what is built on it is another image too."""
    seen: set[str] = set()
    for stage in case.dockerfile.stages:
        if stage.index not in case.needed or not stage.is_external or stage.base in seen:
            continue
        seen.add(stage.base)
        groups = _by_layers(case, stage.base)
        if len(groups) < 2:
            continue
        sizes = sorted((len(hosts) for hosts in groups.values()), reverse=True)
        usual = None if sizes[0] == sizes[1] else max(groups, key=lambda key: len(groups[key]))
        odd = [host for layers, hosts in groups.items() if layers != usual for host in hosts]
        base = StepId(stage.index, 0)
        yield Claim(
            title=_title(case, stage.base, odd),
            confidence="proved",
            steps=(base,),
            evidence=tuple(_groups(case, stage.base)),
            advice=_advice(case, stage.base, base, odd[0]),
            hosts=tuple(odd),
            backends=tuple(dict.fromkeys(run.backend for run in case.runs if run.host in odd)),
            scenarios=(),
            same=stage.base,
            suspect={"kind": "base", "ref": stage.base},
        )


def _by_layers(case: Case, ref: str) -> dict[tuple[str, Layers], list[str]]:
    """Hosts by what they have; those of different platforms are not to be compared."""
    found: dict[tuple[str, Layers], list[str]] = {}
    platforms: set[str] = set()
    for host in case.document.hosts:
        layers = _layers(case, host.name, ref)
        if layers and host.facts is not None:
            platforms.add(host.facts.platform)
            found.setdefault((host.facts.platform, layers), []).append(host.name)
    return found if len(platforms) == 1 else {}


def _groups(case: Case, ref: str) -> list[Evidence]:
    found: list[Evidence] = []
    for (_, layers), hosts in _by_layers(case, ref).items():
        top = layers[-1].removeprefix("sha256:")[:12]
        found.append(
            Evidence(
                kind="facts",
                text=f"{listed(hosts)}: {ref} has {_count(layers)} {top}"
                + _age(case, hosts[0], ref),
                data={"ref": ref, "hosts": hosts, "layers": list(layers)},
            )
        )
    return found


def _count(layers: Layers) -> str:
    return "one layer," if len(layers) == 1 else f"{len(layers)} layers, the last"


def _layers(case: Case, host: str, ref: str) -> Layers | None:
    facts = case.facts(host)
    return facts.bases.get(ref) if facts else None


def _age(case: Case, host: str, ref: str) -> str:
    evidence = case.evidence(host)
    image = next((i for i in evidence.bases if i.ref == ref), None) if evidence else None
    return f", made {image.created[:10]}" if image and image.created else ""


def _first(question: Question) -> Evidence:
    return Evidence(
        kind="run",
        text=f"on {question.run.host} line {question.step.line}, which stands on it, missed, and "
        f"{len(question.chain.consequences)} with it",
        data={"run": question.run.id},
    )


def _external(case: Case, stage_index: int) -> StepId | None:
    """The FROM that brings the image that a stage stands on."""
    stage = case.dockerfile.stages[stage_index]
    while stage.base_stage is not None and stage.base_stage < stage.index:
        stage = case.dockerfile.stages[stage.base_stage]
    return StepId(stage.index, 0) if stage.is_external else None


def _title(case: Case, ref: str, odd: list[str]) -> str:
    others = [
        h.name for h in case.document.hosts if h.name not in odd and _layers(case, h.name, ref)
    ]
    beside = f" than on {listed(others)}" if others else ""
    return f"{ref} is another image on {listed(odd)}{beside}"


def _advice(case: Case, ref: str, base: StepId, host: str) -> str:
    item = case.dockerfile.stages[base.stage_index].instructions[base.index]
    digest = _digest(case, ref)
    word = "--from=" if item.keyword == "COPY" else "FROM "
    pin = f"{word}{digest}" if digest else f"{word}{ref}@sha256:…"
    name = ref.partition("@")[0]
    how = f"pin it in line {item.line}: {pin}"
    if digest is None:
        how += " (`docker buildx imagetools inspect` tells the digest)"
    return f"Have the same image everywhere: `docker pull {name}` on {host}, or {how}"


def _digest(case: Case, ref: str) -> str | None:
    """The digest by which a host that is not odd knows the image."""
    for host in case.document.hosts:
        for image in host.evidence.bases if host.evidence else ():
            if image.ref == ref and image.digests:
                return f"{ref.partition('@')[0]}@{image.digests[0].partition('@')[2]}"
    return None


RULE = Rule(
    id="base-drift",
    title="The same FROM is another image on another host, or has moved since a cache was made",
    surprise="A tag is a name that moves. A host that pulled it last week builds on last week's "
    "image: every step above it has another key, and what comes out is another image.",
    needs="The layers of each base image on each host; for `moved`, an earlier audit.",
    applies="The layers differ between hosts of one platform, or on one host between two audits "
    "when a step that stands on the image, or copies from it, missed. Equal layers under another "
    "image ID are no drift for BuildKit; for the legacy builder's cache on one host they are.",
    proves="The engines' own lists of layers. That a miss comes of it: an earlier audit in which "
    "the host had other layers and the step was there, or an experiment with the image pinned.",
    advises="Pull it everywhere, or pin it by digest.",
    written=(
        "BuildKit source/containerimage: the key of an image is the chain of its layers",
        "moby builder/dockerfile/imageprobe.go: the parent is an image ID",
        "our lab: 20.10, 26.1, 28.5 and 28.5 with the containerd store",
    ),
    example="FROM debian:stable\nRUN echo everything below depends on what that is today\n",
    try_it="docker image inspect --format '{{json .RootFS.Layers}}' debian:stable on each host.",
    explain=explain,
    observe=observe,
)
