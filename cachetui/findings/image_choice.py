"""The ways to give hosts one image behind a FROM: what each costs, and what decides between two."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from cachetui.findings.case import Case
from cachetui.findings.image_copies import (
    ImageCopy,
    are_newer,
    image_copies,
    in_registry_now,
    other_way_round,
)
from cachetui.findings.step_seconds import seconds_of
from cachetui.findings.wording import MOST_NAMES, duration, host_names
from cachetui.records.backend import Backend
from cachetui.records.run import Run
from cachetui.records.step import StepId


@dataclass(frozen=True, slots=True)
class Way:
    """All hosts get an image: which it is ("newer image"; its name is `age` where that is known,
    else ""), who has it and who lacks it, and how many seconds one of these builds for it once, at
    most and at `least`; None where nothing tells. Where that was not `measured` on them, it is what
    it took others. `copies` are what gives it."""

    age: str
    image: str
    having: tuple[str, ...]
    lacking: tuple[str, ...]
    seconds: float | None
    least: float | None
    measured: bool
    copies: tuple[ImageCopy, ...]

    @property
    def on(self) -> str:
        """ "on a and b, which then build once more, up to 6.4s on each"; of several platforms with
        how many hosts each has."""
        many = len(self.lacking) > 1
        builds = "which then build" if many else "which then builds"
        took = self._took("on each")
        each = [f"{len(copy.lacking)} {copy.platform}" for copy in self.copies]
        kinds = f" ({', '.join(each)})" if len(each) > 1 else ""
        return f"on {whom(self.lacking)}{kinds}, {builds} once more{f', {took}' if took else ''}"

    @property
    def price(self) -> str:
        """ " (up to 6.4s each)", or ""."""
        took = self._took("each")
        return f" ({took})" if took else ""

    @property
    def short_price(self) -> str:
        """ " (≤6.4s each)", or ""."""
        return self.price.replace("up to ", "≤")

    @property
    def shortest_price(self) -> str:
        """ " (≤6.4s)", " (~6.4s)" where it is what others took, or ""."""
        return self.short_price.replace(" each", "").replace("about ", "~")

    @property
    def took(self) -> str:
        """ "up to 6.4s", "6.4s" where all of them take as much as far as shown, "about 6.4s" by
        others; "" where nothing tells."""
        return self._took("")

    def _took(self, each: str) -> str:
        if self.seconds is None:
            return ""
        several = f" {each}" if each and len(self.lacking) > 1 else ""
        alike = self.least is not None and duration(self.least) == duration(self.seconds)
        how = "about " if not self.measured else "" if alike else "up to "
        return f"{how}{duration(self.seconds)}{several}"


def whom(hosts: Sequence[str]) -> str:
    """Hosts by name where they are few, else how many they are."""
    return host_names(hosts) if len(hosts) <= MOST_NAMES else f"{len(hosts)} hosts"


def ways(case: Case, ref: str) -> list[Way]:
    """One way, or two of which one is to be chosen, the newer image's first; none where all that is
    known is who has the oldest. It is one where that gives a newer image, or what the registry
    has now."""
    return case.once((ways, ref), lambda: _ways(case, ref))


def _ways(case: Case, ref: str) -> list[Way]:
    copies = image_copies(case, ref)
    if copies and in_registry_now(case, ref):
        return [_way(case, ref, copies, "", "image that the registry has now")]
    newer = are_newer(case, ref, copies)
    if newer == {True}:
        return [_way(case, ref, copies, _ages(copies)[0])]
    turned = [found for copy in copies if (found := other_way_round(case, ref, copy)) is not None]
    if not newer or len(turned) < len(copies):
        return [_way(case, ref, copies)] if newer and newer != {False} else []
    if newer == {False}:
        new, old = _ages(copies)
        return [_way(case, ref, turned, new), _way(case, ref, copies, old)]
    return [_way(case, ref, copies), _way(case, ref, turned)]


def _ages(copies: Iterable[ImageCopy]) -> tuple[str, str]:
    several = any(len(copy.others) > 1 for copy in copies)
    return ("newest", "oldest") if several else ("newer", "older")


def _way(case: Case, ref: str, copies: Sequence[ImageCopy], age: str = "", image: str = "") -> Way:
    names = [host.name for host in case.document.hosts]
    having, lacking = (
        tuple(name for name in names if any(name in hosts for hosts in each))
        for each in ([copy.having for copy in copies], [copy.lacking for copy in copies])
    )
    if not image:
        image = f"{age} image" if age else f"image of {whom(having)}"
    if age in ("newest", "oldest"):
        image += f" ({whom(having)} {'has' if len(having) == 1 else 'have'} it)"
    own = _seconds_anew(case, ref, lacking)
    every = own or [*_all_anew(case, ref).values()]
    most, least = max(every, default=None), min(every, default=None)
    return Way(age, image, having, lacking, most, least, bool(own), tuple(copies))


def sentences(found: Sequence[Way]) -> list[str]:
    """What each way does, with what decides between two: "if the build needs the newer image, put
    it on a and b, which then build once more, up to 6.4s on each"."""
    if len(found) < 2:
        return [f"put the {way.image} {way.on}" for way in found]
    one, other = found
    if one.age:
        return [
            f"if the build needs the {one.image}, put it {one.on}",
            f"if not, put the {other.image} {other.on}",
        ]
    return [f"either put the {one.image} {one.on}", f"or put the {other.image} {other.on}"]


