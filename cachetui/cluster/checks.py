"""What has to hold before hosts are given to the workers of a Dask cluster."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from typing import Any

from cachetui import __version__
from cachetui.audit.task import AuditTask
from cachetui.config.settings import HostSettings

Workers = Mapping[str, Mapping[str, Any]]
"""Dask's description of each worker, by its address."""

_CLOSED = ("tls", "wss", "inproc")
"""Protocols of Dask's that nobody on the way can read."""


class ClusterError(Exception):
    """A Dask cluster that cannot be used: why, and what helps."""


def check_encrypted(addresses: Iterable[str]) -> None:
    """Raises `ClusterError` unless all that is said to these goes encrypted or stays on this
    machine: values of build arguments are part of it."""
    for address in addresses:
        protocol, _, rest = address.rpartition("://")
        if protocol not in _CLOSED and not _on_loopback(rest):
            raise ClusterError(
                f"{address} of the Dask cluster is not encrypted, and values of build arguments "
                "and environments would go there; give scheduler, workers and this machine TLS "
                "certificates in Dask's configuration (distributed.comm.tls), and write tls://"
            )


def _on_loopback(address: str) -> bool:
    host = re.sub(r":\d+$", "", address).strip("[]")
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def cachetui_here() -> str:
    """The version of cachetui where this runs, ready to audit: with all that this takes loaded."""
    import_module("cachetui.cluster.worker")
    return __version__


def check_versions(client: Any) -> None:
    """Raises `ClusterError` unless all workers of that client of Dask's have this cachetui, and
    scheduler and workers this version of Dask."""
    versions = client.get_versions()
    own = _dask_of(versions["client"])
    places = {"the scheduler": versions["scheduler"], **versions["workers"]}
    for place, found in places.items():
        if found and _dask_of(found) != own:
            raise ClusterError(
                f"Dask is {_dask_of(found)} on {place}, and {own} here; they have to be the same"
            )
    for address, found in client.run(cachetui_here, on_error="return").items():
        if isinstance(found, BaseException):  # of what type it was there is no longer known here
            raise ClusterError(
                f"the Dask worker {address} cannot load cachetui: {found}; install cachetui[dask] "
                f"{__version__} where it runs, and start it again"
            )
        if found != __version__:
            raise ClusterError(
                f"cachetui is {found} on the Dask worker {address}, and {__version__} here; they "
                "have to be the same"
            )


def _dask_of(versions: Mapping[str, Any]) -> str:
    return str(versions["packages"]["distributed"])


def why_no_worker(host: HostSettings, workers: Workers) -> tuple[str, str] | None:
    """Why none of the workers may audit the host, and what helps; None where one may."""
    if host.local:
        return (
            "it is this machine itself, and a Dask worker would take its own for it",
            "leave it out with -x, or give it an address that workers reach",
        )
    zone = host.dask_worker
    if zone is None:
        if workers:
            return None
        return "the Dask cluster has no worker", "start one with `dask worker`"
    if any(worker.get("resources", {}).get(zone, 0) >= 1 for worker in workers.values()):
        return None
    return (
        f"no worker of the Dask cluster has the resource {zone}",
        f'start one near the host with `dask worker … --resources "{zone}=16"`',
    )


def values_that_travel(task: AuditTask, hosts: Sequence[HostSettings]) -> list[str]:
    """What workers are given that may be secret, in words: names, never a value."""
    arguments = [f"--build-arg {name}" for name in sorted(task.settings.build_args)]
    names = sorted({name for host in hosts for name in host.env})
    return arguments + [f"env {name}" for name in names]
