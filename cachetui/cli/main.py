"""The command line: every command with its options. Heavy imports wait until a command needs them.

Exit codes: see `cachetui.exit_codes`.
"""

from __future__ import annotations

import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import click

from cachetui import __version__
from cachetui.cli import completion, first_steps, reference, session
from cachetui.cli.args import OutputsArgs, ProveArgs, RunArgs, ShowArgs
from cachetui.cli.cache import cache
from cachetui.cli.docker_options import DockerCommand, docker_options
from cachetui.cli.failures import or_fail
from cachetui.cli.help_pages import add_pages
from cachetui.cli.interruptible import InterruptibleGroup
from cachetui.cli.options import (
    audits_option,
    builder_option,
    compare_to_option,
    executor_option,
    findings_options,
    format_option,
    hosts_option,
    log_file_option,
    output_option,
    prove_options,
    report_format_option,
    run_options,
    selection_options,
    store_option,
    verdicts_option,
)
from cachetui.cli.peek import peek
from cachetui.cli.share import share
from cachetui.cli.store_commands import store as store_commands
from cachetui.store.place import StorePlace


@click.group(
    cls=InterruptibleGroup,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, message="cachetui %(version)s")
@hosts_option
@store_option
@executor_option
@click.pass_context
def cli(
    context: click.Context,
    hosts_file: Path | None,
    store_place: StorePlace | None,
    executor: str | None,
) -> None:
    """Why does this build hit its cache on that machine and miss on this one?

    Runs the same docker build on every host of hosts.toml, with the legacy builder and with
    BuildKit, caches cold and warm, and shows what hit step by step. Without a command it opens
    the terminal app.
    """
    if context.invoked_subcommand is None:
        sys.exit(session.run_app(hosts_file, store_place, executor=executor))


@cli.command(cls=DockerCommand)
@click.argument("build", shell_complete=completion.builds)
@hosts_option
@store_option
@executor_option
@selection_options
@run_options
@docker_options
@findings_options
@compare_to_option
@report_format_option
@output_option
def run(
    build: str,
    hosts_file: Path | None,
    store_place: StorePlace | None,
    executor: str | None,
    include: tuple[str, ...],
    exclude: tuple[str, ...],
    **options: Any,
) -> None:
    """Run BUILD on the hosts, and show where they differ.

    BUILD is a name of [builds] in hosts.toml, a folder, a target of a bake or compose file
    (docker-bake.hcl#app, compose.yaml#api), or what docker takes besides a folder: a git URL
    (URL#REF:FOLDER), a tarball or its URL, or - for one on standard input.
    """
    from cachetui.cli.run import run_build_command
    from cachetui.cli.selection import select_audit

    show_args = _show_args(options)
    args = RunArgs(show=show_args, **options)
    core = session.open_core(hosts_file, store_place, executor)
    settings, hosts = or_fail(lambda: select_audit(core, build, args, include, exclude))
    sys.exit(or_fail(lambda: run_build_command(core, settings, hosts, args)))


def _show_args(options: dict[str, Any]) -> ShowArgs:
    """The options of `ShowArgs`, taken out of a command's options."""
    return ShowArgs(**{field.name: options.pop(field.name) for field in fields(ShowArgs)})


@cli.command()
@hosts_option
@store_option
@selection_options
@log_file_option
@format_option("table", "json", "markdown")
@output_option
def hosts(
    hosts_file: Path | None,
    store_place: StorePlace | None,
    include: tuple[str, ...],
    exclude: tuple[str, ...],
    log_file: Path | None,
    output_format: str,
    output: Path | None,
) -> None:
    """Ask every host for its engine, builders, load and disk."""
    from cachetui.cli.hosts import hosts_command
    from cachetui.cli.log_file import logging_to, redactor_of
    from cachetui.cli.selection import select_hosts

    settings = session.load_settings(hosts_file)
    selected = or_fail(
        lambda: select_hosts(settings, include, exclude, lambda: session.open_store(store_place))
    )

    def ask() -> int:
        with logging_to(log_file, redactor_of(selected)) as logged:
            code = hosts_command(selected, output_format, output)
        return logged.exit_code(code)

    sys.exit(or_fail(ask))


@cli.command()
@hosts_option
@selection_options
@store_option
@builder_option
@click.option("--yes", is_flag=True, help="Remove without asking.")
def clean(
    hosts_file: Path | None,
    include: tuple[str, ...],
    exclude: tuple[str, ...],
    store_place: StorePlace | None,
    builder: str | None,
    yes: bool,
) -> None:
    """Remove what audits left on the hosts.

    Removes nothing else; lists it and asks first.
    """
    from cachetui.cli.clean import clean_command
    from cachetui.cli.selection import on_builder, select_hosts

    settings = session.load_settings(hosts_file)
    store = session.open_store(store_place)
    selected = or_fail(lambda: select_hosts(settings, include, exclude, lambda: store))
    hosts = or_fail(lambda: on_builder(selected, builder))
    sys.exit(clean_command(hosts, store, yes=yes))


@cli.command()
@store_option
@format_option("table", "json")
@audits_option("--delete", "Delete this audit.")
@audits_option("--pin", "Never remove this audit to make room.")
@audits_option("--unpin", "Take back --pin.")
@verdicts_option
def history(store_place: StorePlace | None, output_format: str, **changes: Any) -> None:
    """List the stored audits, newest first, with the odd host of each (≠)."""
    from cachetui.cli.history import history_command

    store = session.open_store(store_place)
    sys.exit(or_fail(lambda: history_command(store, output_format, **changes)))


