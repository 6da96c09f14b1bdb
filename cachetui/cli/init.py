"""`cachetui init`: a first hosts.toml, shown before it is written."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from cachetui.config.suggest import builds_toml, hosts_toml
from cachetui.core import UserError
from cachetui.exit_codes import SAME, TROUBLE
from cachetui.report.clean import clean
from cachetui.report.whole_file import whole_file


def init_command(output: Path, *, yes: bool) -> int:
    """Write the user's known machines, and the builds of bake and compose files below, to
    `output`, never over an existing file. Raises `UserError`."""
    if output.exists():
        raise UserError(f"{output} exists already; -o FILE writes another")
    text = hosts_toml()
    if not text:
        raise UserError(
            "neither ~/.ssh/config nor docker's contexts name a machine; "
            "see the project's hosts.example.toml for what a hosts.toml looks like"
        )
    builds = builds_toml(output.absolute().parent)
    text += f"\n{builds}" if builds else ""
    click.echo(clean(text))
    if not yes and not (
        sys.stdin.isatty() and click.confirm(f"Write this to {output}?", default=True, err=True)
    ):
        click.echo(f"{output} was not written; --yes writes it without asking", err=True)
        return TROUBLE
    with whole_file(output) as file:
        file.write_text(text, encoding="utf-8")
    click.echo(f"wrote {output}; cachetui hosts -w NAME tries a host", err=True)
    return SAME
