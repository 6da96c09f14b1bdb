"""`cachetui peek`: what each host's cache holds of a build today, without building it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from cachetui.audit.audit import Audit
from cachetui.audit.peek_results import peek_of
from cachetui.cli.failures import tell
from cachetui.cli.gate import code_with_gate, parse_gate
from cachetui.cli.interrupts import in_thread, stopping, terminal_closed
from cachetui.cli.live_progress import follow
from cachetui.cli.result import check_output, exit_code, write_result
from cachetui.config.settings import BuildSettings, HostSettings
from cachetui.core import Core, Options
from cachetui.exit_codes import INTERRUPTED, TROUBLE
from cachetui.records.backend import Backend
from cachetui.records.scenario import BACKENDS
from cachetui.report.peek import render

MOUNTS = (
    "the first RUN that misses is stopped some tenths of a second after it began; what it wrote "
    "into a cache mount until then stays there"
)


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
) -> int:
    """Peek and print what was seen; returns the exit code. Raises `UserError`."""
    check_output(output)
    gate = parse_gate(fail_on)
    chosen: tuple[Backend, ...] = tuple(b for b in BACKENDS if only in (None, b))
    audit = core.prepare(build, hosts, Options(peek=chosen))
    if not yes and "buildkit" in chosen and _may_write_mounts(audit) and not _agreed():
        return TROUBLE
    with stopping(audit.stop, audit.keep) as interrupted, follow(audit, progress):
        document = in_thread(audit.run)
    if terminal_closed():
        return INTERRUPTED  # nobody reads a result; the audit is stored
    findings = core.findings(document)
    write_result(render(peek_of(document, findings, core.store), output_format), output)
    for sentence in core.prune(document.audit):
        tell(sentence)
    if interrupted.is_set():
        return INTERRUPTED
    if audit.trouble is not None:
        tell(audit.trouble)
        return TROUBLE
    return code_with_gate(exit_code(document), findings, gate)


def _may_write_mounts(audit: Audit) -> bool:
    return audit.dockerfile.uses_cache_mounts


def _agreed() -> bool:
    """Whether the user agrees; without a terminal to ask, no."""
    if not sys.stdin.isatty():
        tell(f"nothing was run: {MOUNTS}; --yes peeks all the same")
        return False
    tell(MOUNTS)
    return click.confirm("Peek?", default=False, err=True)
