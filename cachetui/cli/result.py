"""How a command ends: its result, written whole or not at all, and its exit code."""

from __future__ import annotations

from pathlib import Path

import click

from cachetui.compare.align import agree
from cachetui.exit_codes import DIFFERENT, SAME, TROUBLE
from cachetui.outputs.outputs_report import OutputsReport
from cachetui.records.document import Document


def write_result(text: str, output: Path | None) -> None:
    """Print the result, or write it into a file, which is never there in part. Raises `OSError`.

    A link stays a link. What is there and no file (a device, a pipe) is written to as it is: it
    cannot be there in part, and must not be replaced.
    """
    if output is None:
        click.echo(text, nl=not text.endswith("\n"))
        return
    whole = text if text.endswith("\n") else text + "\n"
    if output.exists() and not output.is_file():
        output.write_text(whole, encoding="utf-8")
        return
    target = output.resolve()
    part = target.with_name(f".{target.name}.part")
    try:
        part.write_text(whole, encoding="utf-8")
        part.replace(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def exit_code(document: Document, outputs: OutputsReport | None = None) -> int:
    """2 when a host or a build had trouble; 1 when hosts differ step by step, or their images do
    where those were read; else 0. An interruption and --fail-on come before it."""
    if any(host.status != "ok" for host in document.hosts):
        return TROUBLE
    if any(run.status not in ("ok", "unsupported") for run in document.runs):
        return TROUBLE
    same = agree(document).agree and (outputs is None or len(outputs.groups) < 2)
    return SAME if same else DIFFERENT
