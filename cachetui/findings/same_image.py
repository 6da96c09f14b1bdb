"""How hosts get one image behind a FROM: advice, and the commands that do it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from cachetui.findings.base_images import images_of_hosts, sides_of
from cachetui.findings.case import Case
from cachetui.findings.claim import HOSTS, LINES
from cachetui.findings.host_commands import HostCommand
from cachetui.findings.image_choice import sentences, ways
from cachetui.findings.image_copies import (
    ImageCopy,
    are_newer,
    digest_names,
    image_copies,
    in_registry_now,
)
from cachetui.findings.image_evidence import date, made
from cachetui.findings.wording import KEEP_REPLACED, host_names
from cachetui.records.step import StepId

_AS_IT_IS = (
    ": each host reuses what was built on its own image. The reason to act is that what they build "
    "differs. "
)


def commands(case: Case, ref: str) -> tuple[HostCommand, ...]:
    """What gives hosts one image, in each of the `ways`: pulled by its digest where that is known,
    else from a host that has it. Each says which image it puts where. Nothing where docker itself
    does not have the image, but a builder of its own."""
    several = len(images_of_hosts(case, ref)) > 1
    found: list[HostCommand] = []
    every = ways(case, ref)
    for way, does in zip(every, sentences(every), strict=True):
        for copy in way.copies:
            command = replace(_copied(case, ref, copy), way=does)
            found.append(replace(command, platform=copy.platform if several else ""))
    return tuple(found)


def _copied(case: Case, ref: str, copy: ImageCopy) -> HostCommand:
    """What gives hosts the image of the others."""
    digest = _digest(case, ref, _pulled(case, ref, copy.having))
    if digest is not None:
        pinned = _without_tag(digest)
        return HostCommand(f"docker pull {pinned} && docker tag {pinned} {ref}", copy.lacking)
    return HostCommand(
        "docker load", copy.lacking, copy.having[0], given=f"docker save {_with_tag(ref)}"
    )


def _pulled(case: Case, ref: str, hosts: Sequence[str]) -> list[str]:
    """Those of the hosts whose digest of the image is a registry's."""
    from_registry = _from_registry(case, ref)
    return [host for host in hosts if from_registry and not _names_all(case, host)]


def advice(case: Case, ref: str, base: StepId) -> str:
    """What to do about hosts that have another image behind a FROM, and how to keep it so."""
    item = case.dockerfile.stages[base.stage_index].instructions[base.index]
    sides = sides_of(case, ref)
    odd = sides.odd if sides else ()
    give = _give(case, ref)
    if _from_registry(case, ref) is False:
        one = "one" if give else "it"
        keep = f"No host pulled {ref}: push {one} "
        if len(images_of_hosts(case, ref)) > 1:  # a push has the digest of one platform's image
            keep += "of each platform, under a tag of its own, to a registry, "
            keep += "join them with `docker buildx imagetools create`, and pin the result's digest "
            keep += f"in {LINES}"
        else:
            keep += f"to a registry, and pin it by digest in {LINES}"
        return f"{give}{keep}{_replaced(case, ref)}"
    digest = _digest(case, ref, [host.name for host in case.document.hosts if host.name not in odd])
    word = "--from=" if item.keyword == "COPY" else "FROM "
    pin = f"{word}{digest}" if digest else f"{word}{ref}@sha256:…"
    how = f"in {LINES}: {pin}"
    if digest is None:
        how += " (`docker buildx imagetools inspect` shows the digest)"
    if give:
        return f"{give}To keep it so, pin it {how}{_replaced(case, ref)}"
    whom, name = host_names(odd) if odd else HOSTS, ref.partition("@")[0]
    return f"Use the same image everywhere: `docker pull {name}` on {whom}, or pin it {how}"


def _left(case: Case) -> str:
    """What it means to do nothing: what is to be built is built once, and no more."""
    paid = any(run.kind.warms for run in case.runs)
    costs = "costs no more time" if paid else "costs time once, in the next build there"
    return f"To leave it as it is {costs}{_AS_IT_IS}"


def _replaced(case: Case, ref: str) -> str:
    """What becomes of the images that the commands replace."""
    several = any(len(way.lacking) > 1 for way in ways(case, ref))
    first = "; try one host before a loop" if several else ""
    if "@" in ref or not ways(case, ref):
        return ""
    name = _with_tag(ref)
    return f"{KEEP_REPLACED}`docker tag {name} {name}-before` on its host first{first}"


