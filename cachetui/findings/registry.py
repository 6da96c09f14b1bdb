"""All rules: each module of `findings/rules` is one."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

import msgspec

from cachetui.findings import rules
from cachetui.findings.record import Finding
from cachetui.findings.rule import Rule
from cachetui.findings.suspect import Suspect
from cachetui.records.from_json import decoder


def _discover() -> tuple[Rule, ...]:
    """The `RULE` of each module, sorted by its own `order`. Raises TypeError for a module without
    one."""
    discovered: list[Rule] = []
    for info in iter_modules(rules.__path__):
        found = getattr(import_module(f"{rules.__name__}.{info.name}"), "RULE", None)
        if not isinstance(found, Rule):
            raise TypeError(f"findings/rules/{info.name}.py has no RULE")
        discovered.append(found)
    return tuple(sorted(discovered, key=lambda made: (made.order, made.id)))


RULES: tuple[Rule, ...] = _discover()


def rule(name: str) -> Rule | None:
    """The rule of that id, or that once had it."""
    return next((made for made in RULES if name in (made.id, *made.former_ids)), None)


def suspect_of(finding: Finding) -> Suspect | None:
    """The suspect of a finding as its rule's type, None where it has none. Raises
    `msgspec.ValidationError` for one that is not of that type."""
    made = rule(finding.id)
    if made is None or made.suspect is None or not finding.suspect:
        return None
    decoder(made.suspect)
    return msgspec.convert(finding.suspect, made.suspect)
