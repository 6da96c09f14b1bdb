"""The options of commands: those that several share, and the long lists of `run` and `prove`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from cachetui.cli import completion
from cachetui.cli.place_of_store import PlaceOfStore
from cachetui.report import formats

_V = TypeVar("_V")
_F = TypeVar("_F", bound=Callable[..., Any])


def also_before_the_command(
    context: click.Context, option: click.Parameter, value: _V | None
) -> _V | None:
    """The value of an option that may stand before the command too. What stands after the command
    was given last, so it wins; what stands before it wins over the environment."""
    name = option.name or ""
    if context.get_parameter_source(name) is ParameterSource.COMMANDLINE or not context.parent:
        return value
    given: _V | None = context.parent.params.get(name)
    return value if given is None else given


hosts_option = click.option(
    "--hosts",
    "hosts_file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    callback=also_before_the_command,
    help="The hosts.toml to read [default: ./hosts.toml, then the user's configuration folder].",
)
store_option = click.option(
    "--store",
    "store_place",
    metavar="FOLDER|URL",
    envvar="CACHETUI_STORE",
    type=PlaceOfStore(),
    callback=also_before_the_command,
    help="Where results are stored: a folder, or a team's database at postgresql://… "
    "[default: the user's cache folder].",
)
executor_option = click.option(
    "--executor",
    metavar="processes[:N]|dask://HOST:PORT",
    envvar="CACHETUI_EXECUTOR",
    callback=also_before_the_command,
    help="Have N processes of this machine audit the hosts (one a core without N), or the workers "
    "of this Dask cluster [default: threads of one process].",
)
output_option = click.option(
    "-o",
    "output",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write the result to FILE.",
)


def audits_option(name: str, text: str) -> Callable[[_F], _F]:
    """An option that names audits; `text` is for `--help`."""
    return click.option(
        name, metavar="AUDIT", multiple=True, shell_complete=completion.audits, help=text
    )


def selection_options(function: _F) -> _F:
    """Which hosts: -w and -x."""
    function = click.option(
        "-x",
        "exclude",
        metavar="NAMES|@TAG",
        multiple=True,
        shell_complete=completion.hosts,
        help="Leave these hosts out.",
    )(function)
    return click.option(
        "-w",
        "include",
        metavar="NAMES|@TAG",
        multiple=True,
        shell_complete=completion.hosts,
        help="Only these hosts: names, globs, ranges such as ci-[1-12], or @tag; @failed and "
        "@unreachable are those of the last audit that built.",
    )(function)


def format_option(*names: str) -> Callable[[_F], _F]:
    """`--format`; the first name is the default."""
    return click.option(
        "--format",
        "output_format",
        type=click.Choice(names),
        default=names[0],
        show_default=True,
        help="The format of the result.",
    )


def report_format_option(function: _F) -> _F:
    """`--format` with every format of an audit's report."""
    return format_option(*formats.names())(function)


def _limit(_context: click.Context, _option: click.Parameter, text: str) -> int | None:
    """How many to show: a number, "all" (None) or "none" (0)."""
    if text.isdecimal():
        return int(text)
    if text not in ("all", "none"):
        raise click.BadParameter(f"{text!r} is not a number, 'all' or 'none'")
    return None if text == "all" else 0


all_option = click.option(
    "--all",
    "all_tables",
    is_flag=True,
    help="Show every step of every scenario, all notes and evidence (in the table).",
)


verdicts_option = click.option(
    "--verdicts",
    metavar="N|all|none",
    callback=_limit,
    default="20",
    show_default=True,
    help="For how many audits, newest first, to say whether their hosts agree.",
)


fail_on_option = click.option(
    "--fail-on",
    metavar="ID,…",
    multiple=True,
    shell_complete=completion.rules,
    help="Exit with 3 if one of these findings is reported (`cachetui explain` lists them).",
)


compare_to_option = click.option(
    "--compare-to",
    metavar="AUDIT|last",
    shell_complete=completion.audits,
    help="Exit with 1 if a step that hit in that audit misses now, or takes longer than noise "
    "explains; else with 0, even if hosts differ.",
)


def progress_option(
    default: str = "auto",
    text: str = "How to show progress: a live table, plain lines, or nothing.",
) -> Callable[[_F], _F]:
    """How to show progress; `text` is for `--help`."""
    return click.option(
        "--progress",
        type=click.Choice(["auto", "plain", "quiet"]),
        default=default,
        show_default=True,
        help=text,
    )


def findings_options(function: _F) -> _F:
    """How much to show, and which findings make the command fail."""
    function = fail_on_option(all_option(function))
    return click.option(
        "--findings",
        "max_findings",
        metavar="N|all|none",
        callback=_limit,
        default="4",
        show_default=True,
        help="How many findings to show, most expensive first.",
    )(function)


