"""Whose image behind a FROM other hosts are to get for all of their platform to have the same."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from cachetui.findings.base_images import ImageOnHost, images_of_hosts
from cachetui.findings.case import Case
from cachetui.findings.image_evidence import is_newer, made

_Groups = Mapping[ImageOnHost, list[str]]


@dataclass(frozen=True, slots=True)
class ImageCopy:
    """The image of hosts that have it is to be that of others of their platform, which lack it.
    `others` are one host of each image that these have."""

    platform: str
    having: tuple[str, ...]
    lacking: tuple[str, ...]
    others: tuple[str, ...]


def image_copies(case: Case, ref: str) -> list[ImageCopy]:
    """What has to be copied on each platform: the image that the registry has now, where an audit
    asked it and hosts of each platform have that; else the one that most have."""
    platforms = [
        (platform, images) for platform, images in images_of_hosts(case, ref).items() if images
    ]
    registry = in_registry_now(case, ref)
    copies = (
        _copy(ref, platform, images, registry.get(platform)) for platform, images in platforms
    )
    return [copy for copy in copies if copy is not None]


def _copy(ref: str, platform: str, images: _Groups, chosen: ImageOnHost | None) -> ImageCopy | None:
    """None where there is nothing to copy, or no command that could."""
    image = chosen or max(images, key=lambda one: len(images[one]))
    others = sorted((hosts for one, hosts in images.items() if one != image), key=len, reverse=True)
    if not others or not image.layers or not re.fullmatch(r"[\w./:@-]+", ref, re.ASCII):
        return None
    lacking = tuple(host for hosts in others for host in hosts)
    first = tuple(hosts[0] for hosts in others)
    return ImageCopy(platform, tuple(images[image]), lacking, first)


def other_way_round(case: Case, ref: str, copy: ImageCopy) -> ImageCopy | None:
    """The newest of the others' images for all who have another one, or their only one; None where
    it is not known which is the newest."""
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
    return ImageCopy(copy.platform, theirs[0], lacking, (copy.having[0],))


def are_newer(case: Case, ref: str, copies: Sequence[ImageCopy]) -> set[bool | None]:
    """Whether the images that are given are newer than those in their place."""
    return {
        is_newer(made(case, copy.having[0], ref), [made(case, host, ref) for host in copy.others])
        for copy in copies
    }


def in_registry_now(case: Case, ref: str) -> dict[str, ImageOnHost]:
    """By platform, the image that the registry had behind the reference when an audit asked it;
    {} where none did, its answers differ, or on a platform where hosts differ none has it."""
    asked = {now.digest for run in case.runs for now in run.bases_now if now.ref == ref}
    told = asked - {None}
    if len(told) != 1:
        return {}
    (digest,) = told
    found: dict[str, ImageOnHost] = {}
    for platform, images in images_of_hosts(case, ref).items():
        for image, hosts in images.items():
            if any(digest in _digests(case, host, ref) for host in hosts):
                found[platform] = image
    split = [name for name, images in images_of_hosts(case, ref).items() if len(images) > 1]
    return found if all(name in found for name in split) else {}


def _digests(case: Case, host: str, ref: str) -> Collection[str]:
    """The digests by which a host knows an image."""
    return [text.partition("@")[2] for text in digest_names(case, host, ref)]


def digest_names(case: Case, host: str, ref: str) -> Iterator[str]:
    """The names with a digest ("name@sha256:…") that a host has of an image."""
    report = case.hosts[host].as_known_to("buildkit")
    for image in report.evidence.bases if report.evidence else ():
        if image.ref == ref:
            yield from image.digests