def choices(found: Sequence[Way]) -> tuple[str, ...]:
    """What each way does and what decides between two, in one line, in fewer and fewer words."""
    if len(found) < 2:
        return tuple(
            text
            for way in found
            for text in (
                f"put the {way.image} on {whom(way.lacking)}{way.price}",
                f"put the {way.image} on {_count(way.lacking)}{way.short_price}",
            )
        )
    one, other = found
    on, else_on = whom(one.lacking), whom(other.lacking)
    few, else_few = _count(one.lacking), _count(other.lacking)
    if not one.age:
        return (
            f"which is right is not known: put the {one.image} on {on}{one.price}, or the "
            f"{other.image} on {else_on}{other.price}, or leave it",
            f"put that of {_count(one.having)} on {few}{one.short_price}, or that of "
            f"{_count(other.having)} on {else_few}{other.short_price}, or leave it",
            f"that of {_count(one.having)} on {len(one.lacking)}{one.shortest_price}, of "
            f"{_count(other.having)} on {len(other.lacking)}{other.shortest_price}, or leave it",
        )
    return (
        f"images differ: put the {one.image} on {on}{one.price} if the build needs it, else the "
        f"{other.image} on {else_on}{other.price}, or leave it as it is",
        f"images differ: put the {one.age} on {few}{one.short_price} if needed, else the "
        f"{other.age} on {else_few}{other.short_price}, or leave it",
        f"put the {one.age} on {few}{one.short_price}, or the {other.age} on "
        f"{len(other.lacking)}{other.short_price}, or leave it",
        f"put the {one.age} on {few}{one.shortest_price}, or {other.age} on "
        f"{len(other.lacking)}{other.shortest_price}, or leave it",
        f"put the {one.age} on {len(one.lacking)}{one.shortest_price}, or {other.age} on "
        f"{len(other.lacking)}{other.shortest_price}, or leave it",
    )


def price_of(case: Case, ref: str) -> str:
    """ "building what stands on base:1 takes up to 6.4s on a and b, as measured where none of it
    hit"; "" where nothing was measured."""
    took = [
        f"{way.took} on {whom(way.lacking)}, "
        + ("as measured where none of it hit" if way.measured else "as it took other hosts at most")
        for way in ways(case, ref)
        if way.seconds is not None
    ]
    return f"building what stands on {ref} takes {'; '.join(took)}" if took else ""


def _count(hosts: Sequence[str]) -> str:
    return hosts[0] if len(hosts) == 1 else f"{len(hosts)} hosts"


def _seconds_anew(case: Case, ref: str, hosts: Collection[str]) -> list[float]:
    """Seconds that each of the hosts takes with each builder to build all that stands on the image:
    in runs in which nothing of it hit. Empty where not every builder of each had such a run."""
    took = _all_anew(case, ref)
    pairs = {(run.host, run.backend) for run in case.runs if run.host in hosts}
    own = [took.get(pair) for pair in pairs]
    known = [seconds for seconds in own if seconds is not None]
    return known if len(known) == len(own) else []


def _all_anew(case: Case, ref: str) -> dict[tuple[str, Backend], float]:
    """By host and builder, the seconds of the longest run in which nothing of it hit."""
    return case.once((_all_anew, ref), lambda: _read_anew(case, ref))


def _read_anew(case: Case, ref: str) -> dict[tuple[str, Backend], float]:
    found: dict[tuple[str, Backend], float] = {}
    for run in case.runs:
        seconds = _built_anew(case, ref, run)
        if seconds is not None:
            place = (run.host, run.backend)
            found[place] = max(seconds, found.get(place, 0.0))
    return found


def _built_anew(case: Case, ref: str, run: Run) -> float | None:
    """Of a run in which all steps that stand on the image missed, their seconds; else None."""
    if run.status != "ok" or run.kind.peeks:
        return None
    parents = case.parents(run)
    standing: set[StepId] = set()
    for step in run.steps:
        own = step.stage_index >= 0 and case.base(step.stage_index) == ref
        if own or any(parent.step in standing for parent in parents.get(step.id, ())):
            standing.add(step.id)
    steps = [step for step in run.steps if step.id in standing and step.counts]
    missed = steps and all(step.status == "miss" for step in steps)
    return seconds_of(steps) if missed else None
