"""What a command works on: settings, store and core; and the terminal app on them.

Imports wait until they are needed: the app draws its first frame before it reads settings and
store.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from cachetui.cli.failures import end_at_once, fail, or_fail
from cachetui.exit_codes import INTERRUPTED

if TYPE_CHECKING:
    from cachetui.audit.host_elsewhere import Elsewhere
    from cachetui.config.settings import Settings
    from cachetui.core import Core
    from cachetui.store.database import Store
    from cachetui.store.place import StorePlace


def load_settings(hosts_file: Path | None) -> Settings:
    """The hosts.toml; ends the process where it cannot be read."""
    from cachetui.config import hosts_toml

    return or_fail(lambda: hosts_toml.load(hosts_file))


def open_store(place: StorePlace | None = None) -> Store:
    """The store; ends the process where it cannot be opened."""
    from cachetui.store.database import Store

    return or_fail(lambda: Store(place))


def open_core(
    hosts_file: Path | None, store_place: StorePlace | None, executor: str | None = None
) -> Core:
    """The core on settings and store; ends the process where they cannot be read, or where the
    cluster of `executor` cannot be used."""
    return or_fail(lambda: _core(hosts_file, store_place, executor=executor))


def open_core_without_hosts(hosts_file: Path | None, store_place: StorePlace | None) -> Core:
    """The same for commands that need no host: without a hosts.toml there are none."""
    return or_fail(lambda: _core(hosts_file, store_place, need_hosts=False))


def _core(
    hosts_file: Path | None,
    store_place: StorePlace | None,
    *,
    need_hosts: bool = True,
    executor: str | None = None,
) -> Core:
    from cachetui.config import hosts_toml
    from cachetui.config.settings import Settings
    from cachetui.core import Core
    from cachetui.store.database import Store

    if need_hosts or hosts_file is not None or hosts_toml.find() is not None:
        settings = hosts_toml.load(hosts_file)
    else:
        settings = Settings(path=None, hosts=(), builds={})
    elsewhere = None if executor is None else _elsewhere(executor)
    return Core(settings, Store(store_place), elsewhere=elsewhere)


def _elsewhere(executor: str) -> Elsewhere:
    """Who audits the hosts. Raises `UserError`."""
    from cachetui.cluster.checks import ClusterError
    from cachetui.cluster.executor import connect
    from cachetui.core import UserError

    try:
        return connect(executor)
    except ClusterError as error:
        raise UserError(str(error)) from None


def run_app(
    hosts_file: Path | None,
    store_place: StorePlace | None,
    audit: str | None = None,
    executor: str | None = None,
) -> int:
    """Run the app and return its exit code."""
    from cachetui import tui

    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        fail("the app needs a terminal; cachetui --help lists the commands that need none")
    code = or_fail(
        lambda: tui.run_app(
            lambda: _core(hosts_file, store_place, need_hosts=False, executor=executor),
            audit=audit,
        )
    )
    return end_at_once(code) if code == INTERRUPTED else code
