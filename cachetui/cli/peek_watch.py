"""`cachetui peek --watch`: look again every so often, and tell what changed."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click

from cachetui.audit.peek_changes import PeekChange, first_look, last_known, peek_changes
from cachetui.audit.peek_results import Peek
from cachetui.cli.failures import tell
from cachetui.cli.run import seconds_of
from cachetui.config.toml_table import ConfigError
from cachetui.core import Core, UserError
from cachetui.exit_codes import GATE, INTERRUPTED
from cachetui.report import units
from cachetui.report.peek import change_line, render
from cachetui.store.troubles import StoreError

SHORTEST = 10.0
"""Seconds. Each look starts a build on every host."""


@dataclass(frozen=True)
class Look:
    """What one look at all hosts brought, and the exit code it asks for."""

    peek: Peek
    code: int


def watch_interval(text: str | None, output_format: str, output: Path | None) -> float | None:
    """The seconds from one look to the next, None for a single look. Raises `ConfigError` for a
    time too short, and for what a watch cannot write."""
    if text is None:
        return None
    interval = seconds_of(text, "--watch")
    if interval < SHORTEST:
        raise ConfigError(f"--watch {text}: the shortest is {SHORTEST:.0f}s")
    if output_format not in ("table", "jsonl"):
        raise ConfigError(
            f"--watch prints line by line: give --format table or jsonl instead of {output_format}"
        )
    if output is not None:
        raise ConfigError("-o writes one finished result; with --watch, redirect the output")
    return interval


def watch(
    first: Look, look: Callable[[], Look | None], core: Core, interval: float, output_format: str
) -> int:
    """Print the first look, then what each further one changes, until Ctrl-C or a finding of
    --fail-on; returns the exit code. `look` returns None when nobody is left to read."""
    if output_format == "table":
        click.echo(render(first.peek, output_format), nl=False)
        tell(f"looking again every {_spoken(interval)}; Ctrl-C ends")
    else:
        _print(first_look(first.peek), output_format)
    known, code = first.peek, first.code
    due = time.monotonic()
    while code not in (GATE, INTERRUPTED):
        due = max(due + interval, time.monotonic())
        try:
            time.sleep(max(0.0, due - time.monotonic()))
        except KeyboardInterrupt:
            return INTERRUPTED
        try:
            seen = look()
        except (UserError, ConfigError, StoreError) as error:
            tell(f"{time.strftime('%m-%d %H:%M')}: could not look: {error}")
            continue
        if seen is None or seen.code == INTERRUPTED:
            return INTERRUPTED
        code = seen.code
        changes = peek_changes(known, seen.peek)
        _print(changes, output_format)
        if not changes and code != GATE:
            _forget(core, seen.peek.audit)
        known = last_known(known, seen.peek)
    return code


def _print(changes: tuple[PeekChange, ...], output_format: str) -> None:
    for change in changes:
        click.echo(change_line(change, output_format), nl=False)


def _forget(core: Core, audit: str) -> None:
    """A look that showed nothing new is not kept: a store would fill with them."""
    try:
        core.store.delete_audit(audit)
    except StoreError as error:
        tell(str(error))


def _spoken(interval: float) -> str:
    return units.span(interval) if interval >= 60 else units.seconds(interval)
