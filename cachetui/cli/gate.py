"""`--fail-on`: findings that make a command fail."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

import click

from cachetui.core import UserError
from cachetui.exit_codes import GATE
from cachetui.findings import RULES, Findings, rule
from cachetui.findings.rule import Rule


def parse_gate(arguments: Sequence[str]) -> frozenset[str]:
    """The rule ids that --fail-on names. Raises `UserError` for one that no rule has."""
    names: list[str] = []
    for argument in arguments:
        own = [name for word in argument.split(",") if (name := word.strip())]
        if not own:
            raise UserError(f"--fail-on {argument!r} names no rule; cachetui explain lists them")
        names += own
    return frozenset(find_rule(name, "--fail-on ").id for name in names)


def code_with_gate(code: int, findings: Findings, gate: frozenset[str]) -> int:
    """The exit code: 3 when a finding of the gate is reported, which is then named on standard
    error, else `code`."""
    failed = [finding for finding in findings.findings if finding.id in gate]
    if failed:
        names = ", ".join(f"{finding.name} ({finding.confidence})" for finding in failed)
        click.echo(f"cachetui: --fail-on: found {names}", err=True)
    return GATE if failed else code


def find_rule(name: str, where: str = "") -> Rule:
    """The rule of that id. Raises `UserError`, which begins with `where` and suggests others."""
    known_rule = rule(name)
    if known_rule is not None:
        return known_rule
    ids = [each.id for each in RULES]
    close = difflib.get_close_matches(name, ids, n=3, cutoff=0.6)
    close += [id_ for id_ in ids if name and name in id_ and id_ not in close][:3]
    if close:
        raise UserError(
            f"{where}{name!r}: no rule has that id; did you mean {' or '.join(close)}? "
            f"(all: {', '.join(ids)})"
        )
    raise UserError(f"{where}{name!r}: no rule has that id; there are {', '.join(ids)}")
