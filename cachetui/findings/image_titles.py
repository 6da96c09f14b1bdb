"""What a finding about the images behind a reference is called: which hosts have which."""

from __future__ import annotations

from cachetui.findings.base_images import images_of_hosts, sides_of
from cachetui.findings.case import Case
from cachetui.findings.claim import HOSTS
from cachetui.findings.image_copies import are_newer, image_copies
from cachetui.findings.image_evidence import made
from cachetui.findings.wording import host_names, one_and_another


def title_of_images(case: Case, ref: str) -> str:
    """Which hosts have which image: all that have another than most, whichever missed; where none
    is usual, all are named. Where they are known to be newer or older, that; of three, each."""
    by_age = _by_age(case, ref)
    if by_age:
        newest, between, oldest = map(host_names, by_age)
        return (
            f"{ref} is the newest image on {newest}, an older one on {between}, the oldest on "
            f"{oldest}"
        )
    sides = sides_of(case, ref)
    if sides is None or (not sides.usual and sides.platforms > 1):
        return f"{ref} is a different image on {HOSTS}"
    if not sides.usual:
        return f"{ref} is {one_and_another(sides.others, 'image')}"
    how = _age_beside_others(case, ref) or "different"
    if sides.platforms > 1:
        odd, usual = host_names(sides.odd), host_names(sides.usual)
        return f"{ref} is a {how} image on {odd} than on {usual} of the same platforms"
    odd = " and on ".join(map(host_names, sides.others))
    return f"{ref} is a {how} image on {odd} than on {host_names(sides.usual)}"


def brief_of_images(case: Case, ref: str) -> str:
    """How the image differs from that of the hosts beside whose names this does not stand."""
    sides = sides_of(case, ref)
    whose = "most hosts" if sides is not None and sides.usual else "other hosts"
    age = _age_beside_others(case, ref)
    return f"{ref} is {age} than on {whose}" if age else f"{ref} is not that of {whose}"


def _age_beside_others(case: Case, ref: str) -> str:
    """ "newer" or "older", as the images are that hosts have in place of what most of their
    platform have; "" where that is not known, or not the same of all."""
    sides = sides_of(case, ref)
    newer = are_newer(case, ref, image_copies(case, ref)) if sides and sides.usual else set()
    return "older" if newer == {True} else "newer" if newer == {False} else ""


def _by_age(case: Case, ref: str) -> list[list[str]]:
    """The hosts with the newest image of their platform, with the one before and with the oldest;
    [] unless each platform on which hosts differ has three of known ages."""
    names = [host.name for host in case.document.hosts]
    found: list[list[str]] = [[], [], []]
    for images in images_of_hosts(case, ref).values():
        dates = {made(case, hosts[0], ref): hosts for hosts in images.values()}
        known = sorted((when for when in dates if when is not None), reverse=True)
        if len(images) > 1 and len(known) != 3:
            return []
        for hosts, when in zip(found, known if len(images) > 1 else (), strict=False):
            hosts += dates[when]
    return [sorted(hosts, key=names.index) for hosts in found if hosts]
