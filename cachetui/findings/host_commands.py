"""What mends a cause on hosts, as lines to paste into a shell.

Hosts go by their names in hosts.toml, never by the addresses in it: a report can be shown to those
who may not know these. `ssh NAME` works where ~/.ssh/config has them, from which `cachetui init`
takes them.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

_PLAIN = re.compile(r"[\w@%+=:,./ -]+", re.ASCII)
"""What a shell takes as it stands, though ssh gives it to another one."""

EACH = '"$h"'
"""The host's name inside a loop."""

_FAILED = 'echo "failed on $h"'
"""What a loop does where a host's turn failed: the others have theirs all the same."""


@dataclass(frozen=True, slots=True)
class HostCommand:
    """`text`, a line of the shell on each of the `hosts`; it reads what `given` prints on `source`,
    where there is one. With `docker` it is what follows `docker` here instead, to be done by the
    engine of each host, and `environment` goes before it. `platform` is that of the hosts, where
    those of another one take another command. `way` says what it does where
    one of another way can be typed in its place."""

    text: str
    hosts: tuple[str, ...]
    source: str = ""
    given: str = ""
    docker: bool = False
    environment: str = ""
    platform: str = ""
    way: str = ""


class ShellLine(NamedTuple):
    """A line of the shell; its `platform` and `way` are as those of `HostCommand`."""

    text: str
    platform: str
    way: str


def shell_lines(
    commands: Iterable[HostCommand], order: Sequence[str] = ()
) -> tuple[ShellLine, ...]:
    """The commands as lines; one that is the same on several hosts is a loop over their names, in
    this order, which says where it failed."""
    merged: dict[HostCommand, dict[str, None]] = {}
    for command in commands:
        merged.setdefault(replace(command, hosts=()), {}).update(dict.fromkeys(command.hosts))
    return tuple(
        ShellLine(_line(command, hosts, order), command.platform, command.way)
        for command, hosts in merged.items()
        if hosts
    )


def _line(command: HostCommand, hosts: Iterable[str], order: Sequence[str]) -> str:
    first, *others = sorted(hosts, key=lambda h: order.index(h) if h in order else len(order))
    if not others:
        return _once(command, shlex.quote(first))
    names = " ".join(map(shlex.quote, (first, *others)))
    return f"for h in {names}; do {_once(command, EACH)} || {_FAILED}; done"


def _once(command: HostCommand, host: str) -> str:
    """The command on a host. Where nothing is piped to ssh, it must not read what is pasted after
    it (-n)."""
    if command.docker:
        engine = f'"ssh://{host[1:]}' if host == EACH else f"ssh://{host}"
        return " ".join(filter(None, [command.environment, "docker -H", engine, command.text]))
    text = _for_ssh(command.text)
    if not command.source:
        return f"ssh -n {host} {text}"
    return f"ssh -n {shlex.quote(command.source)} {_for_ssh(command.given)} | ssh {host} {text}"


def _for_ssh(text: str) -> str:
    return text if _PLAIN.fullmatch(text) else shlex.quote(text)
