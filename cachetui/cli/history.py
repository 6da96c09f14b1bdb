"""`cachetui history`, `show` and `log`: what is kept, without any host."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import msgspec

from cachetui.audit.findings_of import why
from cachetui.cli.explain import code_with_gate, gate_of
from cachetui.cli.result import exit_code, write_result
from cachetui.core import UserError
from cachetui.exit_codes import SAME
from cachetui.findings import Findings
from cachetui.outputs.compare_runs import of_document
from cachetui.outputs.outputs_report import OutputsReport
from cachetui.records.document import Document
from cachetui.records.run import Run
from cachetui.report import units
from cachetui.report.clean import clean, clean_line
from cachetui.report.render import render
from cachetui.store.database import Store


def history_command(store: Store, form: str, delete: Sequence[str]) -> int:
    """List the audits, or forget some."""
    for word in delete:
        audit = resolve(store, word)
        store.delete_audit(audit)
        click.echo(f"forgot {audit}", err=True)
    if delete:
        return SAME
    entries = store.audits()
    if form == "json":
        click.echo(msgspec.json.format(msgspec.json.encode(entries), indent=2).decode())
        return SAME
    if not entries:
        click.echo("no audit is kept yet; cachetui run BUILD makes one", err=True)
    now = time.time()
    width = max((len(clean_line(entry.build)) for entry in entries), default=0)
    for entry in entries:
        trouble = f"  {entry.failed} in trouble" if entry.failed else ""
        click.echo(
            f"{entry.audit}  {clean_line(entry.build):<{width}}  "
            f"{units.age(now - entry.started_at):>10}  {units.count(entry.hosts, 'host')}, "
            f"{units.count(entry.runs, 'run')} in {units.seconds(entry.seconds)}{trouble}"
        )
    _warn(store)
    return SAME


def show_command(store: Store, word: str, given: dict[str, Any]) -> int:
    """Show a kept audit; the exit code is what `run` gave, or would have given."""
    gate = gate_of(given["fail_on"])
    document = load(store, word)
    findings, outputs = why(document, store), of_document(document, store)
    show(document, findings, outputs, store, given)
    return code_with_gate(exit_code(document, outputs), findings, gate)


def show(
    document: Document,
    findings: Findings,
    outputs: OutputsReport | None,
    store: Store,
    given: dict[str, Any],
) -> None:
    """Write an audit as the command line asks for, and what the store had to set aside."""
    width = shutil.get_terminal_size((160, 24)).columns
    output: Path | None = given["output"]
    form, most = given["form"], given["most"]
    text = render(document, findings, store, form, width, output is None, most, outputs)
    write_result(text, output)
    _warn(store)


def log_command(
    store: Store,
    word: str,
    host: str,
    scenario: str,
    *,
    step: int | None,
    repeat: int,
    commands: bool,
) -> int:
    """Print a run's log, of one step when its Dockerfile line is given, or its commands."""
    run = _find_run(load(store, word), host, scenario, repeat)
    if commands:
        click.echo("\n".join(clean(command) for command in run.commands))
        return SAME
    log = store.log(run.id)
    if log is None:
        raise UserError(f"no log is kept of {scenario} on {host}")
    with log:
        if step is None:
            text = log.whole()
        else:
            steps = [one for one in run.steps if one.line == step]
            if not steps:
                lines = ", ".join(str(one.line) for one in run.steps)
                raise UserError(f"no step begins at line {step}; steps begin at {lines}")
            text = log.step(steps[0].id)
        for line in text:
            click.echo(clean(line.text))
    return SAME


def load(store: Store, word: str) -> Document:
    """The audit that `word` names. Raises `UserError`."""
    document = store.audit(resolve(store, word))
    if document is None:
        raise UserError(f"the audit {word} cannot be read; {'; '.join(store.warnings)}")
    return document


def resolve(store: Store, word: str) -> str:
    """The audit that `word`, its name or the start of it, stands for. Raises `UserError`."""
    audit = store.resolve(word)
    if audit is None:
        known = ", ".join(entry.audit for entry in store.audits()[:5]) or "none"
        raise UserError(f"no single audit is named {word!r}; the last are: {known}")
    return audit


def _find_run(document: Document, host: str, scenario: str, repeat: int) -> Run:
    for run in document.runs:
        if (run.host, run.scenario, run.repeat) == (host, scenario, repeat):
            return run
    known = sorted({f"{run.host} {run.scenario}" for run in document.runs})
    raise UserError(f"no run of {scenario} on {host}, repeat {repeat}; there are {known}")


def _warn(store: Store) -> None:
    for warning in store.warnings:
        sys.stderr.write(f"cachetui: {clean_line(warning)}\n")