def _all_of(*options: Callable[[_F], _F]) -> Callable[[_F], _F]:
    """One decorator that adds these options, which `--help` lists in this order."""

    def decorate(function: _F) -> _F:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


log_file_option = click.option(
    "--log-file",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Append what happens on each host to FILE, in detail; without secret values.",
)

dockerfile_options = _all_of(
    click.option(
        "-f",
        "--file",
        "dockerfile",
        metavar="FILE",
        help="Path to the Dockerfile (as docker build -f).",
    ),
    click.option("--target", metavar="STAGE", help="The stage to build."),
    click.option(
        "--build-arg",
        "build_args",
        metavar="NAME=VALUE",
        multiple=True,
        help="Set a build argument; NAME alone takes its value from the environment.",
    ),
)
"""Which steps a build has."""

builder_option = click.option(
    "--builder", metavar="NAME", help="The builder of buildx on each host, or a docker context."
)
"""Whose caches are meant."""

build_options = _all_of(
    dockerfile_options,
    click.option(
        "--network",
        type=click.Choice(["default", "none", "host"]),
        help="The network of RUN steps (as docker build --network).",
    ),
    builder_option,
)
"""What to build."""

run_options = _all_of(
    build_options,
    click.option(
        "--scenarios",
        metavar="NAMES",
        multiple=True,
        shell_complete=completion.scenarios,
        help="Comma-separated scenarios to run.",
    ),
    click.option(
        "--as-found",
        is_flag=True,
        help="Also run the build as each host would today, with its own cache; together with "
        "--scenarios, only with the builders that these use.",
    ),
    click.option(
        "--repeat",
        type=click.IntRange(1),
        default=1,
        show_default=True,
        help="How many times to run each scenario.",
    ),
    click.option("--fresh", is_flag=True, help="Ignore stored results; run everything."),
    click.option("--outputs", is_flag=True, help="Also compare the images, file by file."),
    click.option(
        "--check-stale",
        is_flag=True,
        help="With --cache-from, or cache_from of the build: build with it and without any cache, "
        "and say which packages differ. Of --scenarios, runs only those that are named. A host of "
        "the containerd image store keeps the import: its next build may make another image.",
    ),
    click.option(
        "--max-age",
        metavar="AGE",
        help="How old a stored result may be: seconds, or 30m, 12h, 7d  [default: 1d]",
    ),
    click.option(
        "--timeout",
        metavar="TIME",
        help="End a build that takes longer: seconds, or 30m, 2h  [default: build_timeout, 1h]",
    ),
    click.option(
        "--deadline", metavar="TIME", help="Stop the audit after this time, and keep what ended."
    ),
    click.option(
        "--max-fail",
        metavar="N|N%",
        help="Stop when more hosts than this have failed  [default: go on]",
    ),
    click.option(
        "--fan-out",
        type=click.IntRange(1),
        metavar="N",
        help="How many hosts to work on at once  [default: all]",
    ),
    click.option("--dry-run", is_flag=True, help="Print every command for every host, and stop."),
    log_file_option,
    progress_option(),
)
"""What to build and how, and which stored results may stand in (`RunArgs`)."""

prove_options = _all_of(
    click.option(
        "--audit",
        metavar="AUDIT",
        default="last",
        show_default=True,
        shell_complete=completion.audits,
        help="The audit it is from.",
    ),
    click.option(
        "--host",
        metavar="NAME",
        shell_complete=completion.hosts_of_audit,
        help="The host to prove it on [default: the first that missed].",
    ),
    click.option(
        "--context",
        "context_folder",
        metavar="FOLDER|FILE#TARGET",
        type=click.Path(path_type=Path),
        default=Path(),
        help="The build context, if no host has it any more: a folder, or a build of a bake or "
        "compose file [default: the current folder].",
    ),
    click.option(
        "-f",
        "--file",
        "dockerfile",
        metavar="FILE",
        default="Dockerfile",
        show_default=True,
        help="The Dockerfile in that context.",
    ),
    click.option(
        "--build-arg",
        "build_args",
        metavar="NAME=VALUE",
        multiple=True,
        help="Current or earlier value of a build argument (values are never stored).",
    ),
    click.option("--yes", is_flag=True, help="Run without asking."),
    click.option("--dry-run", is_flag=True, help="Print every command, and stop."),
    click.option(
        "--progress",
        type=click.Choice(["auto", "quiet"]),
        default="auto",
        show_default=True,
        help="Whether to print what is being built.",
    ),
)
"""Which finding to prove, where, and how (`ProveArgs`)."""
