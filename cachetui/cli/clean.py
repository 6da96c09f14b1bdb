"""`cachetui clean`: find what audits left on the hosts, show it, and remove it when told to."""

from __future__ import annotations

import shlex
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

import click

from cachetui.audit.cleanup import (
    cache_mounts,
    cache_records,
    empty_mount_command,
    mounts_of_audits,
    our_tags_command,
    removal_command,
)
from cachetui.config.settings import HostSettings
from cachetui.exit_codes import SAME, TROUBLE
from cachetui.hosts.connect import Connector
from cachetui.hosts.facts import ask_facts
from cachetui.hosts.fan_out import FAN_OUT, run_on_all
from cachetui.hosts.machine import HostError, Machine
from cachetui.records.host import CacheMount
from cachetui.report import units
from cachetui.report.clean import clean_line

_SECONDS = 300.0
_COPIES = "/layers"
_EMPTY = 16 * 1024
"""Bytes that an emptied mount may still take: its folder, on some file systems."""


@dataclass
class Found:
    """What is provably ours on a host: folders with their bytes, tags, cache mounts."""

    host: HostSettings
    machine: Machine
    folders: dict[str, int] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)
    mounts: list[CacheMount] = field(default_factory=list)

    @property
    def empty(self) -> bool:
        return not (self.folders or self.tags or self.mounts)

    def lines(self) -> list[str]:
        """What would be removed, a line each."""
        said = [
            f"{'copies of layers' if f.endswith(_COPIES) else 'context'} {f}  {units.size(size)}"
            for f, size in self.folders.items()
        ]
        said += [f"image {tag}" for tag in self.tags]
        said += [
            f"cache mount {clean_line(m.description)}  {units.size(m.bytes)}" for m in self.mounts
        ]
        return said

    def commands(self) -> list[str]:
        """What removes it."""
        remove = [
            f"chmod -R u+rwX {shlex.quote(folder)} 2>/dev/null; rm -rf {shlex.quote(folder)}"
            for folder in self.folders
        ]
        others = [removal_command(self.host, self.tags, ())]
        others += [empty_mount_command(self.host, mount) for mount in self.mounts]
        return remove + [command for command in others if command]


def clean_command(hosts: Sequence[HostSettings], *, yes: bool) -> int:
    """Show what would go, ask, and remove it. Exit 2 when a host could not be asked."""
    connector = Connector()
    found: dict[str, Found] = {}
    troubles: dict[str, HostError] = {}

    def look(host: HostSettings) -> None:
        try:
            machine = connector.connect(host, threading.Event())
            found[host.name] = Found(host, machine)
            _look(found[host.name])
        except HostError as error:
            troubles[host.name] = error

    try:
        run_on_all(list(hosts), look, FAN_OUT)
        for name, error in troubles.items():
            click.echo(f"{name}: {error.reason}; {error.remedy}", err=True)
        work = [one for name, one in found.items() if name not in troubles and not one.empty]
        for one in work:
            click.echo("\n".join(f"{one.host.name}: {line}" for line in one.lines()))
        if work and _sure(yes):
            for one in work:
                for command in one.commands():
                    one.machine.run(command, timeout=_SECONDS)
            click.echo("removed", err=True)
        elif not work:
            click.echo("nothing that is provably ours was found", err=True)
    finally:
        for one in found.values():
            one.machine.close()
    return TROUBLE if troubles else SAME


def _sure(yes: bool) -> bool:
    if yes:
        return True
    if not sys.stdin.isatty():
        click.echo("nothing was removed: --yes removes it without asking", err=True)
        return False
    return click.confirm("Remove all of this?", default=False, err=True)


def _look(found: Found) -> None:
    """Fill in what the host holds of ours."""
    host, machine = found.host, found.machine
    facts = ask_facts(machine, host, ())
    folder = shlex.quote(f"{facts.cache_folder}/contexts")
    copies = f"{facts.cache_folder}{_COPIES}"
    done = machine.run(
        f"du -sk {folder}/* {folder}/.incoming-* {shlex.quote(copies)} 2>/dev/null; true",
        timeout=_SECONDS,
    )
    for line in done.text.splitlines():
        kilobytes, _, path = line.partition("\t")
        ours = path == copies or path.startswith(f"{facts.cache_folder}/contexts/")
        if kilobytes.isdigit() and ours:
            found.folders[path] = int(kilobytes) * 1024
    listed = machine.run(our_tags_command(host), timeout=_SECONDS)
    found.tags = [line.split()[-1] for line in listed.text.splitlines() if len(line.split()) == 2]
    records = cache_records(machine, host)
    found.mounts = [m for m in mounts_of_audits(cache_mounts(records or ())) if m.bytes > _EMPTY]
