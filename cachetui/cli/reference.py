"""The commands that tell what cachetui knows and where it keeps things; they need no host."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from cachetui.cli import completion
from cachetui.cli.failures import or_fail
from cachetui.cli.options import hosts_option, store_option
from cachetui.store.place import StorePlace


@click.command()
@click.argument("name", metavar="[ID]", required=False, shell_complete=completion.rules)
def explain(name: str | None) -> None:
    """Explain a known cause of cache misses.

    Shows a small Dockerfile that has it, and what to do. Without an ID lists all causes.
    """
    from cachetui.cli.explain import explain_command

    sys.exit(or_fail(lambda: explain_command(name)))


@click.command("keys")
def keys_command() -> None:
    """Print the keys of the terminal app.

    Each with its id, by which app.toml changes it.
    """
    from cachetui.cli.places import format_keys

    click.echo("\n".join(format_keys()))


@click.command()
def schema() -> None:
    """Print the JSON Schema of `--format json`."""
    import json

    from cachetui.report.formats.json import schema as json_schema

    click.echo(json.dumps(json_schema(), indent=2))


@click.command()
@hosts_option
@store_option
def paths(hosts_file: Path | None, store_place: StorePlace | None) -> None:
    """Print where settings and results are."""
    from cachetui.cli.places import format_paths

    click.echo("\n".join(format_paths(hosts_file, store_place)))


@click.command("completion")
@click.argument("shell", type=click.Choice(completion.SHELLS))
@click.pass_context
def completion_command(context: click.Context, shell: str) -> None:
    """Print the script that completes cachetui in SHELL.

    It completes commands and options; builds and hosts of hosts.toml; audits, runs and findings of
    the store.
    """
    click.echo(completion.script(shell, context.find_root().command))


COMMANDS = (explain, keys_command, schema, paths, completion_command)
