"""`cachetui run`: prepare an audit, run it with live progress, and show it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cachetui.cli.args import RunArgs
from cachetui.cli.dry_run import dry_run
from cachetui.cli.gate import code_with_gate, parse_gate
from cachetui.cli.interrupts import in_thread, stopping
from cachetui.cli.live_progress import follow
from cachetui.cli.result import exit_code, write_result
from cachetui.cli.show import show
from cachetui.config.settings import BuildSettings, HostSettings
from cachetui.config.toml_table import ConfigError
from cachetui.core import Core, Options
from cachetui.exit_codes import INTERRUPTED, SAME
from cachetui.outputs.compare_runs import of_document

DEFAULT_MAX_AGE = "1d"

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def run_build_command(
    core: Core, build: BuildSettings, hosts: Sequence[HostSettings], args: RunArgs
) -> int:
    """Run the audit that the command line asks for; returns the exit code."""
    options = Options(
        scenarios=_names(args.scenarios) if args.scenarios else None,
        as_found=args.as_found,
        repeat=args.repeat,
        fresh=args.fresh,
        outputs=args.outputs,
        max_age=_max_age(args),
    )
    _check_output(args.show.output)
    gate = parse_gate(args.show.fail_on)
    audit = core.prepare(build, hosts, options)
    if args.dry_run:
        write_result(dry_run(audit, hosts), args.show.output)
        return SAME
    with follow(audit, args.progress), stopping(audit.stop) as interrupted:
        document = in_thread(audit.run)
    findings = core.findings(document)
    outputs = of_document(document, core.store)
    show(document, findings, outputs, core.store, args.show)
    if interrupted.is_set():
        return INTERRUPTED
    return code_with_gate(exit_code(document, outputs), findings, gate)


def _max_age(args: RunArgs) -> float:
    """How old a stored result may be, in seconds."""
    if args.max_age is None:
        return seconds_of(DEFAULT_MAX_AGE)
    if args.fresh:
        raise ConfigError("--fresh takes no stored result, of whatever --max-age; give one of them")
    return seconds_of(args.max_age)


def seconds_of(text: str) -> float:
    """ "90", "30m", "12h", "7d" → seconds. Raises `ConfigError`."""
    number, unit = (text[:-1], text[-1]) if text[-1:] in _UNITS else (text, "s")
    try:
        seconds = float(number) * _UNITS[unit]
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise ConfigError(f"--max-age {text!r}: expected seconds, or an age such as 30m, 12h, 7d")
    return seconds


def _names(arguments: Sequence[str]) -> tuple[str, ...]:
    """The names in comma-separated arguments."""
    names = (name.strip() for argument in arguments for name in argument.split(","))
    return tuple(name for name in names if name)


def _check_output(output: Path | None) -> None:
    """An audit takes minutes: find out before it whether its result can be written."""
    if output is not None and not output.absolute().parent.is_dir():
        raise ConfigError(f"-o {output}: the folder {output.absolute().parent} does not exist")
