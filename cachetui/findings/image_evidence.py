"""What is told of the images behind a reference on the hosts: which they are, and when they were
made."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import UTC, datetime

from cachetui.findings.base_images import differing_settings, images_of_hosts, layers_on
from cachetui.findings.case import Case
from cachetui.findings.claim import HOSTS
from cachetui.findings.record import Evidence

_REAL_FROM = 1981
"""Years before it are no dates: builds that give the same image each time write 0001, 1970 or
1980."""


def evidence_of_images(case: Case, ref: str) -> list[Evidence]:
    """A fact for each image that a reference names, with the hosts that have it; those of the
    platforms on which hosts differ alone, none where they differ on none. First what most hosts of
    each platform have, by which the others are judged."""
    by_platform = images_of_hosts(case, ref)
    facts: list[tuple[int, Evidence]] = []
    for platform, images in by_platform.items():
        if len(images) == 1 and len(by_platform) > 1:
            continue
        told = f" for {platform}" if len(by_platform) > 1 else ""
        most_first = sorted(images.items(), key=lambda one: -len(one[1]))
        for place, (image, hosts) in enumerate(most_first):
            data = {"ref": ref, "layers": list(image.layers), "digest": image.digest or None}
            names = differing_settings(image, images)
            fact = Evidence(
                kind="facts" if image.layers else "run",
                text=f"{HOSTS}: {ref}{told} {image.text(images)}{age_of(case, hosts[0], ref)}",
                data=data | ({"settings": names} if names else {}),
                hosts=tuple(hosts),
            )
            facts.append((min(place, 1), fact))
    return [fact for _, fact in sorted(facts, key=lambda one: one[0])]


def made(case: Case, host: str, ref: str) -> datetime | None:
    """When a host's image was made, in UTC; None where that is not known."""
    evidence = case.evidence(host) if layers_on(case, host, ref) else None
    image = next((i for i in evidence.bases if i.ref == ref), None) if evidence else None
    try:
        found = datetime.fromisoformat(image.created) if image and image.created else None
    except ValueError:
        return None
    if found is None or found.year < _REAL_FROM:
        return None
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def age_of(case: Case, host: str, ref: str) -> str:
    """ ", made 2026-11-26" of the host's image; with the time of day where another image behind
    the reference is of the same day, "" where it is not known."""
    own = made(case, host, ref)
    if own is None:
        return ""
    images = [hosts for of in images_of_hosts(case, ref).values() for hosts in of.values()]
    others = [made(case, hosts[0], ref) for hosts in images if host not in hosts]
    return f", made {date(own, others)}"


def date(when: datetime, others: Iterable[datetime | None]) -> str:
    """ "2026-11-26", or "2026-11-26 22:04:31 UTC" where others are of the same day."""
    same_day = any(o is not None and o != when and o.date() == when.date() for o in others)
    return f"{when:%Y-%m-%d %H:%M:%S} UTC" if same_day else f"{when:%Y-%m-%d}"


def is_newer(one: datetime | None, others: Collection[datetime | None]) -> bool | None:
    """Whether it was made after all others (False: before all); None where that is not known, or
    neither."""
    known = [other for other in others if other is not None]
    if one is None or len(known) < len(others) or not known:
        return None
    if all(one > other for other in known):
        return True
    return False if all(one < other for other in known) else None
