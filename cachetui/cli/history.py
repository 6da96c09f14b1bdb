"""`cachetui history`: the stored audits."""

from __future__ import annotations

import time
from collections.abc import Sequence

import click
import msgspec

from cachetui.cli.stored import print_warnings, resolve_audit
from cachetui.compare.align import agree
from cachetui.core import UserError
from cachetui.exit_codes import SAME
from cachetui.report import units
from cachetui.report.clean import clean_line
from cachetui.report.formats.json import escaped
from cachetui.report.share import lay_out_share
from cachetui.report.verdict import in_few_words
from cachetui.store.database import Store


def history_command(
    store: Store,
    output_format: str,
    *,
    delete: Sequence[str] = (),
    pin: Sequence[str] = (),
    unpin: Sequence[str] = (),
    verdicts: int | None = None,
) -> int:
    """List the audits, the newest of them with their verdict (`verdicts` of them, None for all), or
    delete, pin or unpin some. Raises `UserError`."""
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
    said = {entry.audit: _verdict(store, entry.audit) for entry in entries[:verdicts]}
    if output_format == "json":
        rows = [
            {**msgspec.to_builtins(entry), "verdict": said.get(entry.audit)} for entry in entries
        ]
        click.echo(escaped(msgspec.json.format(msgspec.json.encode(rows), indent=2).decode()))
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
            f"{units.count(entry.runs, 'run')} in {units.seconds(entry.seconds)}{failed}"
            + "".join(f"  {verdict}" for verdict in [said.get(entry.audit)] if verdict)
            + pinned
        )
    if len(entries) > len(said) > 0:
        click.echo("the verdict of older audits: --verdicts all", err=True)
    print_warnings(store)
    return SAME


def _verdict(store: Store, audit: str) -> str:
    """Whether its hosts agree, and which is the odd one out; what kinds of cache keep, where it
    shared them."""
    document = store.audit(audit)
    if document is not None and document.share is not None:
        return lay_out_share(document, document.share).verdict[0]
    return "cannot be read" if document is None else in_few_words(agree(document))
