"""Which image a reference names on which host."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from cachetui.compare.align import is_majority
from cachetui.findings.base_settings import settings_by_name
from cachetui.findings.case import Case
from cachetui.findings.wording import join_names
from cachetui.records.digest import differ, is_digest

Layers = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ImageOnHost:
    """What a host has behind a reference: layers, or the digest that BuildKit resolved. `settings`
    are what it sets, by a name or variable and a text of it, where that is known of all hosts."""

    layers: Layers = ()
    digest: str = ""
    settings: tuple[tuple[str, str], ...] = ()

    def text(self, others: Collection[ImageOnHost] = ()) -> str:
        """ "has 3 layers, the last 0123456789ab", and what it sets (of ENV the beginning of the
        digest) where the `others` with the same layers set something else."""
        own = dict(self.settings)
        told = [_setting(name, own.get(name)) for name in differing_settings(self, others)]
        more = f", and sets {join_names(told)}" if told else ""
        return self._layers + more

    @property
    def _layers(self) -> str:
        if not self.layers:
            return f"is {self.digest[:19]}"
        top = self.layers[-1].removeprefix("sha256:")[:12]
        count = len(self.layers)
        return f"has {'one layer' if count == 1 else f'{count} layers, the last'} {top}"


def _setting(name: str, value: str | None) -> str:
    if value is None:
        return f"no {name}"
    return f"{name} (digest {value[-64:][:8]})" if is_digest(value) else f"{name} {value}"


def differing_settings(image: ImageOnHost, others: Collection[ImageOnHost]) -> list[str]:
    """Names of what an image sets, or does not, otherwise than others of the same layers."""
    own = set(image.settings)
    alike = (other for other in others if other.layers and other.layers == image.layers)
    differing = [own ^ set(other.settings) for other in alike]
    return sorted({name for pairs in differing for name, _ in pairs})


def images_of_hosts(case: Case, ref: str) -> dict[str, dict[ImageOnHost, list[str]]]:
    """Hosts by platform, then by image: images of two platforms differ in any case. Layers and
    digests cannot be compared: hosts of the kind that more of them have are taken, layers on a
    tie. It is worked out once for a case."""
    return case.once((images_of_hosts, ref), lambda: _images_of_hosts(case, ref))


def _images_of_hosts(case: Case, ref: str) -> dict[str, dict[ImageOnHost, list[str]]]:
    known: dict[str, tuple[str, ImageOnHost]] = {}
    for host in case.document.hosts:
        image, platform = image_on(case, host.name, ref), platform_of(case, host.name)
        if image is not None and platform is not None:
            known[host.name] = (platform, image)
    with_layers = sum(bool(image.layers) for _, image in known.values())
    settings = _settings(case, ref, [name for name, (_, image) in known.items() if image.layers])
    by_layers = with_layers * 2 >= len(known)
    found: dict[str, dict[ImageOnHost, list[str]]] = {}
    for name, (platform, image) in known.items():
        if bool(image.layers) == by_layers:
            image = replace(image, settings=settings.get(name, ()))
            found.setdefault(platform, {}).setdefault(image, []).append(name)
    return found


def _settings(case: Case, ref: str, hosts: Sequence[str]) -> dict[str, tuple[tuple[str, str], ...]]:
    """What the image sets on each of these hosts; {} where that is not known of all, or its digests
    cannot be compared."""
    reports = ((host, case.facts(host)) for host in hosts)
    told = {host: facts.base_settings.get(ref) if facts else None for host, facts in reports}
    known = {host: settings_by_name(one) for host, one in told.items() if one is not None}
    values = {text for pairs in known.values() for _, text in pairs}
    first = next(iter(values), "")
    readable = all(differ(first, one) is not None for one in values if is_digest(one))
    return known if len(known) == len(told) and readable else {}


def platform_of(case: Case, host: str) -> str | None:
    """What a host builds for unless told otherwise, None where it is not known."""
    facts, evidence = case.facts(host), case.evidence(host)
    wanted = evidence.default_platform if evidence else None
    return wanted or (facts.platform if facts else None)


@dataclass(frozen=True, slots=True)
class Sides:
    """Who has which image behind a reference, among hosts of one platform. `usual` have the image
    that most hosts of their platform have, none of them where on a platform no image is that of
    most; `others` are the groups of hosts that have another one, `odd` all of these.
    `platforms` counts those on which hosts differ, and `all_platforms` says that there is no host
    of another one."""

    usual: tuple[str, ...]
    others: tuple[tuple[str, ...], ...]
    odd: tuple[str, ...]
    platforms: int
    all_platforms: bool


def sides_of(case: Case, ref: str) -> Sides | None:
    """Who has another image than most; None where no two hosts of a platform differ."""
    by_platform = images_of_hosts(case, ref).values()
    split = [
        sorted(images.values(), key=len, reverse=True) for images in by_platform if len(images) > 1
    ]
    if not split:
        return None
    first = 1 if all(usual_hosts(groups) is not None for groups in split) else 0
    usual = {host for groups in split for hosts in groups[:first] for host in hosts}
    others = tuple(tuple(hosts) for groups in split for hosts in groups[first:])
    odd = {host for hosts in others for host in hosts}
    names = [host.name for host in case.document.hosts]
    return Sides(
        usual=tuple(name for name in names if name in usual),
        others=others,
        odd=tuple(name for name in names if name in odd),
        platforms=len(split),
        all_platforms=len(split) == len(by_platform),
    )


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


def layers_on(case: Case, host: str, ref: str) -> Layers | None:
    """The layers of the image that a host's builders build on by that name, None where it is not
    known: also where BuildKit has images of its own."""
    facts = case.facts(host)
    return facts.bases.get(ref) if facts and not facts.builds_elsewhere else None