@cli.command()
@click.argument("audit", default="last", shell_complete=completion.audits)
@store_option
@findings_options
@compare_to_option
@report_format_option
@output_option
def show(audit: str, store_place: StorePlace | None, **options: Any) -> None:
    """Show a stored AUDIT again.

    AUDIT is its id, the beginning of it, or "last". Needs no host.
    """
    from cachetui.cli.show import show_command

    store = session.open_store(store_place)
    sys.exit(or_fail(lambda: show_command(store, audit, ShowArgs(**options))))


@cli.command()
@click.argument("finding", shell_complete=completion.findings)
@hosts_option
@store_option
@prove_options
@log_file_option
@format_option("text", "json")
def prove(
    finding: str,
    hosts_file: Path | None,
    store_place: StorePlace | None,
    context_folder: Path,
    dockerfile: str,
    build_args: tuple[str, ...],
    log_file: Path | None,
    **options: Any,
) -> None:
    """Prove FINDING by an experiment.

    Changes one thing back, builds again, and sees whether it hits. Prints what it will run, and
    asks. Exits with 0 when the finding is proved, 1 when it is withdrawn, 2 when it stays
    undecided.
    """
    from cachetui.cli.log_file import logging_to, redactor_of
    from cachetui.cli.prove import context_build, prove_command
    from cachetui.cli.selection import parse_build_args

    core = session.open_core(hosts_file, store_place)
    build = or_fail(lambda: context_build(context_folder, dockerfile))
    pairs = or_fail(lambda: parse_build_args(build_args))
    args = ProveArgs(build_args=tuple(pairs), **options)

    def experiment() -> int:
        given = [*pairs, *(pair for each in builds for pair in each.build_args.items())]
        with logging_to(log_file, redactor_of(core.settings.hosts, given)) as logged:
            code = prove_command(core, finding, build, args)
        return logged.exit_code(code)

    builds = [build, *core.settings.builds.values()]
    sys.exit(or_fail(experiment))


@cli.command()
@click.argument("audit", shell_complete=completion.audits)
@click.argument("host", shell_complete=completion.hosts_of_audit)
@click.argument("scenario", shell_complete=completion.scenarios_of_audit)
@click.option("--step", metavar="LINE", type=int, help="Only the step at this Dockerfile line.")
@click.option(
    "--repeat", type=click.IntRange(1), default=1, show_default=True, help="Which of the repeats."
)
@click.option("--commands", is_flag=True, help="The commands that ran, instead of the log.")
@store_option
def log(
    audit: str, host: str, scenario: str, store_place: StorePlace | None, **options: Any
) -> None:
    """Print the log of one run of a stored AUDIT."""
    from cachetui.cli.log import log_command

    store = session.open_store(store_place)
    sys.exit(or_fail(lambda: log_command(store, audit, host, scenario, **options)))


@cli.command()
@click.argument("runs", metavar="[RUN]...", nargs=-1, shell_complete=completion.runs)
@hosts_option
@store_option
@click.option("--strict", is_flag=True, help="Also compare timestamps and builder metadata.")
@click.option("--ignore", metavar="GLOB", multiple=True, help="Ignore differences in these paths.")
@click.option("--file", "opened", metavar="PATH", help="Show how this file differs.")
@click.option(
    "--all", "show_all", is_flag=True, help="List all paths, not only the first of each step."
)
@format_option("table", "json", "markdown")
@output_option
def outputs(
    runs: tuple[str, ...], hosts_file: Path | None, store_place: StorePlace | None, **options: Any
) -> None:
    """Is it the same image? Compare file by file.

    Compares the images of RUNs with that of the first.

    RUN is AUDIT (all its runs; by default the last audit), AUDIT/HOST, AUDIT/HOST/SCENARIO, or
    HOST/SCENARIO of the last audit. HOST and SCENARIO may be globs; #2 at the end is the second
    repeat. The audit must have run with --outputs. Exits with 0 when the images are the same, 1
    when they differ, 2 when there is nothing to compare.
    """
    from cachetui.cli.outputs import outputs_command

    core = session.open_core_without_hosts(hosts_file, store_place)
    args = OutputsArgs(**options)
    sys.exit(or_fail(lambda: outputs_command(core.store, core.settings, runs, args)))


@cli.command("open")
@click.argument("audit", shell_complete=completion.audits)
@hosts_option
@store_option
def open_audit(audit: str, hosts_file: Path | None, store_place: StorePlace | None) -> None:
    """Open a stored AUDIT in the terminal app.

    AUDIT is its id, the beginning of it, or "last".
    """
    from cachetui.cli.stored import resolve_audit

    store = session.open_store(store_place)
    name = or_fail(lambda: resolve_audit(store, audit))
    store.close()
    sys.exit(session.run_app(hosts_file, store_place, name))


cli.add_command(cache)
cli.add_command(peek)
cli.add_command(share)
cli.add_command(store_commands)
for command in (*first_steps.COMMANDS, *reference.COMMANDS):
    cli.add_command(command)
add_pages(cli)
