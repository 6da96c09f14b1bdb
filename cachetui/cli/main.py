"""The command line. Owns exit codes and standard error; heavy imports wait until needed.

Exit codes: 0 all runs ended and the hosts agree, 1 they differ, 2 trouble, 3 a finding of
--fail-on, 130 interrupted.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

from cachetui import __version__
from cachetui.exit_codes import INTERRUPTED, TROUBLE

if TYPE_CHECKING:
    from cachetui.config.settings import Settings
    from cachetui.core import Core
    from cachetui.store.database import Store

_F = TypeVar("_F", bound=Callable[..., Any])

hosts_option = click.option(
    "--hosts",
    "hosts_file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="The hosts.toml to read [default: ./hosts.toml, else the user's configuration folder].",
)
store_option = click.option(
    "--store",
    "store_folder",
    metavar="FOLDER",
    envvar="CACHETUI_STORE",
    type=click.Path(path_type=Path),
    help="Where results are kept [default: the user's cache folder].",
)
output_option = click.option(
    "-o", "output", metavar="FILE", type=click.Path(path_type=Path), help="Write the result there."
)


def choice_options(function: _F) -> _F:
    """Which hosts: -w and -x."""
    function = click.option(
        "-x", "exclude", metavar="NAMES|@TAG", multiple=True, help="Leave these hosts out."
    )(function)
    return click.option(
        "-w",
        "include",
        metavar="NAMES|@TAG",
        multiple=True,
        help="Only these hosts: names, globs, ranges as ci-[1-12], or @tag.",
    )(function)


def format_option(*formats: str) -> Callable[[_F], _F]:
    """`--format`, the first one being the default."""
    return click.option(
        "--format", "form", type=click.Choice(formats), default=formats[0], show_default=True
    )


def _most(_context: click.Context, _option: click.Parameter, word: str) -> int | None:
    """How many findings are told: a number, "all" (None) or "none" (0)."""
    if word.isdigit():
        return int(word)
    if word not in ("all", "none"):
        raise click.BadParameter(f"{word!r}: a number is right, or all, or none")
    return None if word == "all" else 0


def findings_options(function: _F) -> _F:
    """How much is said of why, and which findings make the command fail."""
    function = click.option(
        "--fail-on",
        metavar="ID,…",
        multiple=True,
        help="Exit 3 if one of these is found (`cachetui explain` lists them).",
    )(function)
    return click.option(
        "--findings",
        "most",
        metavar="N|all|none",
        callback=_most,
        default="3",
        show_default=True,
        help="How many findings table and Markdown tell, those that cost most first.",
    )(function)


@click.group(
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, message="cachetui %(version)s")
@hosts_option
@store_option
@click.pass_context
def cli(context: click.Context, hosts_file: Path | None, store_folder: Path | None) -> None:
    """Why does this build hit its cache on that machine and miss on this one?

    Runs the same docker build on every host of hosts.toml, with the legacy builder and with
    BuildKit, caches cold and warm, and shows what hit step by step. Without a command it opens
    the terminal app.
    """
    if context.invoked_subcommand is None:
        sys.exit(_app(hosts_file, store_folder))


@cli.command()
@click.argument("build")
@hosts_option
@store_option
@choice_options
@click.option("-f", "--file", "dockerfile", metavar="FILE", help="The Dockerfile, as for docker.")
@click.option("--target", metavar="STAGE", help="The stage to build.")
@click.option("--build-arg", "build_args", metavar="NAME=VALUE", multiple=True)
@click.option("--network", type=click.Choice(["default", "none", "host"]))
@click.option("--scenarios", metavar="NAMES", multiple=True, help="Only these scenarios, by comma.")
@click.option(
    "--as-found", is_flag=True, help="Also what each host does today, with its own cache."
)
@click.option("--repeat", type=click.IntRange(1), default=1, show_default=True)
@click.option("--fresh", is_flag=True, help="Use no stored run.")
@click.option("--outputs", is_flag=True, help="Also compare what came out, file by file.")
@click.option(
    "--max-age",
    metavar="AGE",
    default="1d",
    show_default=True,
    help="How old a stored run may be: seconds, or 30m, 12h, 7d.",
)
@click.option("--dry-run", is_flag=True, help="Print every command for every host, and stop.")
@click.option(
    "--progress",
    type=click.Choice(["auto", "plain", "quiet"]),
    default="auto",
    show_default=True,
)
@findings_options
@format_option("table", "json", "markdown", "html")
@output_option
def run(build: str, **given: Any) -> None:
    """Run BUILD, a name of [builds] or a folder, on the hosts, and show where they part ways."""
    from cachetui.cli import arguments as asked
    from cachetui.cli.run import run_build_command

    core = _or_fail(lambda: _core(given["hosts_file"], given["store_folder"]))
    settings = _or_fail(lambda: asked.build(core.settings, build, given))
    hosts = _or_fail(lambda: asked.hosts(core.settings, given["include"], given["exclude"]))
    sys.exit(_or_fail(lambda: run_build_command(core, settings, hosts, given)))


@cli.command()
@hosts_option
@choice_options
@format_option("table", "json", "markdown")
@output_option
def hosts(**given: Any) -> None:
    """Ask every host for its facts: engine, store, backends, load, disk."""
    from cachetui.cli import arguments as asked
    from cachetui.cli.hosts import hosts_command

    settings = _settings(given["hosts_file"])
    chosen = _or_fail(lambda: asked.hosts(settings, given["include"], given["exclude"]))
    sys.exit(hosts_command(chosen, given["form"], given["output"]))


@cli.command()
@hosts_option
@choice_options
@click.option("--yes", is_flag=True, help="Remove without asking.")
def clean(**given: Any) -> None:
    """Remove what audits left on the hosts, as far as it can be proved ours; asks first."""
    from cachetui.cli import arguments as asked
    from cachetui.cli.clean import clean_command

    settings = _settings(given["hosts_file"])
    chosen = _or_fail(lambda: asked.hosts(settings, given["include"], given["exclude"]))
    sys.exit(clean_command(chosen, yes=given["yes"]))


@cli.command()
@store_option
@format_option("table", "json")
@click.option("--delete", metavar="AUDIT", multiple=True, help="Forget this audit.")
def history(store_folder: Path | None, form: str, delete: tuple[str, ...]) -> None:
    """List the audits that are kept, newest first."""
    from cachetui.cli.history import history_command

    store = _store(store_folder)
    sys.exit(_or_fail(lambda: history_command(store, form, delete)))


@cli.command()
@click.argument("audit", default="last")
@store_option
@findings_options
@format_option("table", "json", "markdown", "html")
@output_option
def show(audit: str, store_folder: Path | None, **given: Any) -> None:
    """Show a kept AUDIT again (its id, the beginning of it, or "last"), without any host."""
    from cachetui.cli.history import show_command

    store = _store(store_folder)
    sys.exit(_or_fail(lambda: show_command(store, audit, given)))


@cli.command()
@click.argument("surprise", metavar="[ID]", required=False)
def explain(surprise: str | None) -> None:
    """Tell about a surprise of caches, with a small Dockerfile that shows it; lists them all
    without an ID."""
    from cachetui.cli.explain import explain_command

    sys.exit(_or_fail(lambda: explain_command(surprise)))


@cli.command()
@click.argument("finding")
@hosts_option
@store_option
@click.option("--audit", default="last", show_default=True, help="The audit that has it.")
@click.option("--host", metavar="NAME", help="On this host [default: the first that missed].")
@click.option(
    "--context",
    metavar="FOLDER",
    type=click.Path(path_type=Path),
    default=Path(),
    help="The folder that was built, if no host has it any more [default: this one].",
)
@click.option("-f", "--file", "dockerfile", metavar="FILE", default="Dockerfile")
@click.option(
    "--build-arg",
    "build_args",
    metavar="NAME=VALUE",
    multiple=True,
    help="A value of a build argument, of now or before: values are not kept.",
)
@click.option("--yes", is_flag=True, help="Run without asking.")
@click.option("--dry-run", is_flag=True, help="Print every command, and stop.")
@click.option("--progress", type=click.Choice(["auto", "quiet"]), default="auto")
@format_option("text", "json")
def prove(finding: str, **given: Any) -> None:
    """Prove FINDING by an experiment: change one thing back, build again, see whether it hits.

    Says what it will run, and asks. Exits with 0 when the finding is proved, 1 when it is
    withdrawn, 2 when it stays undecided.
    """
    from cachetui.cli import arguments as asked
    from cachetui.cli.prove import prove_command
    from cachetui.config.settings import folder_build

    core = _or_fail(lambda: _core(given["hosts_file"], given["store_folder"]))
    build = folder_build(given["context"])
    if given["dockerfile"] != "Dockerfile":
        import msgspec

        build = msgspec.structs.replace(build, dockerfile=given["dockerfile"])
    given["arguments"] = _or_fail(lambda: asked.pairs(given["build_args"]))
    sys.exit(_or_fail(lambda: prove_command(core, finding, build, given)))


@cli.command()
@click.argument("audit")
@click.argument("host")
@click.argument("scenario")
@click.option("--step", metavar="LINE", type=int, help="Only the step at this Dockerfile line.")
@click.option("--repeat", type=click.IntRange(1), default=1)
@click.option("--commands", is_flag=True, help="The commands that ran, instead of the log.")
@store_option
def log(audit: str, host: str, scenario: str, **given: Any) -> None:
    """Print the log of one run of a kept AUDIT."""
    from cachetui.cli.history import log_command

    store = _store(given.pop("store_folder"))
    sys.exit(_or_fail(lambda: log_command(store, audit, host, scenario, **given)))


@cli.command()
@click.argument("runs", metavar="[RUN]...", nargs=-1)
@hosts_option
@store_option
@click.option("--strict", is_flag=True, help="Mind times and the builder's bookkeeping too.")
@click.option("--ignore", metavar="GLOB", multiple=True, help="Paths whose differences are none.")
@click.option("--file", "opened", metavar="PATH", help="Show how this file differs.")
@click.option("--all", "all", is_flag=True, help="List all paths, not the first of each step.")
@format_option("table", "json", "markdown")
@output_option
def outputs(runs: tuple[str, ...], **given: Any) -> None:
    """Is it the same image? Compare what RUNs made, file by file, with that of the first.

    RUN is AUDIT (the last one by default: all its runs), AUDIT/HOST, AUDIT/HOST/SCENARIO, or
    HOST/SCENARIO of the last; HOST and SCENARIO may be globs, and #2 behind them is the second
    repeat. The audit must have run with --outputs. Exit 0 the same, 1 different, 2 trouble.
    """
    from cachetui.cli.outputs import outputs_command

    core = _or_fail(lambda: _core(given["hosts_file"], given["store_folder"], need_hosts=False))
    sys.exit(_or_fail(lambda: outputs_command(core.store, core.settings, runs, given)))


@cli.command()
@click.option("-o", "output", type=click.Path(path_type=Path), default=Path("hosts.toml"))
@click.option("--yes", is_flag=True, help="Write without asking.")
def init(output: Path, yes: bool) -> None:
    """Write a hosts.toml from ~/.ssh/config and docker's contexts; shows it first."""
    from cachetui.cli.init import init_command

    sys.exit(_or_fail(lambda: init_command(output, yes=yes)))


