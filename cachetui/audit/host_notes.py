"""What an audit makes on a host, noted on this machine before and while it is made.

So it can be removed later: after a connection that broke, or when cachetui itself was killed.
"""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass

import msgspec

from cachetui.audit.build_records import forget_builds_command
from cachetui.audit.cleanup import (
    ASK_SECONDS,
    empty_flags_command,
    empty_mounts_command,
)
from cachetui.audit.engine_images import engine_clock
from cachetui.audit.import_notes import imports_on
from cachetui.audit.made_images import MadeImages, Removable, Unread
from cachetui.audit.noted import AFTER_SECONDS, Noted, engine_topic, left_notes
from cachetui.builders.audit_names import mount_namespace
from cachetui.builders.client import client
from cachetui.builders.legacy_images import LegacyMade, Trail
from cachetui.config.settings import HostSettings
from cachetui.dockerfile.parse import Dockerfile, DockerfileError, parse
from cachetui.hosts.machine import Machine
from cachetui.hosts.upload import remove_folder_command
from cachetui.records.base import Record
from cachetui.records.host import HostFacts
from cachetui.store.database import Store
from cachetui.store.journal import Journal
from cachetui.store.troubles import StoreError


class _Begun(Record, frozen=True, kw_only=True):
    """The first line: whose notes these are. `before` are the images that the host had; `at` is in
    seconds since the epoch."""

    audit: str
    host: str
    dockerfile_text: str
    before: tuple[str, ...]
    at: float


class _Made(Record, frozen=True, kw_only=True):
    """A later line: what may be on the host. `containers` are printed IDs; a tag's image is None
    where it is not known. `mounts`: the audit's cache mounts may hold something; `spaces` are
    namespaces of others that may, with the `--mount` options of their mounts. `recorded`: see
    `forget_builds_command`. `folders` are paths below our cache folder."""

    tags: dict[str, str | None] = msgspec.field(default_factory=dict)
    step_tags: tuple[str, ...] = ()
    trails: tuple[Trail, ...] = ()
    containers: tuple[str, ...] = ()
    nameless: tuple[str, ...] = ()
    mounts: bool = False
    recorded: tuple[str, ...] = ()
    spaces: dict[str, tuple[str, ...]] = msgspec.field(default_factory=dict)
    folders: tuple[str, ...] = ()


@dataclass(frozen=True)
class Besides:
    """What an experiment makes that an audit does not: `tags` of images that it gives, cache mount
    namespaces (`spaces`: namespace → `--mount` options), and folders below our cache folder."""

    tags: Mapping[str, str | None]
    spaces: Mapping[str, Collection[str]]
    folders: Collection[str]


NOTHING_BESIDES = Besides({}, {}, ())


@dataclass
class HostNotes:
    """The notes of one audit on one host, being taken. `on_trouble` is told what could not be
    noted of a build under way."""

    journal: Journal
    on_trouble: Callable[[StoreError], None]

    @classmethod
    def begin(
        cls,
        store: Store,
        audit: str,
        host: HostSettings,
        facts: HostFacts,
        images: MadeImages,
        dockerfile_text: str,
        on_trouble: Callable[[StoreError], None],
    ) -> HostNotes:
        """Raises `StoreError`: what cannot be noted is not to be made."""
        head = _Begun(
            audit=audit,
            host=host.name,
            dockerfile_text=dockerfile_text,
            before=tuple(sorted(images.before)),
            at=time.time(),
        )
        return cls(store.begin_journal(engine_topic(host, facts), audit, head), on_trouble)

    def note(
        self,
        images: MadeImages,
        *,
        mounts: bool = False,
        recorded: Collection[str] = (),
        made: LegacyMade | None = None,
        besides: Besides = NOTHING_BESIDES,
    ) -> None:
        """What the builds have made so far; `made` is that of the one under way."""
        noted = images.noted(made or LegacyMade())
        record = _Made(
            tags={**noted.tags, **besides.tags},
            step_tags=noted.step_tags,
            trails=noted.trails,
            containers=noted.containers,
            nameless=noted.nameless,
            mounts=mounts,
            recorded=tuple(sorted(recorded)),
            spaces={space: tuple(sorted(flags)) for space, flags in besides.spaces.items()},
            folders=tuple(sorted(besides.folders)),
        )
        try:
            self.journal.note(record)
        except StoreError as error:
            self.on_trouble(error)

    def removed(self, looked: bool) -> None:
        """The audit is over; `looked`: what it made is gone, or named in its report."""
        self.journal.end(done=looked)


