"""Which images on a host our builds made, and which tags they gave: these are to be removed."""

from __future__ import annotations

import shlex
from collections.abc import Collection
from dataclasses import dataclass, field, replace

from cachetui.audit.build_job import BuildJob
from cachetui.audit.build_run import BuildOutcome
from cachetui.audit.cleanup import ASK_SECONDS, image_ids, removal_command
from cachetui.audit.engine_images import (
    FULL_ID,
    container_of,
    created_at,
    host_images,
    wait_for_engine,
)
from cachetui.audit.our_images import (
    HostImage,
    OurImages,
    UnprintedSteps,
    find_ours,
    find_unread,
)
from cachetui.builders.client import client
from cachetui.builders.legacy_images import LegacyMade, Trail, Unprinted
from cachetui.config.settings import HostSettings
from cachetui.dockerfile.instruction import Instruction
from cachetui.hosts.machine import Machine


@dataclass(frozen=True)
class Removable:
    """What is on a host: `images` of ours that can go, children before parents, and our
    `containers`; `kept` are images of ours that another has named or built on, `unsure` new ones
    of which it cannot be told whose they are."""

    images: tuple[str, ...] = ()
    containers: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    unsure: tuple[str, ...] = ()


@dataclass(frozen=True)
class Notable:
    """What can be noted of our images, to be found later: see `MadeImages.noted`. `containers` are
    those that may have been left, by their printed IDs."""

    tags: dict[str, str | None]
    step_tags: tuple[str, ...]
    trails: tuple[Trail, ...]
    containers: tuple[str, ...]
    nameless: tuple[str, ...]


@dataclass(frozen=True)
class Unread:
    """Builds of these instructions whose output was not read to its end: what they made is of this
    time, in seconds since the epoch by the engine's clock."""

    instructions: tuple[Instruction, ...]
    since: float
    until: float


