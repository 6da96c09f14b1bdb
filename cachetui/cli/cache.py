"""The command `cachetui cache` and its options, without heavy imports."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from cachetui.cli import completion, session
from cachetui.cli.args import RunArgs
from cachetui.cli.failures import or_fail
from cachetui.cli.options import (
    dockerfile_options,
    format_option,
    hosts_option,
    output_option,
    store_option,
)
from cachetui.store.place import StorePlace


@click.command()
@click.argument("cache", metavar="REF|FOLDER|IMAGE")
@hosts_option
@store_option
@click.option(
    "--host",
    metavar="NAME",
    shell_complete=completion.hosts,
    help="The host to read it on  [default: the only one there is]",
)
@click.option(
    "--build",
    metavar="BUILD",
    shell_complete=completion.builds,
    help="Also say which steps of this build it has; BUILD is named as for `run`.",
)
@click.option(
    "--image",
    metavar="IMAGE",
    help="An image on the host that was built with this cache: its layers tell which steps of "
    "--build it has.",
)
@dockerfile_options
@format_option("text", "json")
@output_option
def cache(
    cache: str,
    hosts_file: Path | None,
    store_place: StorePlace | None,
    host: str | None,
    build: str | None,
    image: str | None,
    output_format: str,
    output: Path | None,
    dockerfile: str | None,
    target: str | None,
    build_args: tuple[str, ...],
) -> None:
    """Show what a shared cache holds, and how old it is.

    Nothing is built. REF is a cache in a registry (--cache-to type=registry), IMAGE one that has
    its cache inline, FOLDER the absolute path of a local cache on the host. The value of
    --cache-from does as well: type=registry,ref=… or type=local,src=….
    """
    from cachetui.cli.reading_cache import cache_command

    args = RunArgs(dockerfile=dockerfile, target=target, build_args=build_args)
    core = session.open_core(hosts_file, store_place)
    sys.exit(
        or_fail(lambda: cache_command(core, cache, host, build, image, args, output_format, output))
    )