def noted_on(
    machine: Machine, host: HostSettings, facts: HostFacts, store: Store
) -> Iterator[Noted]:
    """What audits of this machine that are over have left on the host, by their notes. Raises
    `HostError`. Notes of an audit that goes on are not among them, nor those that say nothing."""
    for journal, begun, made in left_notes(store, engine_topic(host, facts), _Begun, _Made):
        try:
            ahead = _clock(machine) - time.time()
            found = _found(machine, host, begun, made or _Made(), journal)
        except BaseException:
            journal.leave()
            raise
        # Not later than the last note: what is lost may be noted when the host is up again.
        if facts.booted_at is not None and facts.booted_at > begun.at + ahead:
            found.restarted_at = facts.booted_at
        if found.commands or found.restarted_at is not None:
            yield found
        else:
            journal.drop()
    yield from imports_on(machine, host, facts, store)


def _found(
    machine: Machine,
    host: HostSettings,
    begun: _Begun,
    made: _Made,
    journal: Journal,
) -> Noted:
    tags = _tags_there(machine, host, made.tags)
    dockerfile = _dockerfile(begun)
    told = engine_clock(machine, host)
    ahead = told - time.time() if told is not None else 0.0
    unread = Unread(
        tuple(dockerfile.instructions) if dockerfile else (),
        begun.at + ahead - 1,
        journal.written_at + ahead + AFTER_SECONDS,
    )
    images = MadeImages.of_notes(
        frozenset(begun.before), tags, made.step_tags, made.trails, made.nameless, unread
    )
    images.find_containers(machine, host, made.containers, time.time() - begun.at)
    removable = images.on(machine, host)
    lines = _lines(begun.audit, tags, removable)
    commands = [command for command in [images.removal(host, removable)] if command]
    if made.mounts and dockerfile:
        empty = empty_mounts_command(host, dockerfile, mount_namespace(begun.audit))
        if empty is not None:
            commands.append(empty)
            lines.append(f"cache mounts of audit {begun.audit}")
    for space, flags in made.spaces.items():
        emptied = empty_flags_command(host, flags, space)
        if emptied is not None:
            commands.append(emptied)
            lines.append(f"cache mounts of {space}")
    for folder in _folders_there(machine, made.folders):
        commands.append(remove_folder_command(folder))
        lines.append(f"folder {folder}")
    if made.recorded:
        commands.append(forget_builds_command(host, made.recorded))
        lines.append(f"build records of audit {begun.audit}")
    return Noted(begun.audit, journal, lines, commands)


def _lines(audit: str, tags: dict[str, str | None], found: Removable) -> list[str]:
    lines = [f"image {tag}" for tag in tags]
    lines += [f"image {image} of audit {audit}" for image in found.images]
    lines += [f"container {container} of audit {audit}" for container in found.containers]
    return lines


def _dockerfile(begun: _Begun) -> Dockerfile | None:
    try:
        return parse(begun.dockerfile_text)
    except DockerfileError:
        return None


def _clock(machine: Machine) -> float:
    """Seconds since the epoch by the host's clock."""
    told = machine.run("date +%s", timeout=ASK_SECONDS).text.strip()
    return float(told) if told.isdigit() else time.time()


def _folders_there(machine: Machine, folders: Collection[str]) -> list[str]:
    """Those of the folders that are on the host."""
    if not folders:
        return []
    loop = f'for i in {shlex.join(folders)}; do if [ -d "$i" ]; then echo "$i"; fi; done'
    there = set(machine.run(loop, timeout=ASK_SECONDS).text.splitlines())
    return [folder for folder in folders if folder in there]


def _tags_there(
    machine: Machine, host: HostSettings, tags: dict[str, str | None]
) -> dict[str, str | None]:
    """Those of the tags that are on the host, with the images that they stand on now."""
    if not tags:
        return {}
    ask = f"{client(host.docker, host.env)} image inspect --format '{{{{.Id}}}}'"
    loop = f'for i in {shlex.join(tags)}; do echo "$i $({ask} "$i" 2>/dev/null)"; done'
    rows = [line.split() for line in machine.run(loop, timeout=ASK_SECONDS).text.splitlines()]
    return {row[0]: row[1] for row in rows if len(row) == 2 and row[0] in tags}
