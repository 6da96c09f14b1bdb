"""Which of a host's new images a legacy build made, and which of them can go. Pure.

An image is ours when a step of ours that missed printed its ID, or when it stands between two such
(ONBUILD triggers print none: their number is known). Of what a build made after the last ID that it
printed, an image is ours when it is new, nameless, the only one of what was made there, and made by
the instruction that came next. All else is another's, who may build the same at the same time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from cachetui.builders.history_line import is_step, read
from cachetui.builders.legacy_images import Trail
from cachetui.dockerfile.instruction import Instruction


@dataclass(frozen=True, slots=True)
class HostImage:
    """An image on a host: the ID of what it was built on ("" for none), its names, and the line of
    `docker history` that made it, where that was asked for."""

    parent: str
    names: tuple[str, ...] = ()
    made_by: str | None = None


@dataclass(frozen=True, slots=True)
class UnprintedSteps:
    """`Unprinted` with the images that it means: the first of `steps` stands on the image `on`
    ("" for none), and the first `hits` are not ours."""

    on: str
    steps: tuple[Instruction, ...]
    hits: int = 0


@dataclass
class OurImages:
    """`ours` are the images that our builds made, `pulled` those that they pulled, `unsure` those
    of which it cannot be told whether they are ours."""

    ours: set[str] = field(default_factory=set)
    pulled: set[str] = field(default_factory=set)
    unsure: set[str] = field(default_factory=set)

    def removable(self, images: Mapping[str, HostImage], our_tags: Collection[str]) -> list[str]:
        """Those that can go, children before parents: not what another has named, nor what an
        image stands on that stays. `images` are those on the host, at least the new ones."""
        staying = set(images)
        going: list[str] = []
        candidates = sorted(self.ours | self.pulled, key=lambda one: -_depth(one, images))
        for image in candidates:
            named = [name for name in images[image].names if name not in our_tags]
            spared = len(named) > (1 if image in self.pulled else 0)
            if not spared and not any(images[other].parent == image for other in staying):
                going.append(image)
                staying.discard(image)
        return going


def find_ours(
    images: Mapping[str, HostImage],
    new: Collection[str],
    trails: Iterable[Trail],
    unprinted: Iterable[UnprintedSteps],
    our_tags: Collection[str],
) -> OurImages:
    """Our builds' images among the `new` ones, which were not there before. The tips of `trails`
    are image IDs, short or whole."""
    found = OurImages()
    for trail in trails:
        image = whole_id(trail.tip, new)
        for _ in range(trail.length):
            if image in new:
                found.ours.add(image)
                image = images[image].parent
        if trail.pulled and image in new:
            found.pulled.add(image)
    for run in unprinted:
        _follow(run, images, new, our_tags, found)
    return found


def find_unread(
    images: Mapping[str, HostImage],
    new: Collection[str],
    known: OurImages,
    instructions: Collection[Instruction],
    our_tags: Collection[str],
) -> None:
    """Add what a build made whose output was not read to its end. `new` images are those of that
    time; one is ours that one of the instructions made, on one of ours or on what was there before,
    but not where two are alike."""
    while True:
        found: dict[tuple[str, str | None], set[str]] = {}
        for image in set(new) - known.ours - known.unsure:
            host = images[image]
            above = host.parent in known.ours or host.parent not in new
            if above and any(_made(host, item, our_tags) for item in instructions):
                found.setdefault((host.parent, host.made_by), set()).add(image)
        if not found:
            return
        for alike in found.values():
            (known.ours if len(alike) == 1 else known.unsure).update(alike)


def whole_id(short: str, images: Iterable[str]) -> str:
    """The ID among these that begins as a printed one does, "" for none."""
    digits = short.removeprefix("sha256:")
    return next((i for i in images if digits and i.removeprefix("sha256:").startswith(digits)), "")


def _follow(
    run: UnprintedSteps,
    images: Mapping[str, HostImage],
    new: Collection[str],
    our_tags: Collection[str],
    found: OurImages,
) -> None:
    """Go from an image to what was built on it, instruction by instruction."""
    above = {run.on}
    for number, item in enumerate(run.steps):
        below = {image for image, host in images.items() if host.parent in above}
        if number >= run.hits:
            below = {i for i in below if i in new and _made(images[i], item, our_tags)}
            below = below & found.ours or below
            if len(below) != 1:
                found.unsure |= below
                return
            found.ours |= below
        above = below or above


def _made(image: HostImage, item: Instruction, our_tags: Collection[str]) -> bool:
    """Whether the instruction may have made the image, and nobody else has named it."""
    if image.made_by is None or any(name not in our_tags for name in image.names):
        return False
    made = read(image.made_by)
    if item.keyword != "RUN" and "$" in item.text:  # there it has the variables' values
        return made.keyword == item.keyword
    return is_step(made, item)


def _depth(image: str, images: Mapping[str, HostImage]) -> int:
    depth = 0
    while (image := images[image].parent) in images and depth < len(images):
        depth += 1
    return depth
