"""`cachetui explain`: what a surprise is; and `--fail-on`, which makes findings a gate."""

from __future__ import annotations

import difflib
import textwrap
from collections.abc import Sequence

import click

from cachetui.core import UserError
from cachetui.exit_codes import GATE, SAME
from cachetui.findings import RULES, Findings, rule
from cachetui.findings.rule import Rule

WIDTH = 88


def explain_command(surprise: str | None) -> int:
    """Print the rule of that id (or of a finding's name, "base-drift:2"); all ids without one."""
    if surprise is None:
        width = max(len(one.id) for one in RULES)
        for one in RULES:
            click.echo(f"{one.id:<{width}}  {one.title}")
        return SAME
    click.echo(_told(_rule(surprise.partition(":")[0])))
    return SAME


def gate_of(words: Sequence[str]) -> frozenset[str]:
    """The ids that --fail-on names. Raises `UserError` for one that no rule has."""
    names = [name.strip() for word in words for name in word.split(",") if name.strip()]
    return frozenset(_rule(name, "--fail-on ").id for name in names)


def code_with_gate(code: int, findings: Findings, gate: frozenset[str]) -> int:
    """3 when something of the gate was found, else the code there is. Tells what on standard
    error."""
    failed = [one for one in findings.findings if one.id in gate]
    if failed:
        names = ", ".join(f"{one.name} ({one.confidence})" for one in failed)
        click.echo(f"cachetui: --fail-on: found {names}", err=True)
    return GATE if failed else code


def _rule(name: str, where: str = "") -> Rule:
    found = rule(name)
    if found is not None:
        return found
    known = [one.id for one in RULES]
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    near += [one for one in known if name and name in one and one not in near][:3]
    if near:
        raise UserError(
            f"{where}{name!r}: no rule has that id; near it: {', '.join(near)} "
            f"(all: {', '.join(known)})"
        )
    raise UserError(f"{where}{name!r}: no rule has that id; there are {', '.join(known)}")


def _told(one: Rule) -> str:
    """The rule as text: what surprises, how it is told, a Dockerfile that shows it."""
    parts = [
        f"{one.id}: {one.title}",
        "",
        *_wrapped(one.surprise),
        "",
        "A Dockerfile that shows it:",
        "",
        *(f"    {line}" for line in one.example.rstrip("\n").split("\n")),
        "",
        *_wrapped(f"Try it: {one.try_it}"),
        "",
        *_wrapped(f"What to do: {one.advises}"),
        "",
        *_wrapped(f"Said when: {one.applies}"),
        *_wrapped(f"Needs: {one.needs}"),
        *_wrapped(f"Proved by: {one.proves}"),
        "",
        "Written in:",
        *(line for source in one.written for line in _wrapped(source, "  - ")),
    ]
    return "\n".join(parts)


def _wrapped(text: str, first: str = "") -> list[str]:
    rest = " " * len(first)
    return textwrap.wrap(text, WIDTH, initial_indent=first, subsequent_indent=rest)
