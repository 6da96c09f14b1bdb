"""Which images on a host our builds made, and which tags they gave: these are to be removed."""

from __future__ import annotations

import re
import shlex
import time
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime

from cachetui.audit.build_job import BuildJob
from cachetui.audit.build_run import BuildOutcome
from cachetui.audit.cleanup import ASK_SECONDS, image_ids, removal_command
from cachetui.audit.our_images import (
    HostImage,
    UnprintedSteps,
    find_ours,
)
from cachetui.builders.client import client
from cachetui.builders.legacy_images import Trail, Unprinted
from cachetui.config.settings import HostSettings
from cachetui.hosts.machine import Machine
from cachetui.records.host_json import loads

_IMAGE = "{{.Id}} {{.Parent}} {{json .RepoTags}}"
_CONTAINER = "{{.Image}} {{.Id}} {{.Created}}"
_SLACK_SECONDS = 10.0
"""What may pass between a build's end and the question."""

_QUIET_SECONDS = 1.5
_WAIT_SECONDS = 8.0

_FULL = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True)
class Removable:
    """What is on a host: `images` of ours that can go, children before parents, and our
    `containers`; `kept` are images of ours that another has named or built on, `unsure` new ones
    of which it cannot be told whose they are."""

    images: tuple[str, ...] = ()
    containers: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    unsure: tuple[str, ...] = ()


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
            _wait_for_engine(machine, host)
        created_from = ""
        if made.container is not None:
            created_from, left = _container(machine, host, made.container, outcome.run.seconds)
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
        if not self._trails and not self._unprinted and not self._nameless:
            return Removable((), tuple(self._containers))
        present = image_ids(machine, host)
        new = present - self.before
        asked = present if any(run.hits for run in self._unprinted) else new
        histories = new if self._unprinted else frozenset()
        images = _host_images(machine, host, asked, histories)
        new &= images.keys()
        found = find_ours(images, new, self._trails, self._unprinted, self.tags)
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


def _wait_for_engine(machine: Machine, host: HostSettings) -> None:
    """Wait until a build whose client is gone has made its last image, for `_WAIT_SECONDS` at most:
    until no image comes for a while."""
    begun = changed = time.monotonic()
    there = image_ids(machine, host)
    while time.monotonic() - changed < _QUIET_SECONDS and time.monotonic() - begun < _WAIT_SECONDS:
        time.sleep(0.3)
        now = image_ids(machine, host)
        if now != there:
            there, changed = now, time.monotonic()


def _container(
    machine: Machine, host: HostSettings, short: str, seconds: float
) -> tuple[str, list[str]]:
    """The ID of the image that a container of a build was created from, "" where nothing tells,
    and the container's own ID if it is still there. The build took `seconds`: a container that is
    older is none of its."""
    docker = client(host.docker, host.env)
    event = f"--filter type=container --filter event=create --filter container={short}"
    done = machine.run(
        f"date +%s; {docker} inspect --type container --format {shlex.quote(_CONTAINER)} {short} "
        f"2>/dev/null || {docker} events --since 24h --until=-1s {event} "
        "--format '{{.Actor.Attributes.image}} {{.Actor.ID}}' 2>/dev/null",
        timeout=ASK_SECONDS,
    )
    now, _, told = done.text.strip().partition("\n")
    words = (told.strip().splitlines() or [""])[0].split()  # inspect's failure is an empty line
    if not words or not _FULL.fullmatch(words[0]):
        return "", []
    if len(words) < 3:
        return words[0], []
    with suppress(ValueError):
        created = datetime.fromisoformat(f"{words[2][:19]}+00:00").timestamp()
        if float(now) - created <= seconds + _SLACK_SECONDS:
            return words[0], [words[1]]
    return "", []


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


def own_bytes(machine: Machine, host: HostSettings, images: Collection[str]) -> int:
    """What these images take beyond those that they stand on."""
    form = "{{.Size}} {{.Parent}}"
    ask = f"{client(host.docker, host.env)} image inspect --format "
    script = (
        f'for i in {shlex.join(sorted(images))}; do {ask}{shlex.quote(form)} "$i" 2>/dev/null | '
        f'while read -r size parent; do echo "$size $([ -z "$parent" ] || '
        f'{ask}\'{{{{.Size}}}}\' "$parent" 2>/dev/null)"; done; done'
    )
    rows = [line.split() for line in machine.run(script, timeout=ASK_SECONDS).text.splitlines()]
    sizes = [[int(word) for word in row if word.isdigit()] for row in rows]
    return sum(max(0, size[0] - sum(size[1:])) for size in sizes if size)


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
            f'{docker} history --no-trunc --format "made $i {{{{json .CreatedBy}}}}" "$i" '
            "2>/dev/null | head -n 1; done"
        )
    # An image that has gone meanwhile makes the status bad; the others are listed all the same.
    done = machine.run(ask, timeout=ASK_SECONDS)
    found: dict[str, HostImage] = {}
    for line in done.text.splitlines():
        word, _, rest = line.partition(" ")
        second, _, third = rest.partition(" ")
        with suppress(ValueError, TypeError):
            if word == "made" and second in found:
                found[second] = replace(found[second], made_by=loads(third))
            elif _FULL.fullmatch(word):
                found[word] = HostImage(second, tuple(loads(third or "null") or ()))
    return found
