"""Which build of a bake or compose file is meant: asked in a terminal where it has several."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from cachetui.config.bake_file import Found, SeveralBuilds, read_target
from cachetui.report.clean import clean_line


def chosen_target(source: str, here: Path | None = None) -> Found:
    """The target `FILE#TARGET`, as `read_target` gives it, read in the folder `here`; without a
    name, the one that the user chooses. Raises `ConfigError`: outside of a terminal nobody can be
    asked."""
    try:
        return read_target(source, here)
    except SeveralBuilds as several:
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            raise
        for number, choice in enumerate(several.choices, 1):
            click.echo(f"{number:3} {clean_line(choice)}", err=True)
        kind = click.IntRange(1, len(several.choices))
        number = click.prompt("Which of these builds", type=kind, err=True)
        return read_target(several.choices[number - 1], here)
