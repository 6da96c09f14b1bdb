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

_PLAIN = re.compile(r"[\w@%+=:,./ -]+", re.ASCII)
"""What a shell takes as it stands, though ssh gives it to another one."""

EACH = '"$h"'
"""The host's name inside a loop."""


@dataclass(frozen=True, slots=True)
class HostCommand:
    """`text`, a line of the shell on each of the `hosts`; it reads what `given` prints on `source`,
    where there is one. With `docker` it is what follows `docker` here instead, to be done by the
    engine of each host, and `environment` goes before it."""

    text: str
    hosts: tuple[str, ...]
    source: str = ""
    given: str = ""
    docker: bool = False
    environment: str = ""


def shell_lines(commands: Iterable[HostCommand], order: Sequence[str] = ()) -> tuple[str, ...]:
    """The commands as lines; one that is the same on several hosts is a loop over their names, in
    this order."""
    merged: dict[HostCommand, dict[str, None]] = {}
    for command in commands:
        merged.setdefault(replace(command, hosts=()), {}).update(dict.fromkeys(command.hosts))
    return tuple(
        _line(command, sorted(hosts, key=lambda h: order.index(h) if h in order else len(order)))
        for command, hosts in merged.items()
        if hosts
    )


def _line(command: HostCommand, hosts: Sequence[str]) -> str:
    if len(hosts) == 1:
        return _once(command, shlex.quote(hosts[0]))
    names = " ".join(map(shlex.quote, hosts))
    return f"for h in {names}; do {_once(command, EACH)}; done"


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
