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


def client(docker: Sequence[str], env: Mapping[str, str], slot: str = "") -> str:
    """The client's command as shell text, with `slot` (shell text too) right before the client.

    What stands before the client, such as sudo, drops the environment: then `env` goes along as
    assignments.
    """
    before, words = split(docker)
    passed = [f"{name}={value}" for name, value in env.items()] if before else []
    parts = [
        shlex.join(before),
        shlex.join(["env", *passed]) if passed else "",
        slot,
        shlex.join(words),
    ]
    return " ".join(filter(None, parts))


def last_line(text: str, env: Mapping[str, str], limit: int = 300) -> str:
    """The last line with something in it, fit for an error: no value of `env`, no password of a
    URL, no control characters."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    line = lines[-1] if lines else ""
    for name, value in sorted(env.items(), key=lambda item: -len(item[1])):
        if len(value) > 2:
            line = line.replace(value, f"${name}")
    line = re.sub(r"://[^/@\s]+@", "://…@", line)
    line = "".join(char if char.isprintable() else "?" for char in line)
    return line if len(line) <= limit else line[: limit - 1] + "…"
