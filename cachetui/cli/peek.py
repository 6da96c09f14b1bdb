"""The command `cachetui peek` and its options, without heavy imports; `peeking` does the work."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from cachetui.cli import completion, session
from cachetui.cli.args import RunArgs
from cachetui.cli.docker_options import DockerCommand, docker_options_of_peek
from cachetui.cli.failures import or_fail
from cachetui.cli.options import (
    build_options,
    executor_option,
    fail_on_option,
    format_option,
    hosts_option,
    output_option,
    progress_option,
    selection_options,
    store_option,
)
from cachetui.store.place import StorePlace


@click.command(cls=DockerCommand)
@click.argument("build", shell_complete=completion.builds)
@hosts_option
@store_option
@executor_option
@selection_options
@build_options
@docker_options_of_peek
@click.option(
    "--only",
    type=click.Choice(["legacy", "buildkit"]),
    help="The builder whose cache to look at  [default: both]",
)
@fail_on_option
@click.option("--yes", is_flag=True, help="Peek at builds with cache mounts without asking first.")
@click.option(
    "--no-mounts",
    is_flag=True,
    help="Begin no step with a cache mount; such steps, and those built on them, stay undecided.",
)
@click.option(
    "--watch",
    "every",
    metavar="TIME",
    help="Look again every 15m (or 90s, 2h), and print only what changed, until Ctrl-C.",
)
@progress_option("quiet")
@format_option("table", "json", "jsonl", "markdown")
@output_option
def peek(
    build: str,
    hosts_file: Path | None,
    store_place: StorePlace | None,
    executor: str | None,
    include: tuple[str, ...],
    exclude: tuple[str, ...],
    **options: Any,
) -> None:
    """Show what each host's cache holds of BUILD today, without building it.

    Starts the build as its user would, and stops it when the first RUN that misses begins. BUILD
    is named as for `run`.
    """
    from cachetui.cli.peeking import peek_command
    from cachetui.cli.selection import select_audit

    names = ("dockerfile", "target", "build_args", "network", "docker_args", "builder")
    args = RunArgs(**{name: options.pop(name) for name in names})
    core = session.open_core(hosts_file, store_place, executor)
    settings, hosts = or_fail(lambda: select_audit(core, build, args, include, exclude))
    sys.exit(or_fail(lambda: peek_command(core, settings, hosts, **options)))
