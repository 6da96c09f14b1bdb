"""Runs that were chosen to be shown, and what they are called. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cachetui.tui.view import signs

if TYPE_CHECKING:
    from cachetui.tui.view.fleet_rows import CellKey


@dataclass(frozen=True, slots=True)
class Pick:
    """A chosen run: its audit, and its cell there. The run itself may not have ended yet."""

    audit: str
    host: str
    scenario: str
    repeat: int = 1

    @property
    def key(self) -> CellKey:
        return (self.host, self.scenario, self.repeat)


@dataclass(frozen=True, slots=True)
class Alike:
    """The hosts that a pick stands for, which behave alike, and their name: "12× ci-[1-12]"."""

    name: str
    hosts: tuple[str, ...]

    @classmethod
    def of(cls, hosts: Sequence[str], name: str) -> Alike:
        return cls(f"{len(hosts)}× {name}", tuple(hosts))


def titles(picks: Sequence[Pick], alike: Mapping[Pick, Alike]) -> list[str]:
    """A short name for each pick, with only what distinguishes it from the others."""
    hosts = len({p.host for p in picks}) > 1
    scenarios = len({p.scenario for p in picks}) > 1
    repeats = len({p.repeat for p in picks}) > 1
    audits = len({p.audit for p in picks}) > 1
    made: list[str] = []
    for p in picks:
        words: list[str] = []
        if hosts or not scenarios:
            words.append(alike[p].name if p in alike else p.host)
        if scenarios:
            words.append(signs.short_scenario(p.scenario))
        if repeats:
            words.append(f"#{p.repeat}")
        if audits:
            words.append(f"@{p.audit.rsplit('-', 1)[-1]}")
        made.append(" ".join(words))
    return made
