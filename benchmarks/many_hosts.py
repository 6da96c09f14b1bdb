"""A full audit of 200 and of 500 recorded hosts, beside the slowest of them alone.

They answer with the recorded delays, served by another process on the same cores. As many are
audited at once as by default. The first number of hosts is audited by worker processes, too, one
for each core, which has no goal of its own.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import psutil
from _common import finish, folder, judge, say_machine
from peek import BUILD, served

sys.path.insert(0, str(Path(__file__).parents[1]))
from cachetui.cluster.local_processes import LocalProcesses
from cachetui.config import hosts_toml
from cachetui.config.settings import HostSettings
from cachetui.core import Options
from cachetui.records.document import Document
from cachetui.store.database import Store
from tests.soak.soak import SoakCore

GOALS = {200: 1.2, 500: 1.5}
"""Hosts → how often the seconds of the slowest alone."""

RECORDED = 4


def cpu_here() -> float:
    """CPU seconds of this process and of the worker processes that it has."""
    workers = [
        child for child in psutil.Process().children() if child.cmdline()[1:3] == ["-P", "-c"]
    ]
    times = [process.cpu_times() for process in (psutil.Process(), *workers)]
    return float(sum(each.user + each.system for each in times))


def audit(
    core: SoakCore, hosts: list[HostSettings], server: psutil.Process
) -> tuple[float, Document]:
    """Seconds of an audit of these hosts, and what came of it; prints what it cost."""
    build = core.settings.builds[f"recorded-{BUILD}"]
    here, there = cpu_here(), sum(server.cpu_times()[:2])
    begun = time.monotonic()
    document = core.prepare(build, hosts, Options(fresh=True)).run()
    seconds = time.monotonic() - begun
    here, there = cpu_here() - here, sum(server.cpu_times()[:2]) - there
    bad = [host for host in document.hosts if host.status != "ok"]
    assert not bad, (len(bad), bad[0].name, bad[0].reason)
    print(
        f"  {len(hosts)} hosts: {seconds:.1f} s; CPU {here:.1f} s here "
        f"({1000 * here / len(hosts):.0f} ms a host), {there:.1f} s of who answers; "
        f"{len(document.runs)} runs",
        flush=True,
    )
    return seconds, document


def slowest(core: SoakCore, server: psutil.Process) -> float:
    """Seconds of the slowest recorded host alone."""
    few = list(core.settings.hosts[:RECORDED])
    _, document = audit(core, few, server)
    took = {host.name: 0.0 for host in few}
    for run in document.runs:
        took[run.host] += run.seconds
    name = max(took, key=lambda name: took[name])
    seconds, _ = audit(core, [host for host in few if host.name == name], server)
    return seconds


def main() -> int:
    """Print the seconds and their ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--hosts", type=int, nargs="*", default=list(GOALS), help="how many (200 500)"
    )
    arguments = parser.parse_args()
    say_machine()
    met = []
    with folder() as stores, served(max(arguments.hosts), stores) as (toml, server):
        core = SoakCore(hosts_toml.load(toml), Store(stores / "store"))
        alone = slowest(core, server)
        for hosts in arguments.hosts:
            seconds, _ = audit(core, list(core.settings.hosts[:hosts]), server)
            what = f"{hosts} hosts over the slowest alone"
            met.append(judge(what, seconds / alone, GOALS.get(hosts, max(GOALS.values()))))
        core.store.close()
        processes = LocalProcesses()
        core = SoakCore(core.settings, Store(stores / "processes"), elsewhere=processes)
        few = list(core.settings.hosts[: arguments.hosts[0]])
        print(f"  by {processes.count} worker processes:")
        seconds, _ = audit(core, few, server)
        print(f"      over the slowest alone: {seconds / alone:.2f}")
        core.store.close()
        processes.close()
    return finish(met)


if __name__ == "__main__":
    sys.exit(main())
