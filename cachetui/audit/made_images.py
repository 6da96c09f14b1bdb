"""Which images on a host our builds made, and which tags they gave: these are to be removed."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Collection
from dataclasses import dataclass, field, replace

from cachetui.audit.build_job import BuildJob
from cachetui.audit.build_run import BuildOutcome
from cachetui.audit.cleanup import ASK_SECONDS, container_ids, image_ids, removal_command
from cachetui.audit.our_images import (
    HostImage,
    UnprintedSteps,
    find_ours,
    whole_id,
)
from cachetui.builders.command_line import client
from cachetui.builders.legacy_images import Trail, Unprinted
from cachetui.config.settings import HostSettings
from cachetui.hosts.machine import Machine

_IMAGE = "{{.Id}}|{{.Parent}}|{{json .RepoTags}}"
_FULL = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True)
class Removable:
    """What is on a host: `images` of ours that can go, children before parents, and our
    `containers`. `kept` counts images of ours that another has named or built on, and `unsure`
    new ones of which it cannot be told whose they are."""

    images: tuple[str, ...] = ()
    containers: tuple[str, ...] = ()
    kept: int = 0
    unsure: int = 0


@dataclass
class MadeImages:
    """Fill it build by build. `before` are the image IDs that were on the host before ours, `tags`
    maps each tag of ours to its image's ID, None where that is not known, "" in a rehearsal."""

    before: frozenset[str] = frozenset()
    tags: dict[str, str | None] = field(default_factory=dict)
    _containers_before: frozenset[str] | None = None
    _step_tags: set[str] = field(default_factory=set)  # of builds that leave an image for each step
    _trails: list[Trail] = field(default_factory=list)
    _unprinted: list[UnprintedSteps] = field(default_factory=list)
    _containers: set[str] = field(default_factory=set)

    def begin(self, machine: Machine, host: HostSettings) -> None:
        """List what is there before anything is built. Raises `HostError`."""
        self.before = image_ids(machine, host)
        self._containers_before = container_ids(machine, host)

    def expect(self, job: BuildJob) -> None:
        """A build is about to run: from now on its tag may be there."""
        if job.tag is not None:
            self.tags.setdefault(job.tag, None)
            if job.builder.leaves_step_images:
                self._step_tags.add(job.tag)

    def add(self, job: BuildJob, outcome: BuildOutcome) -> None:
        """A build has run, and its tag is there."""
        if job.tag is not None and outcome.run.image is not None:
            self.tags[job.tag] = outcome.run.image.id

    def claim(self, machine: Machine, host: HostSettings, outcome: BuildOutcome) -> None:
        """What the build made is ours. To be called right after it: an engine remembers its last
        256 events only. Raises `HostError`."""
        made = outcome.made
        unprinted = made.unprinted
        if made.container is not None:
            self._containers.add(made.container)
        created_from = ""
        if unprinted is not None or any(trail.of_container for trail in made.trails):
            created_from = _created_from(machine, host, made.container)
        for trail in made.trails:
            if not trail.of_container:
                self._trails.append(trail)
            elif created_from:
                self._trails.append(replace(trail, tip=created_from, of_container=False))
        if unprinted is not None:
            steps = _unprinted_steps(machine, host, unprinted, created_from)
            if steps is not None:
                self._unprinted.append(steps)

    def on(self, machine: Machine, host: HostSettings) -> Removable:
        """What is on the host and ours. Raises `HostError`."""
        if not self._trails and not self._unprinted and not self._containers:
            return Removable()
        present = image_ids(machine, host)
        new = present - self.before
        asked = present if any(run.hits for run in self._unprinted) else new
        histories = new if self._unprinted else frozenset()
        images = _host_images(machine, host, asked, histories)
        new &= images.keys()
        found = find_ours(images, new, self._trails, self._unprinted, self.tags)
        removable = found.removable({i: images[i] for i in new}, self.tags)
        return Removable(
            tuple(removable),
            self._our_containers(machine, host),
            len(found.ours - set(removable)),
            len(found.unsure),
        )

    def _our_containers(self, machine: Machine, host: HostSettings) -> tuple[str, ...]:
        """Containers of our builds that are still there, and were not before."""
        if not self._containers or self._containers_before is None:
            return ()
        new = (container_ids(machine, host) or frozenset()) - self._containers_before
        return tuple(sorted(filter(None, (whole_id(short, new) for short in self._containers))))

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


def _created_from(machine: Machine, host: HostSettings, container: str | None) -> str:
    """The ID of the image that a container was created from, by the container or the engine's
    record of events; "" where neither tells."""
    if container is None:
        return ""
    docker = client(host.docker, host.env)
    name = shlex.quote(container)
    event = "--filter type=container --filter event=create --filter container=" + name
    done = machine.run(
        f"{docker} inspect --type container --format '{{{{.Image}}}}' {name} 2>/dev/null || "
        f"{docker} events --since 24h --until=-1s {event} "
        "--format '{{.Actor.Attributes.image}}' 2>/dev/null",
        timeout=ASK_SECONDS,
    )
    found = _FULL.search(done.text)
    return found[0] if found else ""


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
    base = _FULL.search(done.text)
    return UnprintedSteps(base[0], unprinted.steps, unprinted.hits) if base else None


def _host_images(
    machine: Machine, host: HostSettings, images: Collection[str], histories: Collection[str]
) -> dict[str, HostImage]:
    """These images as the host has them; those that are gone are not among them. What made them
    is asked of those in `histories`."""
    if not images:
        return {}
    docker = client(host.docker, host.env)
    ask = f"{docker} image inspect --format {shlex.quote(_IMAGE)} {shlex.join(sorted(images))}"
    if histories:
        ask += (
            f"; for i in {shlex.join(sorted(histories))}; do "
            f'{docker} history --no-trunc --format "made|$i|{{{{json .CreatedBy}}}}" "$i" '
            "2>/dev/null | head -n 1; done"
        )
    # An image that has gone meanwhile makes the status bad; the others are listed all the same.
    done = machine.run(ask, timeout=ASK_SECONDS)
    found: dict[str, HostImage] = {}
    for line in done.text.splitlines():
        first, _, rest = line.partition("|")
        second, _, third = rest.partition("|")
        if first == "made" and second in found:
            found[second] = replace(found[second], made_by=json.loads(third))
        elif _FULL.fullmatch(first):
            found[first] = HostImage(second, tuple(json.loads(third) or ()))
    return found
