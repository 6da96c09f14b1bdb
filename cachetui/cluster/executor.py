"""`--executor`: from the word on the command line to who audits the hosts."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from cachetui.audit.host_elsewhere import Elsewhere
from cachetui.cluster.checks import ClusterError

EXPECTED = (
    "expected dask://HOST:PORT, tls://HOST:PORT for one with TLS, or processes or processes:NUMBER "
    "for processes of this machine"
)
_PROCESSES = re.compile(r"processes(?::([1-9]\d{0,3}))?")


def connect(text: str) -> Elsewhere:
    """The Dask cluster of `dask://HOST:PORT` or `tls://HOST:PORT`, connected and checked; of
    `processes:N` so many processes here, without a number as many as cores. Raises
    `ClusterError`."""
    if processes := _PROCESSES.fullmatch(text):
        from cachetui.cluster.local_processes import LocalProcesses

        return LocalProcesses(int(processes[1]) if processes[1] else None)
    address = dask_address(text)
    try:
        from cachetui.cluster.dask_cluster import DaskCluster
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("dask", "distributed"):
            raise
        raise ClusterError(
            f"--executor {text} needs Dask, which is not installed: pip install 'cachetui[dask]'"
        ) from None
    return DaskCluster(address)


def dask_address(text: str) -> str:
    """What Dask calls the scheduler: `tcp://HOST:PORT` or `tls://HOST:PORT`. Raises
    `ClusterError`."""
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise ClusterError(f"--executor {text}: {error}; {EXPECTED}") from None
    rest = parts.path.strip("/") or parts.query or parts.fragment or parts.username
    if parts.scheme not in ("dask", "tls") or not host or port is None or rest:
        raise ClusterError(f"--executor {text}: {EXPECTED}")
    protocol = "tcp" if parts.scheme == "dask" else "tls"
    return f"{protocol}://{f'[{host}]' if ':' in host else host}:{port}"
