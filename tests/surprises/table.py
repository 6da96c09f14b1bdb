"""The docs' table of rules and engines, made by the tests that ran."""

from __future__ import annotations

import fcntl
from itertools import pairwise
from pathlib import Path

import pytest

from tests.surprises.stage import HOSTS, PARTS

FILE = Path(__file__).parents[2] / "docs" / "findings-table.md"
KEY = pytest.StashKey[dict[tuple[str, str], dict[str, str]]]()

HEAD = """\
# Each rule on each engine

Made by `tests/surprises`, which plays a build that provokes the surprise and one that looks alike
on four real engines. *found*: the rule said so; *silent*: rightly not, for the near miss; a
reason where the surprise cannot be on that engine.

| rule | | {hosts} |
|---|---|{lines}|
"""
NAMES_OF_PARTS = {"surprise": "surprise", "near": "near miss"}
NAMES = {"old": "20.10", "mid": "26.1", "new": "28.5", "ctd": "28.5, containerd store"}


def note(config: pytest.Config, rule: str, part: str, cells: dict[str, str]) -> None:
    """Keep what was seen of a rule on each host, once it is known to be right."""
    if KEY not in config.stash:
        config.stash[KEY] = {}
    config.stash[KEY][(rule, part)] = cells


def write(session: pytest.Session, rules: list[str]) -> None:
    """Put the rules that were played whole, and rightly, into the table; leave the others as they
    are, and drop those that are no more."""
    seen = session.config.stash.get(KEY, {})
    played = [rule for rule in rules if all((rule, part) in seen for part in PARTS)]
    if not played:
        return
    FILE.parent.mkdir(exist_ok=True)
    with FILE.open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # another part of the rules may be played beside
        file.seek(0)
        before = file.read()
        rows = _rows(before)
        for rule in played:
            rows[rule] = "\n".join(
                f"| {f'`{rule}`' if part == PARTS[0] else ''} | {NAMES_OF_PARTS[part]} | "
                + " | ".join(seen[(rule, part)][host] for host in HOSTS)
                + " |"
                for part in PARTS
            )
        head = HEAD.format(
            hosts=" | ".join(NAMES[h] for h in HOSTS), lines="---|" * (len(HOSTS) - 1) + "---"
        )
        text = head + "\n".join(rows[rule] for rule in rules if rule in rows) + "\n"
        if text != before:
            file.truncate(0)
            file.write(text)


def _rows(text: str) -> dict[str, str]:
    """Rule → its two lines of an existing table."""
    lines = text.splitlines()
    return {
        line.split("`")[1]: f"{line}\n{following}"
        for line, following in pairwise(lines)
        if line.startswith("| `")
    }