@cli.command()
@click.argument("build", type=click.Choice(["shop", "mounts"]), default="shop")
@click.option("--table", is_flag=True, help="Print the table, also in a terminal.")
@click.option(
    "--speed",
    metavar="N",
    type=click.FloatRange(0.1, 1000.0),
    default=1.0,
    show_default=True,
    help="Replay N times as fast as it was recorded.",
)
@click.option("--progress", type=click.Choice(["auto", "plain", "quiet"]), default="auto")
def demo(build: str, **given: Any) -> None:
    """Show a fleet that was recorded on real engines: no docker and no host is needed.

    BUILD is shop (default), or mounts, which has a cache mount.
    """
    from cachetui.cli.demo import demo_command

    sys.exit(_or_fail(lambda: demo_command(build, run_defaults(), **given)))


@cli.command("open")
@click.argument("audit")
@hosts_option
@store_option
def open_audit(audit: str, hosts_file: Path | None, store_folder: Path | None) -> None:
    """Open AUDIT, or the start of its name, in the terminal app."""
    from cachetui.cli.history import resolve

    store = _store(store_folder)
    name = _or_fail(lambda: resolve(store, audit))
    store.close()
    sys.exit(_app(hosts_file, store_folder, name))


@cli.command("keys")
def keys_command() -> None:
    """Print the keys of the terminal app with their ids, by which app.toml changes them."""
    from cachetui.tui import preferences
    from cachetui.tui.view import key_tables

    click.echo(f'# {preferences.path_of_file()}:  [keys]  id = "key"')
    for title, entries in key_tables.sheet():
        click.echo(f"\n# {title}")
        for shown, what, name in entries:
            click.echo(f"{name:<22} {shown:<16} {what}")


