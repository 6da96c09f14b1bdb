"""The commands that one begins with; they need no hosts.toml."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from cachetui.cli.failures import or_fail
from cachetui.cli.options import all_option, also_before_the_command, progress_option


@click.command()
@click.option(
    "-o",
    "output",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="The file to write  [default: hosts.toml].",
)
@click.option(
    "--hosts",
    "hosts_file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    callback=also_before_the_command,
    help="The file to write, as with -o.",
)
@click.option("--yes", is_flag=True, help="Write without asking.")
def init(output: Path | None, hosts_file: Path | None, yes: bool) -> None:
    """Write a hosts.toml of the machines you have.

    Takes them from ~/.ssh/config and docker's contexts, without git hosts and bastions; asks
    which, and shows the file first.
    """
    from cachetui.cli.init import init_command

    sys.exit(or_fail(lambda: init_command(output, hosts_file, yes=yes)))


@click.command()
@click.argument("build", type=click.Choice(["shop", "mounts", "share"]), default="shop")
@click.option("--table", is_flag=True, help="Print the table, even in a terminal.")
@all_option
@click.option(
    "--speed",
    metavar="N",
    type=click.FloatRange(0.1, 1000.0),
    default=1.0,
    show_default=True,
    help="Replay N times as fast as it was recorded.",
)
@progress_option(text="How to show progress with the table.")
def demo(build: str, **options: Any) -> None:
    """Show a recorded fleet of real engines.

    Needs no docker and no host. BUILD is shop (the default), mounts, which has a cache mount, or
    share: what each kind of shared cache keeps of shop.
    """
    from cachetui.cli.demo import demo_command

    sys.exit(or_fail(lambda: demo_command(build, **options)))


COMMANDS = (init, demo)
