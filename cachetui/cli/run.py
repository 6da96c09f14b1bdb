"""`cachetui run`: prepare an audit, run it with live progress, and show it."""

from __future__ import annotations

import os
from collections.abc import Sequence

import msgspec

from cachetui.audit.limits import Limits
from cachetui.builders.docker_args import options as options_of
from cachetui.cli import github
from cachetui.cli.args import RunArgs
from cachetui.cli.compare_to import code_with_comparison, earlier_audit
from cachetui.cli.dry_run import dry_run
from cachetui.cli.failures import tell
from cachetui.cli.gate import code_with_gate, parse_gate
from cachetui.cli.interrupts import in_thread, stopping, terminal_closed
from cachetui.cli.live_progress import follow
from cachetui.cli.log_file import logging_to
from cachetui.cli.result import check_output, exit_code, write_result
from cachetui.cli.run_lines import RunLines, streams
from cachetui.cli.show import show
from cachetui.config import amounts
from cachetui.config.settings import BuildSettings, HostSettings
from cachetui.config.toml_table import ConfigError
from cachetui.core import Core, Options
from cachetui.exit_codes import INTERRUPTED, SAME, TROUBLE
from cachetui.findings import Findings
from cachetui.outputs.compare_runs import of_document
from cachetui.outputs.outputs_report import OutputsReport
from cachetui.records.document import Document
from cachetui.store.troubles import StoreError

DEFAULT_MAX_AGE = "1d"


def run_build_command(
    core: Core, build: BuildSettings, hosts: Sequence[HostSettings], args: RunArgs
) -> int:
    """Run the audit that the command line asks for; returns the exit code."""
    options = Options(
        scenarios=_names(args.scenarios) if args.scenarios else None,
        as_found=args.as_found,
        imported=any(option.name == "cache-from" for option in options_of(args.docker_args)),
        repeat=args.repeat,
        fresh=args.fresh,
        outputs=args.outputs or args.check_stale,
        check_stale=args.check_stale,
        max_age=_max_age(args),
        limits=limits_of(args),
    )
    _check_two_files(args)
    check_output(args.show.output)
    gate = parse_gate(args.show.fail_on)
    before = earlier_audit(core.store, args.show.compare_to, build.name)
    audit = core.prepare(build, hosts, options)
    if args.dry_run:
        write_result(dry_run(audit, hosts), args.show.output)
        return SAME
    lines = RunLines(audit) if streams(args.show) else None
    with (
        logging_to(args.log_file, audit.task.redactor) as log_file,
        stopping(audit.stop, audit.keep) as interrupted,
        follow(audit, args.progress),
    ):
        document = in_thread(audit.run)
    if terminal_closed():
        return INTERRUPTED  # nobody reads a result; the audit is stored
    core.store.use(document.audit)
    if args.check_stale and not interrupted.is_set():
        document = core.checked_for_stale(document, interrupted)
    document, findings, outputs = _explained(core, document)
    try:
        if lines is not None:
            lines.close()
        shown = lines is not None
        report = show(
            document, findings, outputs, core.store, args.show, before=before, runs_shown=shown
        )
    except OSError as error:
        if error.errno is None:  # the result was printed, it is its file that failed
            raise
        stored = f"{audit.trouble}; what could be kept" if audit.trouble else "it is stored"
        why = f"cannot print the result: {error.strerror}"
        raise OSError(f"{why}; {stored}: cachetui show {document.audit}") from None
    github.publish(report, os.environ)
    for sentence in core.prune(document.audit):
        tell(sentence)
    code = log_file.exit_code(exit_code(document, outputs))
    if audit.trouble is not None:
        code = TROUBLE
        if args.show.output is not None:
            tell(audit.trouble)
    if interrupted.is_set():
        return INTERRUPTED
    return code_with_gate(code_with_comparison(code, document, before), findings, gate)


def _explained(core: Core, document: Document) -> tuple[Document, Findings, OutputsReport | None]:
    """The audit with its findings and the files of its images; without them, and a note that says
    so, where the store is gone."""
    try:
        return document, core.findings(document), of_document(document, core.store)
    except StoreError as error:
        note = f"could not find out why runs differ: {error}"
        document = msgspec.structs.replace(document, notes=(*document.notes, note))
        return document, Findings(), None


def _check_two_files(args: RunArgs) -> None:
    """Raises `ConfigError` where the result would be written over the log."""
    output, log = args.show.output, args.log_file
    if output is None or log is None or output.resolve() != log.resolve():
        return
    if output.is_file() or not output.exists():
        raise ConfigError(f"-o and --log-file both name {output}; give each a file of its own")


def _max_age(args: RunArgs) -> float:
    """How old a stored result may be, in seconds."""
    if args.max_age is None:
        return seconds_of(DEFAULT_MAX_AGE, "--max-age")
    if args.fresh:
        raise ConfigError(
            "--fresh uses no stored result, so --max-age means nothing; leave one out"
        )
    return seconds_of(args.max_age, "--max-age")


def limits_of(args: RunArgs) -> Limits:
    """The limits that the options set. Raises `ConfigError`."""
    times = {"--timeout": args.timeout, "--deadline": args.deadline}
    seconds = {name: seconds_of(text, name) for name, text in times.items() if text is not None}
    for name, value in seconds.items():
        if value == 0:
            raise ConfigError(f"{name} 0: no build is that fast; give more than 0")
    max_failed, percent = _max_fail(args.max_fail)
    return Limits(
        max_failed=max_failed,
        percent=percent,
        build_timeout=seconds.get("--timeout"),
        deadline=seconds.get("--deadline"),
        at_once=args.fan_out,
    )


def _max_fail(text: str | None) -> tuple[float | None, bool]:
    """ "3" → 3 hosts, "10%" → 10 of a hundred. Raises `ConfigError`."""
    if text is None:
        return None, False
    number, percent = text.removesuffix("%").strip(), text.endswith("%")
    try:
        value = float(number) if percent else int(number)
    except ValueError:
        value = -1
    if not 0 <= value <= (100 if percent else float("inf")):
        raise ConfigError(f"--max-fail {text!r}: expected a number of hosts, or N% from 0 to 100")
    return value, percent


def seconds_of(text: str, option: str) -> float:
    """ "90", "30m", "12h", "7d" → seconds. Raises `ConfigError`, which names the option."""
    value = amounts.seconds(text)
    if value is None:
        raise ConfigError(f"{option} {text!r}: expected seconds, or a time such as 30m, 12h, 7d")
    return value


def _names(arguments: Sequence[str]) -> tuple[str, ...]:
    """The names in comma-separated arguments."""
    names = (name.strip() for argument in arguments for name in argument.split(","))
    return tuple(name for name in names if name)
