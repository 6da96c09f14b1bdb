"""What differs from one audit to the next in commands, and how a command reaches a host. Pure.

An audit's id, the tokens of scripts, the name of an upload under way and the digest of the context
are new each time. A recording has placeholders for them, in commands and in what
they printed; a replay puts in those of the audit that asks.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from cachetui.audit.load_line import telling_load
from cachetui.demo.images import name_of, request_of
from cachetui.hosts import lease
from cachetui.hosts import watcher as watch

FACTS = "cachetui-facts"
"""The facts script as a recording names it. Its text is not compared: a later cachetui may ask
for more, and takes what this one was told."""

REMOVAL = "cachetui-removal"
"""What removes an audit's images and records: it prints nothing, and which they are depends on its
runs."""

LEASE = lease.MARK
"""What is about the lease of an engine alone: a recorded host has no other users."""

MAX_SCRIPT = 1024 * 1024

_VARIABLES = {
    "audit": re.compile(r"\b[0-9]{4}-[0-9]{6}-[a-z]{4}\b"),
    "token": re.compile(r"(?<=\bcachetui-facts )[0-9a-f]{16,}"),
    "mark": re.compile(r'(?<=\necho ")[0-9a-f]{24}(?= list"\n)'),
    "context": re.compile(r"(?<=/contexts/)[0-9a-f]{64}"),
    "incoming": re.compile(r"(?<=/\.incoming-)[0-9a-f]{32}"),
}
_LATER = " {{json .RepoTags}}"
"""What is asked of images beyond what was when the recordings were made: an answer without it is
understood."""

_REMOVED = re.compile(r" rmi --no-prune | buildx history rm ")
_LINE = re.compile(re.escape(watch.bootstrap(0)).replace("=0", "=([0-9]{1,7})"))
_LEASE = re.compile(f"{re.escape(lease.BEGIN)}.*?{re.escape(lease.END)}", re.DOTALL)
_HOLE = "cachetui-hole"
_LOAD = telling_load("")


def placeholder(name: str) -> str:
    """How a recording writes what differs."""
    return f"<<{name}>>"


def normalise(command: str) -> tuple[str, dict[str, str]]:
    """A command with placeholders, and what stood in their place. That a build tells of the host's
    load before it begins is no part of it."""
    command = command.removeprefix(_LOAD)
    values: dict[str, str] = {}
    request = request_of(command)
    if request is not None:
        return name_of(request), values
    for name, pattern in _VARIABLES.items():
        match = pattern.search(command)
        if match is not None:
            values[name] = match[0]
            command = command.replace(match[0], placeholder(name))
    if "token" in values:
        return FACTS, values
    if lease.MARK in command:
        return LEASE, values
    if _REMOVED.search(command):
        return REMOVAL, values
    return _build_key(command) or command.replace(_LATER, ""), values


def _build_key(command: str) -> str | None:
    """A build's command without what decides over nothing that is printed of its steps: the order
    of its options and the image's name. None for any other command."""
    try:
        words = shlex.split(command)
    except ValueError:
        return None
    at = words.index("build") if "build" in words else 0
    if not at or not words[at - 1].endswith("docker"):
        return None
    options = words[at + 1 :]
    if "-t" in options:
        name = options.index("-t")
        del options[name : name + 2]
    return shlex.join([*words[: at + 1], *sorted(options)])


def fill(text: str, values: Mapping[str, str]) -> str:
    """A recorded text with the values of the audit that asks."""
    for name, value in values.items():
        text = text.replace(placeholder(name), value)
    return text


@dataclass(frozen=True, slots=True)
class Command:
    """A command as it reached the host. `watched`: it ends with standard input, and reads
    nothing of it. `merged`: standard error goes where standard output goes."""

    text: str
    watched: bool
    merged: bool


def script_size(line: str) -> int | None:
    """The N of `watch.bootstrap(N)`, None for any other command line."""
    match = _LINE.fullmatch(line)
    size = int(match[1]) if match else None
    return size if size is not None and size <= MAX_SCRIPT else None


def command_of(script: bytes) -> Command | None:
    """The command in a script of `watch.script`, None for a text that is none."""
    text = _LEASE.sub("", script.decode("utf-8", "surrogateescape"), count=1)
    for watched in (True, False):
        for merged in (True, False):
            around = watch.script(_HOLE, watched=watched, merged=merged).decode()
            before, _, after = around.partition(_HOLE)
            if text.startswith(before) and text.endswith(after):
                return Command(text[len(before) : len(text) - len(after)], watched, merged)
    return None
