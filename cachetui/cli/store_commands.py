"""The commands `cachetui store` and `cachetui store copy`, without heavy imports; `store` and
`store_copy` do the work."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from cachetui.cli import session
from cachetui.cli.failures import or_fail
from cachetui.cli.options import format_option, hosts_option, store_option
from cachetui.cli.place_of_store import PlaceOfStore
from cachetui.store.place import StorePlace


@click.group("store", invoke_without_command=True)
@hosts_option
@store_option
@click.option("--prune", is_flag=True, help="Remove what is beyond the limits, oldest first.")
@click.option("--dry-run", is_flag=True, help="Say what --prune would remove.")
@click.option(
    "--max-size", metavar="SIZE", help="The limit, such as 2GB  [default: max_size of hosts.toml]"
)
@click.option(
    "--max-age", metavar="AGE", help="The limit, such as 90d  [default: max_age of hosts.toml]"
)
@format_option("table", "json")
@click.pass_context
def store(
    context: click.Context,
    /,
    hosts_file: Path | None,
    store_place: StorePlace | None,
    **options: Any,
) -> None:
    """Show how large the store is, or keep it within limits.

    Logs go before records. Pinned audits stay (`history --pin`). `store copy` brings all of a store
    into another.
    """
    if context.invoked_subcommand is not None:
        return
    from cachetui.cli.store import StoreArgs, store_command

    core = session.open_core_without_hosts(hosts_file, store_place)
    args = StoreArgs(**options)
    sys.exit(or_fail(lambda: store_command(core.store, core.settings.store, args)))


@store.command("copy")
@click.argument("source", metavar="FROM", type=PlaceOfStore())
@click.argument("target", metavar="TO", type=PlaceOfStore())
def copy(source: StorePlace, target: StorePlace) -> None:
    """Bring all that the store FROM has into the store TO.

    Each is a folder, or a team's database at postgresql://… Ids stay. What is in TO already is
    passed over, so a copy that was stopped can be begun again. FROM stays as it is; only what was
    kept aside for TO while that could not be reached is removed.
    """
    from cachetui.cli.store_copy import copy_command

    sys.exit(or_fail(lambda: copy_command(source, target)))