def _give(case: Case, ref: str) -> str:
    """Who is to get whose image, in a sentence; "" where no command gives it."""
    sides, copies = sides_of(case, ref), image_copies(case, ref)
    if sides is None or not copies:
        return ""
    if in_registry_now(case, ref):
        (way,) = ways(case, ref)
        has = "has" if len(way.having) == 1 else "have"
        return (
            f"Give {host_names(way.lacking)} the image that {ref} means in its registry now, "
            f"which {host_names(way.having)} {has}. "
        )
    newer = are_newer(case, ref, copies)
    dates = _dates(case, ref, copies) if newer in ({True}, {False}) else ""
    if not sides.usual:
        having = " and ".join(copy.having[0] for copy in copies)
        choose = f"Choose one image of {ref} for all hosts"
        if newer == {False}:
            theirs = " and ".join(copy.others[0] for copy in copies)
            return f"{_question(case, ref)} That of {theirs} is newer{dates}. {_left(case)}"
        return (
            f"{choose}: the commands here take that of {having}{_which(case, ref, newer, dates)}. "
        )
    theirs = "the others have" if sides.all_platforms else f"{host_names(sides.usual)} have"
    theirs = "most of their platform have" if sides.platforms > 1 else theirs
    odd = host_names(sides.odd)
    if newer == {False}:
        has = "has a newer image" if len(sides.odd) == 1 else "have a newer image"
        return f"{_question(case, ref)} {odd} {has} than {theirs}{dates}. {_left(case)}"
    return f"Give {odd} the image that {theirs}{_which(case, ref, newer, dates)}. "


def _question(case: Case, ref: str) -> str:
    """What decides between a newer image and an older one."""
    asks = f"One question decides: does the build need what is newer in {ref}?"
    if _from_registry(case, ref) is False:
        return asks
    return f"{asks} (`docker buildx imagetools inspect {ref}` shows which the registry has now.)"


def _which(case: Case, ref: str, newer: Collection[bool | None], dates: str) -> str:
    """The end of a sentence that says whose image is to be taken: that it is the newer one, or that
    it is not known which is the right one."""
    if newer == {True}:
        return f": it is newer{dates}"
    look = f": compare with the registry, `docker buildx imagetools inspect {ref}`"
    known = "" if _from_registry(case, ref) is False else look
    return f", or the other way round: which of them is right is not known{known}"


def _dates(case: Case, ref: str, copies: Sequence[ImageCopy]) -> str:
    """ " (2026-11-26, the other 2026-11-20)", the newer first, where there are two images of known
    ages."""
    if len(copies) != 1 or len(copies[0].others) != 1:
        return ""
    found = [made(case, host, ref) for host in (copies[0].having[0], copies[0].others[0])]
    known = sorted((each for each in found if each is not None), reverse=True)
    newer, older = (date(each, known) for each in known)
    return f" ({newer}, the other {older})"


def _with_tag(ref: str) -> str:
    """What `docker save` takes for the image that a reference names: without a tag, it is all of
    a repository."""
    return ref if ":" in ref.rpartition("/")[2] or "@" in ref else f"{ref}:latest"


def _without_tag(ref: str) -> str:
    """ "repo@sha256:…" of "repo:1@sha256:…", as an image is called that its digest pulled."""
    name, _, digest = ref.partition("@")
    folder, slash, last = name.rpartition("/")
    return f"{folder}{slash}{last.partition(':')[0]}@{digest}"


def _names_all(case: Case, host: str) -> bool:
    """Whether every image of the host has a digest, pulled or not."""
    facts = case.facts(host)
    return facts is None or facts.store.startswith("containerd")


def _from_registry(case: Case, ref: str) -> bool | None:
    """Whether a host has the image from a registry; None where nothing tells. An image that was
    built, imported or loaded has no digest in a graph driver's store; in containerd's every image
    has one (our lab)."""
    told = [
        bool(image.digests)
        for host in case.document.hosts
        if host.facts is not None
        and not host.facts.store.startswith("containerd")
        and not host.facts.builds_elsewhere
        for image in (host.evidence.bases if host.evidence else ())
        if image.ref == ref
    ]
    return any(told) if told else None


def _digest(case: Case, ref: str, having: Collection[str]) -> str | None:
    """The digest by which one of these hosts knows the image."""
    for host in case.document.hosts:
        names = digest_names(case, host.name, ref) if host.name in having else ()
        for name in names:
            return f"{ref.partition('@')[0]}@{name.partition('@')[2]}"
    return None
