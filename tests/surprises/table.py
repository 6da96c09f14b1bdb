"""The docs' table of rules and engines, made by the tests that ran."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.surprises.stage import HOSTS

FILE = Path(__file__).parents[2] / "docs" / "findings-table.md"
KEY = pytest.StashKey[dict[tuple[str, str, str], str]]()

HEAD = """\
# Each rule on each engine

Made by `tests/surprises`, which plays a build that provokes the surprise and one that looks alike
on four real engines. *found*: the rule said so; *silent*: rightly not, for the near miss; a
reason where the surprise cannot be on that engine.

| rule | | {hosts} |
|---|---|{lines}|
"""
NAMES = {"old": "20.10", "mid": "26.1", "new": "28.5", "ctd": "28.5, containerd store"}


def note(config: pytest.Config, rule: str, part: str, host: str, what: str) -> None:
    """Keep what was seen of a rule on a host."""
    if KEY not in config.stash:
        config.stash[KEY] = {}
    config.stash[KEY][(rule, part, host)] = what


def write(session: pytest.Session, rules: list[str]) -> None:
    """Write the table if every rule was played in this session."""
    seen = session.config.stash.get(KEY, {})
    wanted = {
        (rule, part, host) for rule in rules for part in ("surprise", "near") for host in HOSTS
    }
    if not wanted or not wanted <= set(seen) or session.testsfailed:
        return
    head = HEAD.format(
        hosts=" | ".join(NAMES[h] for h in HOSTS), lines="---|" * (len(HOSTS) - 1) + "---"
    )
    rows = []
    for rule in rules:
        for part in ("surprise", "near"):
            name = f"`{rule}`" if part == "surprise" else ""
            cells = " | ".join(seen[(rule, part, host)] for host in HOSTS)
            rows.append(
                f"| {name} | {'surprise' if part == 'surprise' else 'near miss'} | {cells} |"
            )
    text = head + "\n".join(rows) + "\n"
    if not FILE.exists() or FILE.read_text() != text:
        FILE.parent.mkdir(exist_ok=True)
        FILE.write_text(text)
