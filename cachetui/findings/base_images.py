"""Which image a reference names on which host."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cachetui.compare.align import is_majority
from cachetui.findings.case import Case
from cachetui.findings.claim import HOSTS
from cachetui.findings.record import Evidence

Layers = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ImageOnHost:
    """What a host has behind a reference: layers, or the digest that BuildKit resolved."""

    layers: Layers = ()
    digest: str = ""

    @property
    def text(self) -> str:
        if not self.layers:
            return f"is {self.digest[:19]}"
        top = self.layers[-1].removeprefix("sha256:")[:12]
        count = len(self.layers)
        return f"has {'one layer' if count == 1 else f'{count} layers, the last'} {top}"


def images_of_hosts(case: Case, ref: str) -> dict[tuple[str, ImageOnHost], list[str]]:
    """Hosts by platform and image; empty where platforms differ. Layers and digests cannot be
    compared: hosts of the kind that more of them have are taken, layers on a tie."""
    known: dict[str, tuple[str, ImageOnHost]] = {}
    for host in case.document.hosts:
        image = image_on(case, host.name, ref)
        if image is not None and host.facts is not None:
            wanted = host.evidence.default_platform if host.evidence else None
            known[host.name] = (wanted or host.facts.platform, image)
    with_layers = sum(bool(image.layers) for _, image in known.values())
    by_layers = with_layers * 2 >= len(known)
    groups: dict[tuple[str, ImageOnHost], list[str]] = {}
    for name, (platform, image) in known.items():
        if bool(image.layers) == by_layers:
            groups.setdefault((platform, image), []).append(name)
    return groups if len({platform for platform, _ in groups}) == 1 else {}


def usual_hosts(groups: Sequence[list[str]]) -> list[str] | None:
    """The group that has more than half of the hosts, None without one."""
    largest = max(groups, key=len)
    return largest if is_majority(len(largest), sum(map(len, groups))) else None


def image_on(case: Case, host: str, ref: str) -> ImageOnHost | None:
    """What a host has behind a reference, None where it is not known."""
    layers = layers_on(case, host, ref)
    if layers:
        return ImageOnHost(layers=layers)
    digest = next((r.bases[ref] for r in case.of(host=host) if ref in r.bases), None)
    return ImageOnHost(digest=digest) if digest else None


def evidence_of_images(case: Case, ref: str) -> list[Evidence]:
    """A fact for each image that a reference names, with the hosts that have it."""
    return [
        Evidence(
            kind="facts" if image.layers else "run",
            text=f"{HOSTS}: {ref} {image.text}" + age_of(case, hosts[0], ref),
            data={
                "ref": ref,
                "layers": list(image.layers),
                "digest": image.digest or None,
            },
            hosts=tuple(hosts),
        )
        for (_, image), hosts in images_of_hosts(case, ref).items()
    ]


def layers_on(case: Case, host: str, ref: str) -> Layers | None:
    """The layers of the image that a host's builders build on by that name, None where it is not
    known: also where BuildKit has images of its own."""
    facts = case.facts(host)
    return facts.bases.get(ref) if facts and not facts.builds_elsewhere else None


def age_of(case: Case, host: str, ref: str) -> str:
    """ ", made 2026-11-26" of the host's image; "" where it is not known."""
    evidence = case.evidence(host) if layers_on(case, host, ref) else None
    image = next((i for i in evidence.bases if i.ref == ref), None) if evidence else None
    return f", made {image.created[:10]}" if image and image.created else ""
