"""`cachetui peek`: what each host's cache holds of a build today, without building it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from cachetui.audit.audit import Audit
from cachetui.audit.peek_mounts import MOUNTS, to_agree
from cachetui.audit.peek_results import peek_of
from cachetui.cli.failures import tell
from cachetui.cli.gate import code_with_gate, parse_gate
from cachetui.cli.interrupts import in_thread, stopping, terminal_closed
from cachetui.cli.live_progress import follow
from cachetui.cli.peek_watch import Look, watch, watch_interval
from cachetui.cli.result import check_output, exit_code, write_result
from cachetui.compare.groups import fold
from cachetui.config.settings import BuildSettings, HostSettings
from cachetui.core import Core, Options
from cachetui.exit_codes import INTERRUPTED, TROUBLE
from cachetui.records.backend import Backend
from cachetui.records.scenario import BACKENDS
from cachetui.report.peek import render


def peek_command(
    core: Core,
    build: BuildSettings,
    hosts: Sequence[HostSettings],
    *,
    only: Backend | None,
    output_format: str,
    output: Path | None,
    fail_on: tuple[str, ...],
    progress: str,
    yes: bool,
    no_mounts: bool,
    every: str | None,
) -> int:
    """Peek and print what was seen, once or every so often; returns the exit code. Raises
    `UserError`, `ConfigError`."""
    interval = watch_interval(every, output_format, output)
    check_output(output)
    gate = parse_gate(fail_on)
    chosen: tuple[Backend, ...] = tuple(b for b in BACKENDS if only in (None, b))
    options = Options(peek=chosen, no_mounts=no_mounts)
    audit = core.prepare(build, hosts, options)
    if not yes and not no_mounts:
        asked = to_agree(core.store, (host.name for host in hosts), audit.dockerfile, chosen)
        if asked and not _agreed(core, asked):
            return TROUBLE

    def look() -> Look | None:
        return _look(core, core.prepare(build, hosts, options), progress, gate)

    seen = _look(core, audit, progress, gate)
    if seen is None:
        return INTERRUPTED
    if interval is not None and seen.code != INTERRUPTED:
        return watch(seen, look, core, interval, output_format)
    write_result(render(seen.peek, output_format), output)
    return seen.code


def _look(core: Core, audit: Audit, progress: str, gate: frozenset[str]) -> Look | None:
    """Look at all hosts once; None where nobody reads a result: the terminal was closed."""
    with stopping(audit.stop, audit.keep) as interrupted, follow(audit, progress):
        document = in_thread(audit.run)
    if terminal_closed():
        return None  # the audit is stored
    findings = core.findings(document)
    peek = peek_of(document, findings, core.store)
    for sentence in core.prune(document.audit):
        tell(sentence)
    if interrupted.is_set():
        code = INTERRUPTED
    elif audit.trouble is not None:
        tell(audit.trouble)
        code = TROUBLE
    else:
        code = code_with_gate(exit_code(document), findings, gate)
    return Look(peek, code)


def _agreed(core: Core, asked: Sequence[str]) -> bool:
    """Whether the user agrees for these hosts, kept for the next time; without a terminal to ask,
    no."""
    where = fold(asked)
    if not sys.stdin.isatty():
        tell(
            f"nothing was run on {where}: {MOUNTS}; --yes peeks anyway, --no-mounts leaves these "
            "steps out"
        )
        return False
    tell(f"{where}: {MOUNTS}")
    if not click.confirm("Peek?", default=False, err=True):
        return False
    core.store.marks.agree(asked)
    return True