@cli.command()
def schema() -> None:
    """Print the JSON Schema of `--format json`."""
    import json

    from cachetui.report.jsonout import schema as json_schema

    click.echo(json.dumps(json_schema(), indent=2))


@cli.command()
@store_option
def paths(store_folder: Path | None) -> None:
    """Print where settings and results are."""
    from cachetui.config import hosts_toml as config
    from cachetui.store.database import default_folder

    for name, path in zip(("hosts", "hosts, else"), config.places(), strict=True):
        click.echo(f"{name}\t{path.absolute()}\t{'found' if path.exists() else 'not there'}")
    liked = config.places()[-1].with_name("app.toml")
    click.echo(f"keys and theme\t{liked}\t{'found' if liked.exists() else 'not there'}")
    click.echo(f"results\t{(store_folder or default_folder()).absolute()}")


# What the commands share


def run_defaults() -> dict[str, Any]:
    """What `cachetui run FOLDER` is given when nothing else is said."""
    return dict(run.make_context("run", ["."]).params)


def fail(message: str) -> NoReturn:
    """Say what is wrong on standard error and exit 2."""
    from cachetui.report.clean import clean

    click.echo(f"cachetui: {clean(message)}", err=True)
    sys.exit(TROUBLE)


_T = TypeVar("_T")


