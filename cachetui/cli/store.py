"""`cachetui store`: what the store holds, and removing what is beyond its limits."""

from __future__ import annotations

from dataclasses import dataclass

import click
import msgspec

from cachetui.cli.stored import print_warnings
from cachetui.config.hosts_toml import store_limits
from cachetui.config.settings import StoreLimits
from cachetui.config.toml_table import ConfigError
from cachetui.core import UserError
from cachetui.exit_codes import SAME, TROUBLE
from cachetui.report import store as report
from cachetui.store.database import Store
from cachetui.store.prune import prune


@dataclass(frozen=True, kw_only=True)
class StoreArgs:
    """The options of `store`."""

    prune: bool = False
    dry_run: bool = False
    max_size: str | None = None
    max_age: str | None = None
    output_format: str = "table"


def store_command(store: Store, limits: StoreLimits, args: StoreArgs) -> int:
    """Show the store's size by kind, or remove what is beyond `limits` and the options in their
    place. The exit code is 2 where the store stays larger."""
    limits = _limits(limits, args)
    if args.prune or args.dry_run:
        return _prune(store, limits, dry_run=args.dry_run)
    found, total = store.kinds(), store.room()
    if args.output_format == "json":
        shown = {
            "folder": store.where,
            "bytes": total,
            "max_size": limits.max_size,
            "max_age": limits.max_age,
            "kinds": found,
        }
        click.echo(msgspec.json.format(msgspec.json.encode(shown), indent=2).decode())
    else:
        click.echo(report.table(found, total, limits))
    print_warnings(store)
    return SAME


def _limits(limits: StoreLimits, args: StoreArgs) -> StoreLimits:
    size, age = args.max_size, args.max_age
    for option, own in (("--max-size", (size, None)), ("--max-age", (None, age))):
        try:
            store_limits(*own)
        except ValueError as error:
            raise ConfigError(f"{option}: {error}") from None
    return store_limits(
        limits.size_text or None if size is None else size,
        limits.age_text or None if age is None else age,
    )


def _prune(store: Store, limits: StoreLimits, *, dry_run: bool) -> int:
    if not limits.any:
        raise UserError(
            "the store has no limit: give --max-size or --max-age, or set max_size or max_age "
            "under [store] in hosts.toml"
        )
    pruned = prune(store, limits, dry_run=dry_run)
    if pruned is None:
        raise UserError("an audit or an experiment is under way; nothing was removed")
    said = report.sentences(pruned, limits, dry_run=dry_run)
    click.echo("\n".join(said) or f"the store is {limits.text}; nothing to remove")
    print_warnings(store)
    return SAME if pruned.over is None else TROUBLE
