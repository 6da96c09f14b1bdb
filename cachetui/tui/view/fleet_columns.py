"""The columns of Fleet that can be chosen: facts of hosts, and scenarios. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rich.cells import cell_len

from cachetui.report import units
from cachetui.report.signs import WARNING
from cachetui.tui.view.column import Column
from cachetui.tui.view.several_hosts import mixed, ranged
from cachetui.tui.view.text import Line

if TYPE_CHECKING:
    from cachetui.records.host import HostFacts

FACTS = ("engine", "store", "buildx", "load", "platform")
"""Facts of a host that can have a column."""

_WIDEST = 20


@dataclass(frozen=True, slots=True)
class ColumnChoice:
    """What the user chose: `facts` are shown, `hidden` scenarios are not. The default is all
    scenarios and no facts."""

    facts: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()

    def shows(self, name: str) -> bool:
        """Whether there is a column of a fact or scenario."""
        return name in self.facts if name in FACTS else name not in self.hidden

    def toggled(self, name: str) -> ColumnChoice:
        """The same with the column of a fact or scenario turned on, or off."""
        if name in FACTS:
            wanted = {*self.facts} ^ {name}
            return replace(self, facts=tuple(fact for fact in FACTS if fact in wanted))
        rest = tuple(scenario for scenario in self.hidden if scenario != name)
        return replace(self, hidden=(*rest, name) if rest == self.hidden else rest)


def fact_columns(
    choice: ColumnChoice, arrows: Mapping[str, str], rows: Sequence[Sequence[HostFacts]]
) -> list[Column]:
    """The columns of facts, as wide as what they show of these rows; `arrows` has what stands
    behind the name of that which rows are sorted by."""
    columns: list[Column] = []
    for name in choice.facts:
        title = f"{name.upper()}{arrows.get(name, '')}"
        shown = {text for facts in rows for text, _ in fact_cell(name, facts)}
        longest = max(map(cell_len, (title, *shown)))
        columns.append(Column(name, ("", title), min(longest, _WIDEST)))
    return columns


def fact_cell(name: str, facts: Sequence[HostFacts]) -> Line:
    """What the hosts of a row, as far as their facts are known, have of one."""
    if not facts:
        return ((units.NOTHING, "muted"),)
    if name == "load":
        high = any(each.load is not None and each.load > (each.cores or 1e9) for each in facts)
        text = ranged([each.load for each in facts if each.load is not None], "{:.1f}".format)
        sign = f"{WARNING} " if high else ""
        return ((f"{sign}{text or units.NOTHING}", "warn" if high else ""),)
    return ((mixed([_text(name, each) for each in facts], "").strip(), ""),)


def fact_weight(name: str, facts: Sequence[HostFacts]) -> tuple[float, str]:
    """A sort key: the highest load first, texts by the alphabet, what is not known last."""
    if name == "load":
        return (-max((each.load or 0.0 for each in facts), default=-1.0), "")
    return (0.0, _text(name, facts[0])) if facts else (1.0, "")


def _text(name: str, facts: HostFacts) -> str:
    return str(getattr(facts, name) or "none")
