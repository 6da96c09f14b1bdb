"""What the benchmarks share: the machine in one line, a lab, medians, goals, and the rows of the
table that `make bench` ends with."""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil

from cachetui import __version__
from cachetui.config import hosts_toml as config
from cachetui.config.settings import HostSettings, Settings


def options(description: str | None, rounds: int) -> argparse.ArgumentParser:
    """A command line with what every script of engines takes."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument(
        "--hosts", type=Path, help="the hosts.toml of a lab that is up; else one is brought up"
    )
    parser.add_argument("--rounds", type=int, default=rounds, help=f"rounds ({rounds})")
    return parser


@contextmanager
def serving(script: str, *arguments: object) -> Iterator[tuple[Path, psutil.Process]]:
    """A child that serves recorded hosts while the block lasts, and the hosts.toml whose path it
    prints: Python text, which goes on until its standard input ends."""
    with subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        try:
            yield Path(server.stdout.readline().strip()), psutil.Process(server.pid)
        finally:
            server.stdin.close()
            server.wait(30)


@contextmanager
def settings_of(hosts: Path | None) -> Iterator[Settings]:
    """The hosts of a hosts.toml, or those of a lab that is there meanwhile."""
    if hosts is not None:
        yield config.load(hosts)
        return
    from tests.lab import Lab

    with Lab(Path(f"/tmp/cachetui-bench-{os.getpid()}")) as lab:
        yield config.load(lab.hosts_toml)


def say_machine(*more: str) -> None:
    """Print what was measured on: cores, load, Python and the libraries that matter."""
    import paramiko

    ssh = subprocess.run(["ssh", "-V"], capture_output=True, text=True, check=False)
    words = (
        f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}",
        f"{platform.system()} {platform.machine()}",
        f"Python {platform.python_version()}",
        f"paramiko {paramiko.__version__}",
        ssh.stderr.strip().split(",")[0] or "no ssh",
        f"cachetui {__version__}",
    )
    print("; ".join((*words, *more)))


def median(values: Sequence[float]) -> float:
    return statistics.median(values)


def spread(values: Sequence[float], unit: str = "s") -> str:
    """ "1.20 s (1.10 … 1.31)": median and range."""
    low, high = min(values), max(values)
    return f"{median(values):.2f} {unit} ({low:.2f} … {high:.2f})"


ROWS = "CACHETUI_BENCH_ROWS"
"""The environment variable that names the file for rows of `make bench`'s table."""


def told(what: str, value: str, goal: str, met: bool) -> bool:
    """Print a figure beside its goal, and keep both as a row of `make bench`'s table; `met`."""
    print(f"{'met   ' if met else 'MISSED'}  {what}: {value}, goal {goal}", flush=True)
    if place := os.environ.get(ROWS):
        row = {"script": Path(sys.argv[0]).stem, "what": what, "value": value, "goal": goal}
        with open(place, "a", encoding="utf-8") as rows:
            rows.write(json.dumps({**row, "met": met}) + "\n")
    return met


def judge(what: str, value: float, goal: float, unit: str = "") -> bool:
    """Print a figure beside the goal that it must not exceed; whether it does not."""
    return told(what, f"{value:.3f}{unit}", f"≤ {goal:g}{unit}", value <= goal)


def judge_at_least(what: str, value: float, goal: float) -> bool:
    """Print a ratio beside the goal that it must reach; whether it does."""
    return told(what, f"{value:.3f}", f"≥ {goal:g}", value >= goal)


def ssh_words(host: HostSettings, *more: str) -> list[str]:
    """The OpenSSH client's command line to a host of hosts.toml, up to the remote command, with
    nothing of the user's own configuration."""
    words = ["ssh", "-F", "none", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes"]
    words += ["-o", f"UserKnownHostsFile={host.known_hosts}", "-o", "GlobalKnownHostsFile=none"]
    words += ["-o", "IdentitiesOnly=yes", "-i", str(host.identity_file)]
    words += ["-p", str(host.port or 22), *more]
    return [*words, f"{host.user or 'root'}@{host.address}"]


@contextmanager
def folder() -> Iterator[Path]:
    """A folder that is gone afterwards; short, because sockets are made in it."""
    with tempfile.TemporaryDirectory(prefix="cb-", dir="/tmp") as path:
        yield Path(path)


def finish(met: Sequence[bool]) -> int:
    """The exit code, which is 0 also where a goal was missed: this is no test."""
    if not all(met):
        print("not every goal was met", file=sys.stderr)
    return 0
