"""`cachetui clean`: find what audits left on the hosts, show it, and remove it after asking."""

from __future__ import annotations

import shlex
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
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
from cachetui.audit.host_notes import noted_on
from cachetui.audit.noted import Noted
from cachetui.builders.audit_names import is_ours
from cachetui.config.settings import HostSettings
from cachetui.exit_codes import SAME, TROUBLE
from cachetui.hosts.chosen_builder import with_chosen_builder
from cachetui.hosts.connect import Connector
from cachetui.hosts.facts import ask_facts
from cachetui.hosts.fan_out import run_on_all
from cachetui.hosts.lease import Lease
from cachetui.hosts.machine import HostError, Machine
from cachetui.hosts.upload import remove_folder_command
from cachetui.records.host import CacheMount
from cachetui.report import units
from cachetui.report.clean import clean_line
from cachetui.share.written import Written
from cachetui.store.database import Store

_SECONDS = 300.0
_COPIES = "/layers"
_EMPTY = 16 * 1024
"""Bytes that an emptied mount may still take: its folder, on some file systems."""


@dataclass
class Leftovers:
    """What audits left on a host: folders with their bytes, image tags, cache mounts, and what this
    machine has `noted` of audits and as `written` by experiments of `share`."""

    host: HostSettings
    machine: Machine
    folders: dict[str, int] = field(default_factory=dict)
    cache_folder: str = ""
    tags: list[str] = field(default_factory=list)
    mounts: list[CacheMount] = field(default_factory=list)
    noted: list[Noted] = field(default_factory=list)
    written: list[Written] = field(default_factory=list)

    @property
    def empty(self) -> bool:
        return not (self.folders or self.tags or self.mounts or self.noted or self.written)

    def lines(self) -> list[str]:
        """A line for each thing that would be removed."""
        lines = [
            f"{'copies of layers' if f.endswith(_COPIES) else 'context'} {f}  {units.size(size)}"
            for f, size in self.folders.items()
        ]
        lines += [
            clean_line(line)
            for noted in self.noted
            for line in noted.lines
            if line.removeprefix("folder ") not in self.folders
        ]
        lines += [
            clean_line(f"reference {ref} of audit {each.audit}, in its registry")
            for each in self.written
            for ref in each.refs
        ]
        lines += [f"image {tag}" for tag in self.tags if f"image {tag}" not in lines]
        lines += [
            f"cache mount {clean_line(m.description)}  {units.size(m.bytes)}" for m in self.mounts
        ]
        return lines

    def remove(self) -> list[str]:
        """Remove it; a sentence about what stays. Raises `HostError`."""
        stay: list[str] = []
        for each in self.written:
            remains = each.remove(self.machine)
            stay += [f"{ref} stays: its registry does not delete it" for ref in remains.stays]
            stay += [f"{ref} stays for now: its registry does not answer" for ref in remains.later]
        for noted in self.noted:
            self._run(noted.commands)
            stay += filter(None, [noted.stays()])
            noted.journal.drop()
        commands: list[str | None] = [remove_folder_command(folder) for folder in self.folders]
        if self.folders:
            ours = shlex.join([f"{self.cache_folder}/contexts", self.cache_folder])
            commands.append(f"rmdir {ours} 2>/dev/null; true")
        commands.append(removal_command(self.host, self.tags, ()))
        commands += [empty_mount_command(self.host, mount) for mount in self.mounts]
        if self.mounts:  # emptied by builds
            spaces = {mount_id(mount.description) or "" for mount in self.mounts}
            names = {space.partition("/")[0] for space in spaces if space}
            commands.append(forget_builds_command(self.host, names))
        self._run([command for command in commands if command])
        return stay

    def _run(self, commands: Sequence[str]) -> None:
        for command in commands:
            self.machine.run(command, timeout=_SECONDS)

    def close(self) -> None:
        """Leave the host and what is still noted."""
        for noted in self.noted:
            noted.journal.leave()
        for written in self.written:
            written.leave()
        with suppress(HostError):
            self.machine.release()
        self.machine.close()


def clean_command(hosts: Sequence[HostSettings], store: Store, *, yes: bool) -> int:
    """Show what would go, ask, and remove it. Exit code 2 when a host could not be asked."""
    connector = Connector()
    leftovers: dict[str, Leftovers] = {}
    errors: dict[str, HostError] = {}
    leases: dict[str, Lease] = {}  # one for an engine, whatever its names

    def look(host: HostSettings) -> None:
        try:
            machine = connector.connect(host, threading.Event())
            host = with_chosen_builder(machine, host)
            leftovers[host.name] = Leftovers(host, machine)
            _look(leftovers[host.name], store, leases)
        except HostError as error:
            errors[host.name] = error

    try:
        run_on_all(list(hosts), look)
        for name, error in errors.items():
            click.echo(clean_line(f"{name}: {error.reason}; {error.remedy}"), err=True)
        errors |= _remove([each for name, each in leftovers.items() if name not in errors], yes)
    finally:
        for each in leftovers.values():
            each.close()
    return TROUBLE if errors else SAME


def _remove(leftovers: Sequence[Leftovers], yes: bool) -> dict[str, HostError]:
    """Show what would go, ask, and remove it; what failed on which hosts."""
    errors: dict[str, HostError] = {}
    work = [each for each in leftovers if not each.empty]
    if not work:
        click.echo("audits have left nothing on the hosts", err=True)
        return errors
    for each in work:
        click.echo("\n".join(f"{each.host.name}: {line}" for line in each.lines()))
    if _agreed(yes):
        for each in work:
            try:
                for sentence in each.remove():
                    click.echo(clean_line(f"{each.host.name}: {sentence}"), err=True)
            except HostError as error:
                errors[each.host.name] = error
                click.echo(
                    clean_line(f"{each.host.name}: {error.reason}; {error.remedy}"), err=True
                )
        if len(errors) < len(work):
            click.echo("removed", err=True)
    return errors


def _agreed(yes: bool) -> bool:
    if yes:
        return True
    if not sys.stdin.isatty():
        click.echo("nothing was removed; --yes removes it without asking", err=True)
        return False
    return click.confirm("Remove all of this?", default=False, err=True)


def _look(leftovers: Leftovers, store: Store, leases: dict[str, Lease]) -> None:
    """Fill in what the host has."""
    host, machine = leftovers.host, leftovers.machine
    facts = ask_facts(machine, host, ())
    if facts.same_engine:
        lease = Lease(facts.same_engine, "cachetui clean")
        machine.hold(leases.setdefault(facts.same_engine, lease), None)
    leftovers.cache_folder = facts.cache_folder
    for noted in noted_on(machine, host, facts, store):
        if noted.commands:
            leftovers.noted.append(noted)
        else:
            noted.journal.drop()
    leftovers.written += Written.by_others(store, host, facts)
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
    leftovers.tags = [
        line.split()[-1] for line in tags if len(line.split()) == 2 and is_ours(line.split()[-1])
    ]
    mounts = mounts_of_audits(cache_mounts(cache_records(machine, host, facts.builder) or ()))
    leftovers.mounts = [mount for mount in mounts if mount.bytes > _EMPTY]
