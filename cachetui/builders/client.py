"""The docker client's command on a host, and what may be shown of what it says."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

CLIENTS = ("docker", "docker.exe", "nerdctl", "podman")


def split(docker: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The words before the client (`sudo -n`), and the client with those behind it."""
    for at, word in enumerate(docker):
        if PurePosixPath(word).name in CLIENTS:
            return tuple(docker[:at]), tuple(docker[at:])
    return tuple(docker[:-1]), tuple(docker[-1:])


def client(
    docker: Sequence[str],
    env: Mapping[str, str] | None = None,
    given: Mapping[str, str] | None = None,
    slot: str = "",
) -> str:
    """The client's command as shell text, with `slot` (shell text too) right before the client.

    The shell's environment has `env`; `given` is set for this command alone. What stands before
    the client, such as sudo, drops the environment. So sudo is told the names of what to keep,
    and no value is a word that a list of processes shows. Others, such as doas, have no such
    option: there all of it goes along as words of `env`.
    """
    before, words = split(docker)
    given = given or {}
    assigned = " ".join(f"{name}={shlex.quote(value)}" for name, value in given.items())
    if before and PurePosixPath(before[0]).name == "sudo":
        names = ",".join((*(env or {}), *given))
        if names:
            # In sudo(8) since 1.8.21; for what else it keeps, sudoers(5) decides.
            before = (before[0], f"--preserve-env={names}", *before[1:])
    elif before:
        passed = [f"{name}={value}" for name, value in {**(env or {}), **given}.items()]
        slot = " ".join(filter(None, (shlex.join(["env", *passed]) if passed else "", slot)))
        assigned = ""
    return " ".join(filter(None, (assigned, shlex.join(before), slot, shlex.join(words))))


def last_line(text: str, env: Mapping[str, str], limit: int = 300) -> str:
    """The last line with something in it, fit for an error: no value of `env`, no password of a
    URL, no control characters. Of one that is too long the middle goes: what Go's libraries say
    ends with the cause."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    line = lines[-1] if lines else ""
    for name, value in sorted(env.items(), key=lambda item: -len(item[1])):
        if len(value) > 2:
            line = line.replace(value, f"${name}")
    line = re.sub(r"://[^/@\s]+@", "://…@", line)
    line = "".join(char if char.isprintable() else "?" for char in line)
    half = limit // 2
    return line if len(line) <= limit else f"{line[: half - 1]}…{line[-half:]}"
