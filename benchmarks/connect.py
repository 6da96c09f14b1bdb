"""Connect to 100 demo hosts, ask for their facts and close, against `xargs -P32 ssh`.

The server is the demo's, in a process of its own, and the same for both; so are the command and
what it prints. Both have the same number under way. The recorded delays are taken out, then put
in again for a second look. Importing the SSH library is not in the figures; it is printed.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from _common import finish, judge, median, say_machine, spread, ssh_words

from cachetui.config import hosts_toml as config
from cachetui.config.settings import HostSettings
from cachetui.hosts.connect import Connector
from cachetui.hosts.facts import ask_facts
from cachetui.hosts.facts_script import facts_command
from cachetui.hosts.fan_out import run_on_all
from cachetui.records.host import HostFacts

AT_ONCE = 32
NO_DELAY = 1000.0
GOAL = 0.8
PORT = "@port@"


@contextmanager
def demo(hosts: int, speed: float) -> Iterator[tuple[HostSettings, ...]]:
    """The demo's hosts, served by another process."""
    command = [sys.executable, "-m", "cachetui.demo", "--hosts", str(hosts), "--speed", str(speed)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield config.load(Path(process.stdout.readline().strip())).hosts
    finally:
        process.stdin.close()
        process.wait(30)
        process.stdout.close()


def with_cachetui(hosts: tuple[HostSettings, ...], at_once: int) -> float:
    """Seconds; every host's facts are parsed."""
    connector = Connector(ssh_config=None, system_config=None)

    def one(host: HostSettings) -> HostFacts:
        machine = connector.connect(host)
        try:
            return ask_facts(machine, host, ())
        finally:
            machine.close()

    begun = time.monotonic()
    outcomes = run_on_all(hosts, one, at_once)
    seconds = time.monotonic() - begun
    for outcome in outcomes:
        if outcome.error is not None:
            raise outcome.error
    return seconds


def with_ssh(hosts: tuple[HostSettings, ...], at_once: int) -> float:
    """Seconds; what the hosts print is thrown away."""
    command = facts_command(("docker",), {}, (), "ab" * 16)
    words = ssh_words(hosts[0])
    words[words.index("-p") + 1] = PORT
    begun = time.monotonic()
    subprocess.run(
        ["xargs", f"-P{at_once}", f"-I{PORT}", *words, command],
        input="".join(f"{host.port}\n" for host in hosts),
        text=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=True,
    )
    return time.monotonic() - begun


def compare(hosts: int, speed: float, at_once: int, rounds: int) -> float:
    """Print both times and return their ratio, from interleaved rounds."""
    ours: list[float] = []
    theirs: list[float] = []
    with demo(hosts, speed) as fleet:
        with_cachetui(fleet[:4], 4)
        for _ in range(rounds):
            ours.append(with_cachetui(fleet, at_once))
            theirs.append(with_ssh(fleet, AT_ONCE))
    print(f"      cachetui, {at_once} at once: {spread(ours)}")
    print(f"      xargs -P{AT_ONCE} ssh: {spread(theirs)}")
    return median(ours) / median(theirs)


def main() -> int:
    """Print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hosts", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    begun = time.monotonic()
    import paramiko  # noqa: F401

    imported = time.monotonic() - begun
    say_machine()
    print(f"{arguments.hosts} hosts; importing paramiko takes {imported:.2f} s, once")
    ratio = compare(arguments.hosts, NO_DELAY, AT_ONCE, arguments.rounds)
    met = judge("connect, facts and close, hosts that answer at once", ratio, GOAL)
    slow = compare(arguments.hosts, 1.0, 64, max(1, arguments.rounds // 2))
    print(f"      the same with the recorded delays, 64 at once as an audit has it: {slow:.3f}")
    return finish([met])


if __name__ == "__main__":
    sys.exit(main())
