"""`cachetui log`: the log of a stored run, or the commands that ran."""

from __future__ import annotations

import click

from cachetui.cli.runs_there import runs_there
from cachetui.cli.stored import load_audit
from cachetui.core import UserError
from cachetui.exit_codes import SAME
from cachetui.records.document import Document
from cachetui.records.run import Run
from cachetui.report.clean import clean
from cachetui.store.database import Store


def log_command(
    store: Store,
    audit_prefix: str,
    host: str,
    scenario: str,
    *,
    step: int | None,
    repeat: int,
    commands: bool,
) -> int:
    """Print a run's log, of the step at Dockerfile line `step` unless that is None; or its
    commands."""
    run = _find_run(load_audit(store, audit_prefix), host, scenario, repeat)
    if commands:
        click.echo("\n".join(clean(command) for command in run.commands))
        return SAME
    log = store.log(run.id)
    if log is None:
        why = store.log_gone(run.id)
        raise UserError(
            f"no log of {scenario} on {host} is stored{f': {why}' if why is not None else ''}"
        )
    with log:
        if step is None:
            text = log.whole()
        else:
            steps = [each for each in run.steps if each.line == step]
            if not steps:
                lines = ", ".join(str(each.line) for each in run.steps)
                raise UserError(f"no step begins at line {step}; steps begin at lines {lines}")
            text = log.step(steps[0].id)
        for line in text:
            click.echo(clean(line.text))
    return SAME


def _find_run(document: Document, host: str, scenario: str, repeat: int) -> Run:
    for run in document.runs:
        if (run.host, run.scenario, run.repeat) == (host, scenario, repeat):
            return run
    there = runs_there(document)
    raise UserError(f"no run of {scenario} on {host}, repeat {repeat}; there are: {there}")
