"""`cachetui history`: the stored audits."""

from __future__ import annotations

import time
from collections.abc import Sequence

import click
import msgspec

from cachetui.cli.stored import print_warnings, resolve_audit
from cachetui.core import UserError
from cachetui.exit_codes import SAME
from cachetui.report import units
from cachetui.report.clean import clean_line
from cachetui.store.database import Store


def history_command(
    store: Store,
    output_format: str,
    *,
    delete: Sequence[str] = (),
    pin: Sequence[str] = (),
    unpin: Sequence[str] = (),
) -> int:
    """List the audits, or delete, pin or unpin some. Raises `UserError`."""
    for audit_prefix in (*pin, *unpin):
        audit = resolve_audit(store, audit_prefix)
        store.pin(audit, audit_prefix in pin)
        click.echo(f"{'pinned' if audit_prefix in pin else 'unpinned'} {audit}", err=True)
    for audit_prefix in delete:
        audit = resolve_audit(store, audit_prefix)
        if any(entry.audit == audit and entry.pinned for entry in store.audits()):
            raise UserError(f"{audit} is pinned and stays; --unpin {audit} first")
        store.delete_audit(audit)
        click.echo(f"deleted {audit}", err=True)
    if delete or pin or unpin:
        return SAME
    entries = store.audits()
    if output_format == "json":
        click.echo(msgspec.json.format(msgspec.json.encode(entries), indent=2).decode())
        return SAME
    if not entries:
        click.echo("no audit is stored yet; cachetui run BUILD makes one", err=True)
    now = time.time()
    width = max((len(clean_line(entry.build)) for entry in entries), default=0)
    for entry in entries:
        failed = f"  {entry.failed} in trouble" if entry.failed else ""
        pinned = "  pinned" if entry.pinned else ""
        click.echo(
            f"{entry.audit}  {clean_line(entry.build):<{width}}  "
            f"{units.age(now - entry.started_at):>10}  {units.count(entry.hosts, 'host')}, "
            f"{units.count(entry.runs, 'run')} in {units.seconds(entry.seconds)}{failed}{pinned}"
        )
    print_warnings(store)
    return SAME
