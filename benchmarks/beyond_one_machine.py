"""What an audit of many hosts costs this machine, by threads and by the workers of a Dask cluster.

Recorded hosts, one scenario, served by another process, at two sizes: CPU time and memory of each
process, calls and bytes that went to the auditor, its store. What grows with the hosts is what a
host costs; a fleet of 10,000 follows from it (docs/dask.md).
"""

from __future__ import annotations

import argparse
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import psutil
from _common import folder, say_machine, serving

sys.path.insert(0, str(Path(__file__).parents[1]))
from cachetui.cluster.desk import Desk
from cachetui.cluster.executor import connect
from cachetui.cluster.messages import unpacked
from cachetui.config import hosts_toml
from cachetui.core import Core, Options
from cachetui.store.database import Store
from tests.cluster.cluster import Cluster, dask_cluster
from tests.soak.soak import SoakCore

_SERVE = """
import sys
from cachetui.demo.fleet import demo_fleet
with demo_fleet(speed=5000, hosts=int(sys.argv[1])) as fleet:
    print(fleet.hosts_toml, flush=True)
    sys.stdin.read()
"""
WORKERS = 3


@dataclass
class Meter:
    """CPU seconds and the most memory of its own (bytes) that a process took in a block."""

    process: psutil.Process
    cpu: float = 0.0
    memory: int = 0
    before: int = 0

    @property
    def own(self) -> int:
        held = self.process.memory_info()
        return int(held.rss - held.shared)

    @property
    def seconds(self) -> float:
        times = self.process.cpu_times()
        return float(times.user + times.system)


@contextmanager
def metered(meters: Sequence[Meter]) -> Iterator[None]:
    """Measure these processes in the block; memory is looked at five times a second."""
    over = threading.Event()
    for meter in meters:
        meter.before = meter.memory = meter.own
        meter.cpu = -meter.seconds

    def look() -> None:
        while not over.wait(0.2):
            for meter in meters:
                meter.memory = max(meter.memory, meter.own)

    threading.Thread(target=look, daemon=True).start()
    try:
        yield
    finally:
        over.set()
        for meter in meters:
            meter.cpu += meter.seconds


def audit(core: Core) -> float:
    """Audit all hosts in one scenario; seconds that it took."""
    build = core.settings.builds["recorded-shop"]
    options = Options(fresh=True, scenarios=("buildkit-cold",))
    begun = time.monotonic()
    document = core.prepare(build, core.settings.hosts, options).run()
    bad = [host for host in document.hosts if host.status != "ok"]
    assert not bad, (len(bad), bad[0].name, bad[0].reason)
    return time.monotonic() - begun


class Traffic:
    """Counts what comes to the desk."""

    def __init__(self) -> None:
        self.bytes = self.items = self.calls = 0

    @contextmanager
    def counted(self) -> Iterator[None]:
        whole = Desk.take

        def take(desk: Desk, item: bytes) -> None:
            self.bytes += len(item)
            self.items += 1
            self.calls += sum(message.number is not None for message in unpacked(item))
            whole(desk, item)

        with mock.patch.object(Desk, "take", take):
            yield


def tell(what: str, hosts: int, meter: Meter, share: int = 1) -> None:
    grown = (meter.memory - meter.before) / 1e3
    print(
        f"      {what}: {1000 * meter.cpu / hosts:.1f} ms of CPU a host, "
        f"{meter.before / 1e6:.0f} MB before and {grown / hosts:.0f} kB more a host"
        + (f" (of {share} together)" if share > 1 else ""),
        flush=True,
    )


def threads(toml: Path, place: Path, hosts: int) -> None:
    """Measure an audit by threads."""
    store = place / f"threads-{hosts}"
    core = SoakCore(hosts_toml.load(toml), Store(store))
    here = Meter(psutil.Process())
    with metered([here]):
        took = audit(core)
    core.store.close()
    print(f"  threads, {hosts} hosts: {took:.1f} s", flush=True)
    tell("here", hosts, here)
    size = sum(path.stat().st_size for path in store.rglob("*") if path.is_file())
    print(f"      the store: {size / hosts / 1e3:.0f} kB a host")


def dask(toml: Path, place: Path, hosts: int, cluster: Cluster) -> None:
    """Measure an audit by the workers of a cluster."""
    elsewhere = connect(cluster.address)
    core = Core(hosts_toml.load(toml), Store(place / f"dask-{hosts}"), elsewhere=elsewhere)
    here = Meter(psutil.Process())
    scheduler = Meter(psutil.Process(cluster.scheduler.pid))
    workers = [Meter(psutil.Process(process.pid)) for process in cluster.workers.values()]
    traffic = Traffic()
    with traffic.counted(), metered([here, scheduler, *workers]):
        took = audit(core)
    core.store.close()
    print(f"  Dask, {hosts} hosts: {took:.1f} s", flush=True)
    tell("here", hosts, here)
    tell("scheduler", hosts, scheduler)
    together = Meter(workers[0].process)
    for name in ("cpu", "memory", "before"):
        setattr(together, name, sum(getattr(worker, name) for worker in workers))
    tell("workers", hosts, together, len(workers))
    print(
        f"      to the auditor: {traffic.bytes / hosts / 1e3:.0f} kB, {traffic.calls / hosts:.0f} "
        f"calls and {traffic.items / hosts:.0f} items of the queue a host"
    )


def main() -> int:
    """Print what each way takes, at each size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hosts", type=int, nargs="*", default=[40, 160], help="sizes (40 160)")
    arguments = parser.parse_args()
    say_machine(f"{WORKERS} workers of 16 threads")
    with folder() as place:
        words = {f"w{number}": ("--nthreads", "16") for number in range(WORKERS)}
        with dask_cluster(place, words) as cluster:
            for hosts in arguments.hosts:
                with serving(_SERVE, hosts) as (toml, _):
                    threads(toml, place, hosts)
                    dask(toml, place, hosts, cluster)
    return 0


if __name__ == "__main__":
    sys.exit(main())