@dataclass
class MadeImages:
    """Fill it build by build. `before` are the image IDs that were on the host before ours, `tags`
    maps each tag of ours to its image's ID, None where that is not known, "" in a rehearsal."""

    before: frozenset[str] = frozenset()
    tags: dict[str, str | None] = field(default_factory=dict)
    _step_tags: set[str] = field(default_factory=set)  # of builds that leave an image for each step
    _trails: list[Trail] = field(default_factory=list)
    _unprinted: list[UnprintedSteps] = field(default_factory=list)
    _containers: list[str] = field(default_factory=list)
    _nameless: set[str] = field(default_factory=set)  # IDs of whole images without a tag of ours
    _unread: Unread | None = None

    @classmethod
    def of_notes(
        cls,
        before: frozenset[str],
        tags: dict[str, str | None],
        step_tags: Collection[str],
        trails: Collection[Trail],
        nameless: Collection[str],
        unread: Unread,
    ) -> MadeImages:
        """What was `noted`, `tags` with their images as they are now."""
        made = cls(before, tags, set(step_tags), list(trails), _nameless=set(nameless))
        made._unread = unread
        made._nameless |= {i for tag, i in tags.items() if i and tag not in made._step_tags}
        return made

    def noted(self, made: LegacyMade) -> Notable:
        """What can be told of the images by what was printed so far, `made` by a build under way.
        What was not printed is left out: who looks for it later cannot tell it from others'."""
        return Notable(
            dict(self.tags),
            tuple(sorted(self._step_tags)),
            (*self._trails, *made.trails),
            (*self._containers, *((made.container,) if made.container else ())),
            tuple(sorted(self._nameless)),
        )

    def find_containers(
        self, machine: Machine, host: HostSettings, printed: Collection[str], seconds: float
    ) -> None:
        """Look for containers that builds have begun within the last `seconds`, and for what they
        were created from, where trails end in them. Raises `HostError`."""
        of_containers = {trail.tip for trail in self._trails if trail.of_container}
        created_from: dict[str, str] = {}
        for container in {*printed, *of_containers}:
            created_from[container], left = container_of(machine, host, container, seconds)
            self._containers += left
        self._trails = [
            replace(trail, tip=created_from[trail.tip], of_container=False)
            if trail.of_container
            else trail
            for trail in self._trails
            if not trail.of_container or created_from[trail.tip]
        ]

    def begin(self, machine: Machine, host: HostSettings) -> None:
        """List what is there before anything is built. Raises `HostError`."""
        self.before = image_ids(machine, host)

    def expect(self, job: BuildJob) -> None:
        """A build is about to run: from now on its tag may be there."""
        if job.tag is not None:
            self.tags.setdefault(job.tag, None)
            if job.builder.leaves_step_images:
                self._step_tags.add(job.tag)

    def add(self, job: BuildJob, outcome: BuildOutcome) -> None:
        """A build has run, and its tag is there."""
        if job.tag is not None and outcome.run.image is not None:
            before = self.tags.get(job.tag)
            if before and before != outcome.run.image.id and not job.builder.leaves_step_images:
                self._nameless.add(before)  # the new image took its tag
            self.tags[job.tag] = outcome.run.image.id

    def claim(self, machine: Machine, host: HostSettings, outcome: BuildOutcome) -> None:
        """What the build made is ours. To be called right after it: an engine remembers its last
        256 events only. Raises `HostError`."""
        run, made = outcome.run, outcome.made
        if run.backend == "buildkit" and run.image and run.image.id not in self.tags.values():
            self._nameless.add(run.image.id)
        if made.unprinted is not None and made.unprinted.goes_on:
            wait_for_engine(machine, host)
        created_from = ""
        if made.container is not None:
            created_from, left = container_of(machine, host, made.container, outcome.run.seconds)
            self._containers += left
        for trail in made.trails:
            if not trail.of_container:
                self._trails.append(trail)
            elif created_from:
                self._trails.append(replace(trail, tip=created_from, of_container=False))
        if made.unprinted is not None:
            steps = _unprinted_steps(machine, host, made.unprinted, created_from)
            if steps is not None:
                self._unprinted.append(steps)

    def on(self, machine: Machine, host: HostSettings) -> Removable:
        """What is on the host and ours. Raises `HostError`."""
        nothing_told = not self._trails and not self._unprinted and not self._nameless
        if nothing_told and self._unread is None:
            return Removable((), tuple(self._containers))
        present = image_ids(machine, host)
        new = present - self.before
        if self._unread is not None:
            return self._with_unread(machine, host, new, self._unread)
        asked = present if any(run.hits for run in self._unprinted) else new
        histories = new if self._unprinted else frozenset()
        images = host_images(machine, host, asked, histories)
        new &= images.keys()
        found = find_ours(images, new, self._trails, self._unprinted, self.tags)
        return self._removable(images, new, found)

    def _with_unread(
        self, machine: Machine, host: HostSettings, new: frozenset[str], unread: Unread
    ) -> Removable:
        """The same for builds whose output was not read to its end."""
        created = created_at(machine, host, new)
        of_then = {i for i in new if unread.since <= created.get(i, 0.0) <= unread.until}
        images = host_images(machine, host, new, of_then)
        new &= images.keys()
        found = find_ours(images, new, self._trails, (), self.tags)
        find_unread(images, of_then & new, found, unread.instructions, self.tags)
        return self._removable(images, new, found)

    def _removable(
        self, images: dict[str, HostImage], new: frozenset[str], found: OurImages
    ) -> Removable:
        found.ours |= self._nameless & new
        removable = found.removable({i: images[i] for i in new}, self.tags)
        return Removable(
            tuple(removable),
            tuple(self._containers),
            tuple(found.ours - set(removable)),
            tuple(found.unsure),
        )

    def removal(
        self, host: HostSettings, found: Removable, *, spare_unknown: bool = True
    ) -> str | None:
        """The command that removes our tags and what was found; None when there is nothing.

        With `spare_unknown` a tag whose image is not known may stand on one that was there
        before: that image stays.
        """
        shared = [
            tag
            for tag, image in self.tags.items()
            if (spare_unknown if image is None else self._is_anothers(tag, image, found.images))
        ]
        return removal_command(host, list(self.tags), found.images, shared, found.containers)

    def _is_anothers(self, tag: str, image: str, removable: Collection[str]) -> bool:
        """Whether the image under our tag is to stay: it was there before; or each step left an
        image, and this is none of those that can go, as where all hit what another just built."""
        ours = not image or tag not in self._step_tags or image in removable
        return image in self.before or not ours


def _unprinted_steps(
    machine: Machine, host: HostSettings, unprinted: Unprinted, created_from: str
) -> UnprintedSteps | None:
    """The same with whole image IDs, None where the image that it begins with is not known."""
    if created_from:
        return UnprintedSteps(created_from, unprinted.steps[unprinted.at :])
    if unprinted.base is None:
        return UnprintedSteps("", unprinted.steps, unprinted.hits)
    ask = f"{client(host.docker, host.env)} image inspect --format '{{{{.Id}}}}' "
    done = machine.run(f"{ask}{shlex.quote(unprinted.base)} 2>/dev/null", timeout=ASK_SECONDS)
    base = FULL_ID.search(done.text)
    return UnprintedSteps(base[0], unprinted.steps, unprinted.hits) if base else None
