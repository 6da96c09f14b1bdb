"""The command `cachetui share` and its options, without heavy imports; `sharing` does the work."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from cachetui.cli import session
from cachetui.cli.args import RunArgs, ShowArgs
from cachetui.cli.docker_options import DockerCommand, docker_options
from cachetui.cli.failures import or_fail
from cachetui.cli.options import (
    build_options,
    findings_options,
    hosts_option,
    log_file_option,
    output_option,
    progress_option,
    report_format_option,
    store_option,
)
from cachetui.store.place import StorePlace


@click.command(cls=DockerCommand)
@click.argument("build")
@hosts_option
@store_option
@click.option(
    "--from",
    "exporter",
    metavar="HOST",
    help="The host that exports  [default: the one that can export most kinds]",
)
@click.option(
    "--to",
    "importers",
    metavar="NAMES|@TAG",
    multiple=True,
    help="The hosts that import, as -w of `run` names them  [default: all others]",
)
@click.option(
    "--kinds",
    metavar="NAMES",
    help="Comma-separated: registry-max, registry-min, local-max, inline  [default: all that the "
    "exporting host can export]",
)
@click.option(
    "--registry",
    metavar="REF",
    help="A repository that may be written to, such as registry.example.com/team/cache. What is "
    "written there has the audit's id in its tag, and is deleted afterwards.",
)
@build_options
@docker_options
@click.option("--dry-run", is_flag=True, help="Say what would be shared, and stop.")
@findings_options
@log_file_option
@progress_option()
@report_format_option
@output_option
def share(
    build: str, hosts_file: Path | None, store_place: StorePlace | None, **options: Any
) -> None:
    """Export BUILD's cache on one host, import it on others, and show what each kind keeps.

    Builds once for each kind on the host that exports, and for each kind and stage on those that
    import. No host's own cache answers or is touched. BUILD is named as for `run`.
    """
    from cachetui.cli.selection import select_build
    from cachetui.cli.sharing import share_command

    names = ("dockerfile", "target", "build_args", "network", "docker_args", "builder")
    args = RunArgs(**{name: options.pop(name) for name in names})
    shown = ("output_format", "output", "max_findings", "fail_on", "all_tables")
    show = ShowArgs(**{name: options.pop(name) for name in shown})
    core = session.open_core(hosts_file, store_place)
    settings = or_fail(lambda: select_build(core.settings, build, args))
    sys.exit(or_fail(lambda: share_command(core, settings, show=show, **options)))
