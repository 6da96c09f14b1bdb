"""How hosts get one image behind a FROM: advice, and the commands that do it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from cachetui.findings.base_images import images_of_hosts, sides_of
from cachetui.findings.case import Case
from cachetui.findings.claim import HOSTS, LINES
from cachetui.findings.host_commands import HostCommand
from cachetui.findings.wording import host_names
from cachetui.records.step import StepId


@dataclass(frozen=True, slots=True)
class _Copy:
    """The image of hosts that have it is to be that of others of their platform, which lack it.
    `digest` is the name by which they can pull it, None where that is not known."""

    having: tuple[str, ...]
    lacking: tuple[str, ...]
    digest: str | None


def commands(case: Case, ref: str) -> tuple[HostCommand, ...]:
    """What gives hosts the image that most of their platform have, or where none is that of most,
    that of the largest group: pulled by its digest where that is known, else from a host that has
    it. Nothing where docker itself does not have the image, but a builder of its own."""
    made: list[HostCommand] = []
    for copy in _copies(case, ref):
        if copy.digest is not None:
            pinned = _without_tag(copy.digest)
            text = f"docker pull {pinned} && docker tag {pinned} {ref}"
            made.append(HostCommand(text, copy.lacking))
        else:
            given = f"docker save {_with_tag(ref)}"
            made.append(HostCommand("docker load", copy.lacking, copy.having[0], given))
    return tuple(made)


def _copies(case: Case, ref: str) -> Iterator[_Copy]:
    """What has to be copied on each platform."""
    from_registry = _from_registry(case, ref)
    for images in images_of_hosts(case, ref).values():
        (image, having), *others = sorted(images.items(), key=lambda item: -len(item[1]))
        lacking = tuple(host for _, hosts in others for host in hosts)
        if lacking and image.layers and re.fullmatch(r"[\w./:@-]+", ref, re.ASCII):
            pulled = [host for host in having if from_registry and not _names_all(case, host)]
            yield _Copy(tuple(having), lacking, _digest(case, ref, pulled))


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
        return f"Choose one image of {ref} for all hosts: the commands here take that of {having}. "
    theirs = "the others have" if sides.all_platforms else f"{host_names(sides.usual)} have"
    theirs = "most of their platform have" if sides.platforms > 1 else theirs
    return (
        f"Give {host_names(sides.odd)} the image that {theirs}, "
        "or the other way round, if theirs is out of date. "
    )


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
