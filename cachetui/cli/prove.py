"""`cachetui prove`: say what will run, ask, run it, and tell what came of it."""

from __future__ import annotations

import sys
import threading
from typing import Any

import click
import msgspec

from cachetui.cli.history import load
from cachetui.cli.run import in_thread, stopping
from cachetui.config.settings import BuildSettings
from cachetui.core import Core, UserError
from cachetui.exit_codes import INTERRUPTED, SAME
from cachetui.findings.record import Proof
from cachetui.prove import NoExperiment
from cachetui.prove.experiment import Experiment, Progress
from cachetui.records.to_json import to_json
from cachetui.report.clean import clean, clean_line

CODES = {"proved": 0, "withdrawn": 1, "undecided": 2}
SIGNS = {"proved": "✓", "withdrawn": "✗", "undecided": "?"}


def prove_command(
    core: Core, name: str, context: BuildSettings | None, given: dict[str, Any]
) -> int:
    """Prove a finding; the exit code is 0 for proved, 1 for withdrawn, 2 for undecided."""
    document = load(core.store, given["audit"])
    cancel = threading.Event()
    try:
        experiment = core.experiment(
            document,
            name,
            host=given["host"],
            contexts=(context,) if context else (),
            given=tuple(given["arguments"]),
            cancel=cancel,
        )
        try:
            return _prove(experiment, cancel, given)
        finally:
            experiment.close()
    except NoExperiment as error:
        raise UserError(str(error)) from None


def _prove(experiment: Experiment, cancel: threading.Event, given: dict[str, Any]) -> int:
    lines = experiment.prepare()
    if given["dry_run"]:
        click.echo("\n".join(clean(line) for line in lines))
        return SAME
    if not given["yes"]:
        click.echo("\n".join(clean(line) for line in lines), err=True)
        if not _agreed():
            return INTERRUPTED
    told: list[str] = []

    def tell(progress: Progress) -> None:
        line = f"{progress.number}/{progress.of} {progress.build}"
        if given["progress"] != "quiet" and line not in told:
            told.append(line)
            sys.stderr.write(f"cachetui: {clean_line(line)}\n")
            sys.stderr.flush()

    with stopping(cancel.set) as interrupted:
        try:
            proof = in_thread(lambda: experiment.run(tell))
        except Exception:
            if interrupted.is_set():
                return INTERRUPTED
            raise
    if given["form"] == "json":
        click.echo(msgspec.json.format(to_json(proof), indent=2).decode())
    else:
        click.echo(text(proof, experiment.request.finding.name))
    return CODES[proof.outcome]


def _agreed() -> bool:
    """Whether the user says yes; who cannot be asked says no."""
    try:
        return click.confirm("\nRun this?", default=False, err=True)
    except click.Abort:
        sys.stderr.write("cachetui: nothing was run; --yes runs it without asking\n")
        return False


def text(proof: Proof, name: str) -> str:
    """The outcome, and what it rests on."""
    head = f"{SIGNS[proof.outcome]} {proof.outcome}: {name}, on {proof.host}"
    return "\n".join([head, *(f"  - {clean_line(one.text)}" for one in proof.evidence)])
