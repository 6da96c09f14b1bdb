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


@dataclass(frozen=True, slots=True)
class _Copy:
    """The image of hosts that have it is to be that of others of their platform, which lack it.
    `others` are one host of each image that these have. `digest` is the name by which they can pull
    it, None where that is not known."""

    platform: str
    having: tuple[str, ...]
    lacking: tuple[str, ...]
    others: tuple[str, ...]
    digest: str | None


def commands(case: Case, ref: str) -> tuple[HostCommand, ...]:
    """What gives hosts the image that most of their platform have, or where none is that of most,
    that of the largest group: pulled by its digest where that is known, else from a host that has
    it. Where that image is not the newer one, and there are two, the other way as well. Nothing
    where docker itself does not have the image, but a builder of its own."""
    several = len(images_of_hosts(case, ref)) > 1
    copies = list(_copies(case, ref))
    newer = _is_newer(case, ref, copies)
    both = newer != {True} and all(len(copy.others) == 1 for copy in copies)
    ages = ("older", "newer") if newer == {False} else ("", "")
    found: list[HostCommand] = []
    for back in (False, True) if both else (False,):
        for copy in copies:
            whose = host_names(copy.lacking if back else copy.having)
            age = ages[back] and f"{ages[back]} "
            way = f"{'or' if back else 'either'} the {age}image of {whose}" if both else ""
            command = replace(_copied(case, ref, copy, back=back), way=way)
            found.append(replace(command, platform=copy.platform if several else ""))
    return tuple(found)


def _copied(case: Case, ref: str, copy: _Copy, *, back: bool) -> HostCommand:
    """What gives hosts the image of the others, or `back`, theirs to these."""
    having, lacking = (copy.lacking, copy.having) if back else (copy.having, copy.lacking)
    digest = copy.digest if not back else _digest(case, ref, _pulled(case, ref, having))
    if digest is not None:
        pinned = _without_tag(digest)
        return HostCommand(f"docker pull {pinned} && docker tag {pinned} {ref}", lacking)
    return HostCommand("docker load", lacking, having[0], given=f"docker save {_with_tag(ref)}")


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
            pulled = _pulled(case, ref, having)
            first = tuple(hosts[0] for _, hosts in others)
            yield _Copy(platform, tuple(having), lacking, first, _digest(case, ref, pulled))


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
    if not sides.usual:
        having = " and ".join(copy.having[0] for copy in copies)
        choose = f"Choose one image of {ref} for all hosts: the commands here take that of {having}"
        return f"{choose}{_which(case, ref, copies, 'the other')}. "
    theirs = "the others have" if sides.all_platforms else f"{host_names(sides.usual)} have"
    theirs = "most of their platform have" if sides.platforms > 1 else theirs
    odd = host_names(sides.odd)
    own = "its own" if len(sides.odd) == 1 else "their own"
    return f"Give {odd} the image that {theirs}{_which(case, ref, copies, own)}. "


def _which(case: Case, ref: str, copies: Sequence[_Copy], odd: str) -> str:
    """The end of a sentence that says whose image is to be taken: whether it is newer than the
    `odd` ones by its own date, or that it is not known which is the right one."""
    newer = _is_newer(case, ref, copies)
    if newer == {True}:
        return f": it is newer{_dates(case, ref, copies)}"
    if newer == {False}:
        return f", or the other way round: {odd} is newer{_dates(case, ref, copies)}"
    look = f": compare with the registry, `docker buildx imagetools inspect {ref}`"
    known = "" if _from_registry(case, ref) is False else look
    return f", or the other way round: which of them is right is not known{known}"


def _is_newer(case: Case, ref: str, copies: Sequence[_Copy]) -> set[bool | None]:
    """Whether the images that are given are newer than those in their place."""
    return {
        is_newer(made(case, copy.having[0], ref), [made(case, host, ref) for host in copy.others])
        for copy in copies
    }


def _dates(case: Case, ref: str, copies: Sequence[_Copy]) -> str:
    """ " (2026-11-26, the other 2026-11-20)", the newer first, where there are two images."""
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
