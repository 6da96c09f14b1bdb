"""`cachetui clean`: find what audits left on the hosts, show it, and remove it after asking."""

from __future__ import annotations

import shlex
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

import click

from cachetui.audit.build_records import forget_builds_command
from cachetui.audit.cleanup import (
    cache_mounts,
    cache_records,
    empty_mount_command,
    mount_id,
    mounts_of_audits,
    our_tags_command,
    removal_command,
)
from cachetui.config.settings import HostSettings
from cachetui.exit_codes import SAME, TROUBLE
from cachetui.hosts.connect import Connector
from cachetui.hosts.facts import ask_facts
from cachetui.hosts.fan_out import run_on_all
from cachetui.hosts.machine import HostError, Machine
from cachetui.records.host import CacheMount
from cachetui.report import units
from cachetui.report.clean import clean_line

_SECONDS = 300.0
_COPIES = "/layers"
_EMPTY = 16 * 1024
"""Bytes that an emptied mount may still take: its folder, on some file systems."""


@dataclass
class Leftovers:
    """What audits left on a host: folders with their bytes, image tags, cache mounts."""

    host: HostSettings
    machine: Machine
    folders: dict[str, int] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)
    mounts: list[CacheMount] = field(default_factory=list)

    @property
    def empty(self) -> bool:
        return not (self.folders or self.tags or self.mounts)

    def lines(self) -> list[str]:
        """A line for each thing that would be removed."""
        lines = [
            f"{'copies of layers' if f.endswith(_COPIES) else 'context'} {f}  {units.size(size)}"
            for f, size in self.folders.items()
        ]
        lines += [f"image {tag}" for tag in self.tags]
        lines += [
            f"cache mount {clean_line(m.description)}  {units.size(m.bytes)}" for m in self.mounts
        ]
        return lines

    def commands(self) -> list[str]:
        """The commands that remove it."""
        commands: list[str | None] = [
            f"chmod -R u+rwX {shlex.quote(folder)} 2>/dev/null; rm -rf {shlex.quote(folder)}"
            for folder in self.folders
        ]
        commands.append(removal_command(self.host, self.tags, ()))
        commands += [empty_mount_command(self.host, mount) for mount in self.mounts]
        if self.mounts:  # emptied by builds
            spaces = {mount_id(mount.description) or "" for mount in self.mounts}
            names = {space.partition("/")[0] for space in spaces if space}
            commands.append(forget_builds_command(self.host, names))
        return [command for command in commands if command]


def clean_command(hosts: Sequence[HostSettings], *, yes: bool) -> int:
    """Show what would go, ask, and remove it. Exit code 2 when a host could not be asked."""
    connector = Connector()
    leftovers: dict[str, Leftovers] = {}
    errors: dict[str, HostError] = {}

    def look(host: HostSettings) -> None:
        try:
            machine = connector.connect(host, threading.Event())
            leftovers[host.name] = Leftovers(host, machine)
            _look(leftovers[host.name])
        except HostError as error:
            errors[host.name] = error

    try:
        run_on_all(list(hosts), look)
        for name, error in errors.items():
            click.echo(f"{name}: {error.reason}; {error.remedy}", err=True)
        _remove([each for name, each in leftovers.items() if name not in errors], yes)
    finally:
        for each in leftovers.values():
            each.machine.close()
    return TROUBLE if errors else SAME


def _remove(leftovers: Sequence[Leftovers], yes: bool) -> None:
    """Show what would go, ask, and remove it."""
    work = [each for each in leftovers if not each.empty]
    if not work:
        click.echo("audits have left nothing on the hosts", err=True)
        return
    for each in work:
        click.echo("\n".join(f"{each.host.name}: {line}" for line in each.lines()))
    if _agreed(yes):
        for each in work:
            for command in each.commands():
                each.machine.run(command, timeout=_SECONDS)
        click.echo("removed", err=True)


def _agreed(yes: bool) -> bool:
    if yes:
        return True
    if not sys.stdin.isatty():
        click.echo("nothing was removed; --yes removes it without asking", err=True)
        return False
    return click.confirm("Remove all of this?", default=False, err=True)


def _look(leftovers: Leftovers) -> None:
    """Fill in what the host has."""
    host, machine = leftovers.host, leftovers.machine
    facts = ask_facts(machine, host, ())
    folder = shlex.quote(f"{facts.cache_folder}/contexts")
    copies = f"{facts.cache_folder}{_COPIES}"
    sizes = machine.run(
        f"du -sk {folder}/* {folder}/.incoming-* {shlex.quote(copies)} 2>/dev/null; true",
        timeout=_SECONDS,
    )
    for line in sizes.text.splitlines():
        kilobytes, _, path = line.partition("\t")
        ours = path == copies or path.startswith(f"{facts.cache_folder}/contexts/")
        if kilobytes.isdigit() and ours:
            leftovers.folders[path] = int(kilobytes) * 1024
    tags = machine.run(our_tags_command(host), timeout=_SECONDS).text.splitlines()
    leftovers.tags = [line.split()[-1] for line in tags if len(line.split()) == 2]
    mounts = mounts_of_audits(cache_mounts(cache_records(machine, host) or ()))
    leftovers.mounts = [mount for mount in mounts if mount.bytes > _EMPTY]
