"""Audits of the recorded fleet, one after the other in this process, and what it holds meanwhile.

The fleet is served by another process, so that memory, threads and handles are the audits' own.
"""

from __future__ import annotations

import ctypes
import gc
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cachetui.config import hosts_toml
from cachetui.config.settings import HostSettings
from cachetui.core import Core, Options
from cachetui.demo.fleet import BUILDS, build_name
from cachetui.hosts.connect import Connector
from cachetui.hosts.ssh.prompts import SshPrompts
from cachetui.records.document import Document
from cachetui.store.database import Store

SPEED = 5000.0

ENDING_SECONDS = 3.0

_LIBC = ctypes.CDLL(None)

# The fleet is gone with the end of its standard input, however this process ends.
_SERVE = f"""
import sys
from cachetui.demo.fleet import demo_fleet
with demo_fleet(speed={SPEED}) as fleet:
    print(fleet.hosts_toml, flush=True)
    sys.stdin.read()
"""


@dataclass(frozen=True)
class Held:
    """What this process holds after `audits` audits of `runs` runs in all: bytes of its own memory
    and of its store, and how many threads, open file handles and child processes."""

    audits: int
    runs: int
    memory: int
    threads: int
    handles: int
    children: int
    store: int

    def store_growth(self, earlier: Held) -> float:
        """Bytes of the store a run since then, over the bytes a run until then."""
        since = (self.store - earlier.store) / (self.runs - earlier.runs)
        return since / (earlier.store / earlier.runs)


class SoakCore(Core):
    """The core of all commands, reading nothing of the user's own SSH configuration."""

    def _connector(self, prompts: SshPrompts | None) -> Connector:
        return Connector(prompts=prompts, ssh_config=None, system_config=None)


@contextmanager
def served() -> Iterator[Path]:
    """The hosts.toml of the recorded fleet, served by a child of this process."""
    with subprocess.Popen(
        [sys.executable, "-c", _SERVE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        try:
            path = server.stdout.readline().strip()
            assert path, "the recorded fleet does not come up"
            yield Path(path)
        finally:
            server.stdin.close()
            server.wait(30)


def soak(
    settings: Path, store: Path, stops: Sequence[int], *, small: bool = False
) -> Iterator[Held]:
    """What is held after as many audits as each of `stops` says.

    An audit takes the next recorded build, on all hosts in all scenarios; with `small`, on the next
    host in one. Its findings are asked for, as by every command and screen that shows it.
    """
    core = SoakCore(hosts_toml.load(settings), Store(store))
    runs = 0
    try:
        for number in range(1, stops[-1] + 1):
            runs += len(_audit(core, number, small).runs)
            if number in stops:
                yield _held(number, runs, store)
    finally:
        core.store.close()


def _held(audits: int, runs: int, store: Path) -> Held:
    """Once the last audit's threads have had time to end, and the collector has been there: how
    far it is behind is no leak."""
    deadline = time.monotonic() + ENDING_SECONDS
    while threading.active_count() > 1 and time.monotonic() < deadline:
        time.sleep(0.02)
    gc.collect()
    if hasattr(_LIBC, "malloc_trim"):  # what is free is given back: it is not held
        _LIBC.malloc_trim(0)
    # Without what is mapped of files: SQLite maps up to 64 MiB of each of the store's.
    _, resident, shared, *_ = map(int, Path("/proc/self/statm").read_text().split())
    return Held(
        audits=audits,
        runs=runs,
        memory=(resident - shared) * os.sysconf("SC_PAGE_SIZE"),
        threads=threading.active_count(),
        handles=len(os.listdir("/proc/self/fd")),
        children=len(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()),
        store=sum(path.stat().st_size for path in store.rglob("*") if path.is_file()),
    )


def _audit(core: Core, number: int, small: bool) -> Document:
    hosts: Sequence[HostSettings] = core.settings.hosts
    build = core.settings.builds[build_name(BUILDS[number % len(BUILDS)])]
    if small:
        hosts = [hosts[number // len(BUILDS) % len(hosts)]]
    options = Options(
        fresh=True, as_found=not small, scenarios=("buildkit-cold",) if small else None
    )
    document = core.prepare(build, hosts, options).run()
    assert {run.status for run in document.runs} <= {"ok", "unsupported"}, document.hosts
    core.findings(document)
    return document
