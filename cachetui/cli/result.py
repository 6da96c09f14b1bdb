"""How a command ends: its result, written whole or not at all, and its exit code."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import click

from cachetui.compare.align import agree
from cachetui.config.toml_table import ConfigError
from cachetui.exit_codes import DIFFERENT, SAME, TROUBLE
from cachetui.outputs.outputs_report import OutputsReport
from cachetui.records.document import Document
from cachetui.report.whole_file import part_of, whole_file

_TRIAL = "x" * (64 * 1024)


def check_output(output: Path | None) -> None:
    """What makes the result takes long: find out before it whether it can be written into that
    file. Raises `ConfigError`."""
    if output is None:
        return
    if not output.absolute().parent.is_dir():
        raise ConfigError(f"-o {output}: the folder {output.absolute().parent} does not exist")
    if output.is_dir():
        raise ConfigError(f"-o {output} is a folder; name a file in it")
    try:
        if output.exists() and not output.is_file():
            if not os.access(output, os.W_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        else:
            with part_of(output) as part:
                part.write_text(_TRIAL, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"-o {output}: {error.strerror or error}; nothing was run") from None


def write_result(text: str, output: Path | None) -> None:
    """Print the result, or write it into a file, which is never there in part. Raises `OSError`;
    where the file cannot be written the result has been printed then."""
    if output is None:
        click.echo(text, nl=not text.endswith("\n"))
        return
    try:
        with whole_file(output) as file:
            file.write_text(text if text.endswith("\n") else text + "\n", encoding="utf-8")
    except OSError as error:
        write_result(text, None)
        why = error.strerror or error
        raise OSError(f"-o {output}: {why}; the result was printed instead") from None


def exit_code(document: Document, outputs: OutputsReport | None = None) -> int:
    """2 when a host or a build had trouble; 1 when hosts differ step by step, or their images do
    where those were read; else 0. In an experiment with shared caches an export or import that
    failed is trouble, and what caches keep no difference of hosts. An interruption and --fail-on
    come before it."""
    if any(host.status != "ok" for host in document.hosts):
        return TROUBLE
    if any(run.status not in ("ok", "unsupported") for run in document.runs):
        return TROUBLE
    if document.share is not None:
        return TROUBLE if document.share.failed else SAME
    same = agree(document).agree and (outputs is None or len(outputs.groups) < 2)
    return SAME if same else DIFFERENT
