"""`cachetui store copy FROM TO`: everything of one store brought into another."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click

from cachetui.cli.failures import tell
from cachetui.cli.stored import print_warnings
from cachetui.core import UserError
from cachetui.exit_codes import SAME, TROUBLE
from cachetui.report import units
from cachetui.store.copying import Copied, copy_store
from cachetui.store.database import Store
from cachetui.store.place import StorePlace

_EVERY = 1.0
"""Seconds between two words on how far it has come."""


def copy_command(source_place: StorePlace, target_place: StorePlace) -> int:
    """Copy, and say what was. The exit code is 2 where something could not be read."""
    if isinstance(source_place, Path) and not source_place.is_dir():
        raise UserError(f"there is no store at {source_place}")
    source, target = Store(source_place), Store(target_place)
    if source.where == target.where:
        raise UserError(f"{source.where} is both FROM and TO")
    try:
        copied = copy_store(source, target, _Progress())
    finally:
        source.close()
        target.close()
    click.echo("\n".join(_sentences(copied, source.where, target.where)))
    for key in copied.damaged:
        tell(f"{key} is damaged and was not copied")
    print_warnings(source)
    return TROUBLE if copied.damaged else SAME


def _sentences(copied: Copied, source: str, target: str) -> list[str]:
    entries = units.count(copied.copied, "entry", "entries")
    said = [f"copied {entries}, {units.size(copied.bytes)}, from {source} to {target}"]
    if copied.there:
        said.append(f"{units.count(copied.there, 'entry', 'entries')} were there already")
    if copied.settled:
        said.append(
            f"{units.count(copied.settled, 'entry', 'entries')} stay as they are there: they are "
            "later there, or have a log that was removed here"
        )
    listed = ", ".join(f"{kind.count:,} {kind.kind}" for kind in copied.kinds)
    if listed:
        said.append(f"all there now: {listed}")
    if copied.other_secret:
        said.append(
            "values of build arguments in what was copied were digested with another secret: they "
            "cannot be compared with those of other audits there"
        )
    if copied.removed:
        said.append(f"removed {source}, which had been kept aside for it")
    return said


class _Progress:
    """Says on a terminal how far it has come."""

    def __init__(self) -> None:
        self._shown = time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        if sys.stderr.isatty() and (now - self._shown > _EVERY):
            self._shown = now
            click.echo(f"{done:,} of {total:,} entries", err=True)
