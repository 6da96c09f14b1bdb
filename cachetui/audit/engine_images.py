"""What a host's engine tells of its images and containers, and when."""

from __future__ import annotations

import re
import shlex
import time
from collections.abc import Collection
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

from cachetui.audit.cleanup import ASK_SECONDS, image_ids
from cachetui.audit.our_images import HostImage
from cachetui.builders.client import client
from cachetui.config.settings import HostSettings
from cachetui.hosts.machine import Machine
from cachetui.records.host_json import loads

_IMAGE = "{{.Id}} {{.Parent}} {{json .RepoTags}}"
_CONTAINER = "{{.Image}} {{.Id}} {{.Created}}"
_CLOCK = "info --format '{{.SystemTime}}'"
_SLACK_SECONDS = 10.0
"""What may pass between a build's end and the question."""

_QUIET_SECONDS = 1.5
_WAIT_SECONDS = 8.0

FULL_ID = re.compile(r"sha256:[0-9a-f]{64}")


def wait_for_engine(machine: Machine, host: HostSettings) -> None:
    """Wait until a build whose client is gone has made its last image, for `_WAIT_SECONDS` at most:
    until no image comes for a while."""
    begun = changed = time.monotonic()
    there = image_ids(machine, host)
    while time.monotonic() - changed < _QUIET_SECONDS and time.monotonic() - begun < _WAIT_SECONDS:
        time.sleep(0.3)
        now = image_ids(machine, host)
        if now != there:
            there, changed = now, time.monotonic()


def container_of(
    machine: Machine, host: HostSettings, short: str, seconds: float
) -> tuple[str, list[str]]:
    """The ID of the image that a container of a build was created from, "" where nothing tells,
    and the container's own ID if it is still there. The build took `seconds`: a container that is
    older is none of its.

    All is asked by the engine's clock. By a client's that is behind, events would be asked for that
    were before the build; by one that is ahead, docker would wait for those still to come."""
    docker = client(host.docker, host.env)
    event = f"--filter type=container --filter event=create --filter container={short}"
    done = machine.run(
        f'now=$({docker} {_CLOCK} 2>/dev/null); echo "$now"; '
        f"{docker} inspect --type container --format {shlex.quote(_CONTAINER)} {short} "
        f'2>/dev/null || {docker} events --since 1 "--until=${{now:--1s}}" {event} '
        "--format '{{.Actor.Attributes.image}} {{.Actor.ID}}' 2>/dev/null",
        timeout=ASK_SECONDS,
    )
    told_at, _, told = done.text.partition("\n")
    words = (told.strip().splitlines() or [""])[0].split()  # inspect's failure is an empty line
    if not words or not FULL_ID.fullmatch(words[0]):
        return "", []
    if len(words) < 3:
        return words[0], []
    now, created = _seconds(told_at), _seconds(words[2])
    if now is not None and created is not None and now - created <= seconds + _SLACK_SECONDS:
        return words[0], [words[1]]
    return "", []


def engine_clock(machine: Machine, host: HostSettings) -> float | None:
    """Seconds since the epoch by the engine's clock, which dates its images and is another than
    the host's where the engine is elsewhere, or in a virtual machine. None where it tells none."""
    ask = f"{client(host.docker, host.env)} {_CLOCK} 2>/dev/null"
    return _seconds(machine.run(ask, timeout=ASK_SECONDS).text)


def created_at(machine: Machine, host: HostSettings, images: Collection[str]) -> dict[str, float]:
    """When these images were made, by the engine's clock."""
    if not images:
        return {}
    ask = f"{client(host.docker, host.env)} image inspect --format '{{{{.Id}}}} {{{{.Created}}}}'"
    done = machine.run(f"{ask} {shlex.join(sorted(images))} 2>/dev/null", timeout=ASK_SECONDS)
    found: dict[str, float] = {}
    for line in done.text.splitlines():
        image, _, at = line.partition(" ")
        made = _seconds(at)
        if made is not None:
            found[image] = made
    return found


def _seconds(date: str) -> float | None:
    """A date as docker prints them in seconds since the epoch, None for what is none."""
    with suppress(ValueError):
        at = datetime.fromisoformat(date.strip())
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    return None


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


def host_images(
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
        if word == "made" and second in found:
            found[second] = replace(found[second], made_by=loads(third))
        elif FULL_ID.fullmatch(word):
            found[word] = HostImage(second, tuple(loads(third or "null") or ()))
    return found
