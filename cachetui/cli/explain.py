"""`cachetui explain`: a known cause of cache misses, with a Dockerfile that shows it."""

from __future__ import annotations

import textwrap

import click

from cachetui.cli.gate import find_rule
from cachetui.exit_codes import SAME
from cachetui.findings import RULES
from cachetui.findings.rule import Rule

WIDTH = 88


def explain_command(name: str | None) -> int:
    """Print the rule of that id, or of a finding's name ("base-drift:2"); without one all ids."""
    if name is None:
        width = max(len(rule.id) for rule in RULES)
        for rule in RULES:
            click.echo(f"{rule.id:<{width}}  {rule.title}")
        return SAME
    click.echo(format_rule(find_rule(name.partition(":")[0])))
    return SAME


def format_rule(rule: Rule) -> str:
    """The rule as text: what surprises, a Dockerfile that shows it, what to do."""
    parts = [
        f"{rule.id}: {rule.title}",
        "",
        *_wrapped(rule.surprise),
        "",
        "A Dockerfile that shows it:",
        "",
        *(f"    {line}" for line in rule.example.rstrip("\n").split("\n")),
        "",
        *_wrapped(f"Try it: {rule.try_it}"),
        "",
        *_wrapped(f"What to do: {rule.advises}"),
        "",
        *_wrapped(f"Reported when: {rule.applies}"),
        *_wrapped(f"Needs: {rule.needs}"),
        *_wrapped(f"Proved by: {rule.proves}"),
        "",
        "Sources:",
        *(line for source in rule.written for line in _wrapped(source, "  - ")),
    ]
    return "\n".join(parts)


def _wrapped(text: str, first: str = "") -> list[str]:
    rest = " " * len(first)
    return textwrap.wrap(text, WIDTH, initial_indent=first, subsequent_indent=rest)
