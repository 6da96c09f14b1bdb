"""`cachetui prove`: print what will run, ask, run it, and print the outcome."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from pathlib import Path

import click
import msgspec

from cachetui.cli.args import ProveArgs
from cachetui.cli.interrupts import in_thread, stopping
from cachetui.cli.stored import load_audit
from cachetui.cli.which_build import chosen_target
from cachetui.config.bake_target import build_found
from cachetui.config.build_files import names_file
from cachetui.config.settings import BuildSettings, folder_build
from cachetui.core import Core, UserError
from cachetui.exit_codes import DIFFERENT, INTERRUPTED, SAME, TROUBLE
from cachetui.findings.record import Proof
from cachetui.prove import NoExperiment
from cachetui.prove.experiment import Experiment, Progress
from cachetui.records.to_json import to_json
from cachetui.report.clean import clean, clean_line
from cachetui.report.signs import PROOF_OUTCOMES

CODES = {"proved": SAME, "withdrawn": DIFFERENT, "undecided": TROUBLE}


def context_build(folder: Path, dockerfile: str) -> BuildSettings:
    """The build of a folder, with its Dockerfile there; or that of a `FILE#TARGET` of a bake or
    compose file. Raises `ConfigError`."""
    if not folder.is_dir() and names_file(str(folder)):
        return build_found(chosen_target(str(folder)))
    return msgspec.structs.replace(folder_build(folder), dockerfile=dockerfile)


def prove_command(core: Core, finding: str, build: BuildSettings, args: ProveArgs) -> int:
    """Prove a finding; `build` is where its context may be. The exit code is 0 for proved, 1 for
    withdrawn, 2 for undecided."""
    document = load_audit(core.store, args.audit)
    cancel = threading.Event()
    try:
        experiment = core.experiment(
            document,
            finding,
            host=args.host,
            contexts=(build,),
            given=args.build_args,
            cancel=cancel,
        )
        try:
            return _prove(experiment, cancel, args)
        finally:
            experiment.close()
    except NoExperiment as error:
        raise UserError(str(error)) from None


def _prove(experiment: Experiment, cancel: threading.Event, args: ProveArgs) -> int:
    plan = "\n".join(clean(line) for line in experiment.prepare())
    if args.dry_run:
        click.echo(plan)
        return SAME
    if not args.yes:
        click.echo(plan, err=True)
        if not _agreed():
            return INTERRUPTED
    with stopping(cancel.set) as interrupted:
        try:
            proof = in_thread(lambda: experiment.run(_progress_printer(args.progress)))
        except Exception:
            if interrupted.is_set():
                return INTERRUPTED
            raise
    if args.output_format == "json":
        click.echo(msgspec.json.format(to_json(proof), indent=2).decode())
    else:
        click.echo(format_proof(proof, experiment.request.finding.name))
    if experiment.trouble is not None:
        click.echo(f"cachetui: {clean_line(str(experiment.trouble))}", err=True)
        return TROUBLE
    return CODES[proof.outcome]


def _progress_printer(mode: str) -> Callable[[Progress], None]:
    """Prints each build of an experiment once on standard error, unless `mode` is "quiet"."""
    printed: set[str] = set()

    def show(progress: Progress) -> None:
        line = f"{progress.number}/{progress.of} {progress.build}"
        if mode != "quiet" and line not in printed:
            printed.add(line)
            sys.stderr.write(f"cachetui: {clean_line(line)}\n")
            sys.stderr.flush()

    return show


def _agreed() -> bool:
    """Whether the user agrees; without a terminal to ask, no."""
    try:
        return click.confirm("\nRun this?", default=False, err=True)
    except click.Abort:
        sys.stderr.write("cachetui: nothing was run; --yes runs it without asking\n")
        return False


def format_proof(proof: Proof, finding: str) -> str:
    """The outcome, then its evidence, a line for each fact."""
    outcome = PROOF_OUTCOMES[proof.outcome]
    head = f"{outcome.sign} {outcome.word}: {finding}, on {proof.host}"
    return "\n".join([head, *(f"  - {clean_line(fact.text)}" for fact in proof.evidence)])