def _or_fail(work: Callable[[], _T]) -> _T:
    """Do the work; what the user can mend is told in one message, exit 2."""
    from cachetui.config.toml_table import ConfigError
    from cachetui.core import UserError
    from cachetui.hosts.machine import HostError
    from cachetui.store.plain_cache import StoreError

    try:
        return work()
    except (ConfigError, UserError, StoreError, OSError) as error:
        fail(str(error))
    except HostError as error:
        fail(f"{error}; {error.remedy}" if error.remedy else str(error))


def _settings(hosts_file: Path | None) -> Settings:
    from cachetui.config import hosts_toml as config

    return _or_fail(lambda: config.load(hosts_file))


def _store(folder: Path | None) -> Store:
    from cachetui.store.database import Store

    return _or_fail(lambda: Store(folder))


def _core(hosts_file: Path | None, store_folder: Path | None, need_hosts: bool = True) -> Core:
    """The core. Raises what `_or_fail` tells."""
    from cachetui.config import hosts_toml as config
    from cachetui.config.settings import Settings
    from cachetui.core import Core
    from cachetui.store.database import Store

    if need_hosts or hosts_file is not None or config.find() is not None:
        settings = config.load(hosts_file)
    else:
        settings = Settings(path=None, hosts=(), builds={})
    return Core(settings, Store(store_folder))


def _app(hosts_file: Path | None, store_folder: Path | None, audit: str | None = None) -> int:
    """Run the app; settings and store are read once something is on the screen."""
    from cachetui.tui import run_app

    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        fail("the app needs a terminal; cachetui --help names the commands that need none")
    code = _or_fail(lambda: run_app(lambda: _core(hosts_file, store_folder, False), audit=audit))
    return end_at_once(code) if code == INTERRUPTED else code


def end_at_once(code: int) -> NoReturn:
    """End the process without tidying memory up: threads of an audit that was left still wait for
    their hosts, and whoever pressed Ctrl-C for a prompt. What is done was stored when it was."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
