"""How hosts get one image behind a FROM: advice, and the commands that do it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from cachetui.findings.base_images import images_of_hosts, sides_of
from cachetui.findings.case import Case
from cachetui.findings.claim import HOSTS, LINES
from cachetui.findings.host_commands import HostCommand
from cachetui.findings.image_evidence import date, is_newer, made
from cachetui.findings.wording import host_names
from cachetui.records.step import StepId

_ANEW = (
    "Until then each reuses only what was built on its own image; a host that gets another image "
    "builds what is on it anew, once. "
)


@dataclass(frozen=True, slots=True)
class _Copy:
    """The image of hosts that have it is to be that of others of their platform, which lack it.
    `others` are one host of each image that these have."""

    platform: str
    having: tuple[str, ...]
    lacking: tuple[str, ...]
    others: tuple[str, ...]


def commands(case: Case, ref: str) -> tuple[HostCommand, ...]:
    """What gives hosts the image that most of their platform have, or where none is that of most,
    that of the largest group: pulled by its digest where that is known, else from a host that has
    it. Where that image is not known to be the newer one, the other way as well; and that first
    where it takes no host's newer image away. Each says which image it puts where. Nothing where
    docker itself does not have the image, but a builder of its own."""
    several = len(images_of_hosts(case, ref)) > 1
    ways = _ways(case, ref, list(_copies(case, ref)))
    found: list[HostCommand] = []
    for way, copies in ways:
        for copy in copies:
            command = replace(_copied(case, ref, copy), way=way)
            found.append(replace(command, platform=copy.platform if several else ""))
    return tuple(found)


def _ways(case: Case, ref: str, copies: Sequence[_Copy]) -> list[tuple[str, Sequence[_Copy]]]:
    """The ways to give hosts one image, each as (what it does, what is copied): one, or two of
    which one is to be chosen; none where all that is known is who has the oldest."""
    newer = _is_newer(case, ref, copies)
    back = [found for copy in copies if (found := _back(case, ref, copy)) is not None]
    both = newer != {True} and len(back) == len(copies)
    new, old = (
        ("newest", "oldest") if any(len(c.others) > 1 for c in copies) else ("newer", "older")
    )
    if newer == {True}:
        return [(f"put {_image(case, copies, new)}", copies)]
    if newer == {False} and both:
        first, second = _image(case, back, new), _image(case, copies, old)
        return [(f"either put {first}", back), (f"or put {second}", copies)]
    if both:
        first, second = _image(case, copies), _image(case, back)
        return [(f"either put {first}", copies), (f"or put {second}", back)]
    return [(f"put {_image(case, copies)}", copies)] if newer and newer != {False} else []


def _image(case: Case, copies: Sequence[_Copy], age: str = "") -> str:
    """ "the newer image on a and b", "the image of c on a and b" where ages are not known."""
    names = [host.name for host in case.document.hosts]
    having = [name for name in names if any(name in copy.having for copy in copies)]
    lacking = [name for name in names if any(name in copy.lacking for copy in copies)]
    image = f"{age} image" if age else f"image of {host_names(having)}"
    return f"the {image} on {host_names(lacking)}"


def _back(case: Case, ref: str, copy: _Copy) -> _Copy | None:
    """The other way round: the newest of the others' images for all who have another one, or their
    only one; None where it is not known which is the newest."""
    images = [tuple(hosts) for hosts in images_of_hosts(case, ref)[copy.platform].values()]
    dates = {hosts: made(case, hosts[0], ref) for hosts in images if hosts != copy.having}
    theirs = [
        hosts
        for hosts in dates
        if len(dates) == 1
        or is_newer(dates[hosts], [date for other, date in dates.items() if other != hosts])
    ]
    if not theirs:
        return None
    lacking = tuple(host for hosts in images if hosts != theirs[0] for host in hosts)
    return _Copy(copy.platform, theirs[0], lacking, (copy.having[0],))


def _copied(case: Case, ref: str, copy: _Copy) -> HostCommand:
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


def _copies(case: Case, ref: str) -> Iterator[_Copy]:
    """What has to be copied on each platform."""
    for platform, images in images_of_hosts(case, ref).items():
        (image, having), *others = sorted(images.items(), key=lambda item: -len(item[1]))
        lacking = tuple(host for _, hosts in others for host in hosts)
        if lacking and image.layers and re.fullmatch(r"[\w./:@-]+", ref, re.ASCII):
            first = tuple(hosts[0] for _, hosts in others)
            yield _Copy(platform, tuple(having), lacking, first)


def advice(case: Case, ref: str, base: StepId) -> str:
    """What to do about hosts that have another image behind a FROM, and how to keep it so."""
    item = case.dockerfile.stages[base.stage_index].instructions[base.index]
    sides = sides_of(case, ref)
    odd = sides.odd if sides else ()
    give = _give(case, ref)
    if _from_registry(case, ref) is False:
        return f"{give}No host pulled {ref}; push it to a registry to pin it by digest in {LINES}"
    digest = _digest(case, ref, [host.name for host in case.document.hosts if host.name not in odd])
    word = "--from=" if item.keyword == "COPY" else "FROM "
    pin = f"{word}{digest}" if digest else f"{word}{ref}@sha256:…"
    how = f"in {LINES}: {pin}"
    if digest is None:
        how += " (`docker buildx imagetools inspect` shows the digest)"
    if give:
        return f"{give}To keep it so, pin it {how}"
    whom, name = host_names(odd) if odd else HOSTS, ref.partition("@")[0]
    return f"Use the same image everywhere: `docker pull {name}` on {whom}, or pin it {how}"


def _give(case: Case, ref: str) -> str:
    """Who is to get whose image, in a sentence; "" where no command gives it."""
    sides, copies = sides_of(case, ref), list(_copies(case, ref))
    if sides is None or not copies:
        return ""
    newer = _is_newer(case, ref, copies)
    dates = _dates(case, ref, copies) if newer in ({True}, {False}) else ""
    if not sides.usual:
        having = " and ".join(copy.having[0] for copy in copies)
        choose = f"Choose one image of {ref} for all hosts"
        if newer == {False}:
            theirs = " and ".join(copy.others[0] for copy in copies)
            return f"{choose}: that of {theirs} is newer{dates}. {_ANEW}"
        return (
            f"{choose}: the commands here take that of {having}{_which(case, ref, newer, dates)}. "
        )
    theirs = "the others have" if sides.all_platforms else f"{host_names(sides.usual)} have"
    theirs = "most of their platform have" if sides.platforms > 1 else theirs
    odd = host_names(sides.odd)
    if newer == {False}:
        has = "has a newer image" if len(sides.odd) == 1 else "have a newer image"
        return f"Choose one image for all: {odd} {has} than {theirs}{dates}. {_ANEW}"
    return f"Give {odd} the image that {theirs}{_which(case, ref, newer, dates)}. "


def _which(case: Case, ref: str, newer: Collection[bool | None], dates: str) -> str:
    """The end of a sentence that says whose image is to be taken: that it is the newer one, or that
    it is not known which is the right one."""
    if newer == {True}:
        return f": it is newer{dates}"
    look = f": compare with the registry, `docker buildx imagetools inspect {ref}`"
    known = "" if _from_registry(case, ref) is False else look
    return f", or the other way round: which of them is right is not known{known}"


def age_beside_others(case: Case, ref: str) -> str:
    """ "newer" or "older", as the images are that hosts have in place of what most of their
    platform have; "" where that is not known, or not the same of all."""
    sides = sides_of(case, ref)
    newer = _is_newer(case, ref, list(_copies(case, ref))) if sides and sides.usual else set()
    return "older" if newer == {True} else "newer" if newer == {False} else ""


def _is_newer(case: Case, ref: str, copies: Sequence[_Copy]) -> set[bool | None]:
    """Whether the images that are given are newer than those in their place."""
    return {
        is_newer(made(case, copy.having[0], ref), [made(case, host, ref) for host in copy.others])
        for copy in copies
    }


def _dates(case: Case, ref: str, copies: Sequence[_Copy]) -> str:
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
        evidence = host.as_known_to("buildkit").evidence
        for image in evidence.bases if evidence and host.name in having else ():
            if image.ref == ref and image.digests:
                return f"{ref.partition('@')[0]}@{image.digests[0].partition('@')[2]}"
    return None
