"""`cachetui init`: a first hosts.toml, chosen from and shown before it is written."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

import click

from cachetui.audit.refused_options import refused_options
from cachetui.cli.failures import tell
from cachetui.config.host_patterns import select
from cachetui.config.hosts_option import hosts_option
from cachetui.config.settings import BuildSettings, HostSettings
from cachetui.config.suggest import Suggestion, builds_toml
from cachetui.config.toml_table import ConfigError
from cachetui.core import UserError
from cachetui.exit_codes import SAME, TROUBLE
from cachetui.hosts.suggest_hosts import suggest_hosts
from cachetui.report.clean import clean, clean_line
from cachetui.report.whole_file import whole_file

ALL = "all"


def init_command(output: Path | None, hosts_file: Path | None, *, yes: bool) -> int:
    """Write the user's known machines, and the builds of bake and compose files below, to `output`
    or, which is the same, `hosts_file`, never over an existing file. Raises `UserError`."""
    if output is not None and hosts_file is not None and output != hosts_file:
        raise UserError(f"-o says {output} and --hosts says {hosts_file}: give one file to write")
    output = output or hosts_file or Path("hosts.toml")
    if output.exists():
        raise UserError(f"{output} exists already; -o FILE writes another")
    suggestion = suggest_hosts()
    if not suggestion.tables and not suggestion.left_out:
        raise UserError(
            "neither ~/.ssh/config nor docker's contexts name a machine; "
            "see the project's hosts.example.toml for what a hosts.toml looks like"
        )
    for name, reason in suggestion.left_out.items():
        tell(f"left out: {name}: {reason}")
    asks = not yes and sys.stdin.isatty()
    chosen = _asked(suggestion) if asks else [*suggestion.tables]
    text = suggestion.text(chosen)
    if not text:
        raise UserError("no build host is left to write; leave --yes out to choose yourself")
    builds = builds_toml(output.absolute().parent, _refused)
    text += f"\n{builds}" if builds else ""
    click.echo(clean(text))
    if not yes and not (asks and click.confirm(f"Write this to {output}?", default=True, err=True)):
        click.echo(f"{output} was not written; --yes writes it without asking", err=True)
        return TROUBLE
    with whole_file(output) as file:
        file.write_text(text, encoding="utf-8")
    click.echo(
        f"wrote {output}; cachetui hosts {hosts_option(output)}-w NAME tries a host", err=True
    )
    return SAME


def _refused(build: BuildSettings) -> str | None:
    """Why no audit of a build is made, whatever stages its Dockerfile has."""
    return refused_options(build, build.docker_args, (), peeks=False)


def _asked(suggestion: Suggestion) -> list[str]:
    """The hosts that the user names, as -w takes them; also of those that were left out."""
    every = [*suggestion.tables, *suggestion.left_out]
    click.echo(f"hosts: {clean_line(', '.join(suggestion.tables)) or 'none'}", err=True)
    while True:
        text = click.prompt(
            "Which ones? Names, globs or ranges, with commas", default=ALL, err=True
        )
        if text.strip() == ALL:
            return [*suggestion.tables]
        try:
            return _named(every, text)
        except ConfigError as error:
            tell(str(error))


def _named(names: Iterable[str], text: str) -> list[str]:
    """Raises `ConfigError` for a pattern that names none."""
    hosts = [HostSettings(name=name, address=name) for name in names]
    return [host.name for host in select(hosts, [text])]
