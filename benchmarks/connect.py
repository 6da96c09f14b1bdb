"""Connect to 200 demo hosts, ask for their facts and close: beside `xargs -P32 ssh`, asyncssh and
fabric; and what it takes of this machine's CPU, a host, with 200 and with 500.

The server is the demo's, in a process of its own, and the same for all; so are the command and
what it prints. All have the same number under way. The recorded delays are taken out. Imports are
in no figure. asyncssh and fabric are installed into an environment of their own.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from _common import finish, judge, median, say_machine, spread, ssh_words, told

from cachetui.config import hosts_toml as config
from cachetui.config.settings import HostSettings
from cachetui.hosts.connect import Connector
from cachetui.hosts.facts import ask_facts
from cachetui.hosts.facts_script import facts_command
from cachetui.hosts.fan_out import run_on_all
from cachetui.records.host import HostFacts

AT_ONCE = 32
NO_DELAY = 1000.0
PORT = "@port@"
SSH = "xargs ssh"
GOALS = {SSH: 0.6, "fabric": 0.8, "asyncssh": 1.1}
"""Seconds over those of each."""

CPU_GOAL = 1.3
GROWTH_GOAL = 1.1
MANY = 500
ENVIRONMENT = Path(__file__).parents[1] / ".venv/peers"
PACKAGES = ("asyncssh==2.24.1", "fabric==3.2.3")

Took = tuple[float, float]
"""Seconds, and seconds of CPU here."""


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


def with_cachetui(hosts: Sequence[HostSettings], at_once: int | None) -> Took:
    """Every host's facts are parsed."""
    connector = Connector(ssh_config=None, system_config=None)

    def one(host: HostSettings) -> HostFacts:
        machine = connector.connect(host)
        try:
            return ask_facts(machine, host, ())
        finally:
            machine.close()

    begun, cpu = time.monotonic(), time.process_time()
    outcomes = run_on_all(hosts, one, at_once)
    took = time.monotonic() - begun, time.process_time() - cpu
    for outcome in outcomes:
        if outcome.error is not None:
            raise outcome.error
    return took


def command() -> str:
    """What asks a host for its facts."""
    return facts_command(("docker",), {}, (), "ab" * 16)


def with_ssh(hosts: Sequence[HostSettings], at_once: int) -> Took:
    """What the hosts print is thrown away. CPU is not measured: it is that of 200 processes."""
    words = ssh_words(hosts[0])
    words[words.index("-p") + 1] = PORT
    begun = time.monotonic()
    subprocess.run(
        ["xargs", f"-P{at_once}", f"-I{PORT}", *words, command()],
        input="".join(f"{host.port}\n" for host in hosts),
        text=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=True,
    )
    return time.monotonic() - begun, 0.0


def with_library(library: str, hosts: Sequence[HostSettings], at_once: int) -> Took:
    """By another library, in a process of its own."""
    asked = {
        "library": library,
        "command": command(),
        "at_once": at_once,
        "hosts": [
            {
                "address": host.address,
                "port": host.port,
                "user": host.user,
                "key": str(host.identity_file),
                "known_hosts": str(host.known_hosts),
            }
            for host in hosts
        ],
    }
    done = subprocess.run(
        [str(ENVIRONMENT / "bin/python"), str(Path(__file__).with_name("_peer_connects.py"))],
        input=json.dumps(asked),
        text=True,
        stdout=subprocess.PIPE,
        check=True,
    )
    seconds, cpu = json.loads(done.stdout)
    return seconds, cpu


def install() -> str:
    """Install the libraries that are compared; "" when they are there, or why not."""
    try:
        if not ENVIRONMENT.exists():
            subprocess.run([sys.executable, "-m", "venv", ENVIRONMENT], check=True)
        pip = [str(ENVIRONMENT / "bin/python"), "-m", "pip", "install", "-q"]
        subprocess.run(
            [*pip, "--disable-pip-version-check", *PACKAGES], check=True, capture_output=True
        )
    except (OSError, subprocess.CalledProcessError) as error:
        return f"not measured: {error}"
    return ""


def beside_others(hosts: int, rounds: int) -> list[bool]:
    """All in turn, with the same number at once; their ratios."""
    trouble = install()
    names = [name for name in GOALS if name == SSH or not trouble]
    took: dict[str, list[Took]] = {name: [] for name in ("cachetui", *names)}
    with demo(hosts, NO_DELAY) as fleet:
        with_cachetui(fleet[:4], 4)
        for _ in range(rounds):
            took["cachetui"].append(with_cachetui(fleet, AT_ONCE))
            for name in names:
                took[name].append(
                    with_ssh(fleet, AT_ONCE) if name == SSH else with_library(name, fleet, AT_ONCE)
                )
    met = []
    for name, found in took.items():
        cpu = 1000 * median([cpu for _, cpu in found]) / hosts
        words = "" if name == SSH else f"; {cpu:.1f} ms of CPU a host"
        print(f"      {name}, {AT_ONCE} at once: {spread([took for took, _ in found])}{words}")
    for name, goal in GOALS.items():
        what = f"connect, facts and close of {hosts} hosts, over {name}'s"
        if name in took:
            pairs = zip(took["cachetui"], took[name], strict=True)
            met.append(judge(what, median([own[0] / other[0] for own, other in pairs]), goal))
        else:
            met.append(told(what, trouble, f"≤ {goal:g}", False))
    what = "CPU here for them, over asyncssh's"
    if "asyncssh" in took:
        pairs = zip(took["cachetui"], took["asyncssh"], strict=True)
        met.append(judge(what, median([own[1] / other[1] for own, other in pairs]), CPU_GOAL))
    else:
        met.append(told(what, trouble, f"≤ {CPU_GOAL:g}", False))
    return met


def growing(hosts: int, rounds: int) -> bool:
    """CPU here a host of many hosts over that of some, all at once, in turn."""
    ratios = []
    with demo(MANY, NO_DELAY) as fleet:
        with_cachetui(fleet[:4], None)
        for _ in range(rounds):
            few, many = (
                1000 * with_cachetui(fleet[:count], None)[1] / count for count in (hosts, MANY)
            )
            print(f"      all at once: {few:.1f} ms of CPU a host of {hosts}, {many:.1f} of {MANY}")
            ratios.append(many / few)
    return judge(f"CPU here a host, {MANY} hosts over {hosts}", median(ratios), GROWTH_GOAL)


def main() -> int:
    """Print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hosts", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    say_machine()
    met = beside_others(arguments.hosts, arguments.rounds)
    met.append(growing(arguments.hosts, arguments.rounds))
    return finish(met)


if __name__ == "__main__":
    sys.exit(main())
