"""A second audit of a build that is stored already: four hosts, five scenarios.

Nothing is built; every host is still connected to and asked for its facts, since they decide
whether what is stored answers. Measured in one process that is warm, and as the whole command,
Python's start and imports included.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import msgspec
from _common import finish, folder, judge, median, options, say_machine, settings_of, spread

from cachetui.config.settings import Settings, folder_build
from cachetui.core import Core, Options
from cachetui.hosts.connect import Connector
from cachetui.hosts.facts import ask_facts
from cachetui.records.scenario import CONTROLLED
from cachetui.store.database import Store

GOAL = 0.8
SCENARIOS = tuple(scenario.name for scenario in CONTROLLED)
BUILD = "FROM base:1\nCOPY salt /salt\nRUN cat /salt && echo done\n"


def audit(settings: Settings, build: Path, store: Path) -> tuple[float, int]:
    """Seconds of an audit, and how many of its runs were stored."""
    begun = time.monotonic()
    core = Core(settings, Store(store))
    chosen = msgspec.structs.replace(folder_build(build), network="none")
    document = core.prepare(chosen, settings.hosts, Options(scenarios=SCENARIOS)).run()
    seconds = time.monotonic() - begun
    core.store.close()
    assert {one.status for one in document.runs} == {"ok"}, document.hosts
    return seconds, sum(one.stored for one in document.runs)


def command(settings: Settings, build: Path, store: Path) -> float:
    """Seconds of the whole command."""
    words = [sys.executable, "-m", "cachetui", "run", str(build), "--hosts", str(settings.path)]
    words += ["--network", "none", "--scenarios", ",".join(SCENARIOS)]
    begun = time.monotonic()
    done = subprocess.run(
        [*words, "--store", str(store), "--progress", "quiet", "--format", "json"],
        capture_output=True,
        check=False,
    )
    seconds = time.monotonic() - begun
    assert done.returncode in (0, 1), done.stderr.decode()
    assert done.stdout.count(b'"stored":true') + done.stdout.count(b'"stored": true') == 20
    return seconds


def facts_alone(settings: Settings) -> list[tuple[str, float]]:
    """What asking each host for its facts takes, one after the other, on an open connection."""
    connector = Connector()
    found = []
    for host in settings.hosts:
        machine = connector.connect(host)
        begun = time.monotonic()
        ask_facts(machine, host, ("base:1",))
        found.append((host.name, time.monotonic() - begun))
        machine.close()
    return found


def main() -> int:
    """Print the seconds."""
    arguments = options(__doc__, rounds=7).parse_args()
    with settings_of(arguments.hosts) as settings, folder() as place:
        build = place / "build"
        build.mkdir()
        (build / "Dockerfile").write_text(BUILD)
        (build / "salt").write_text(f"{time.time_ns()}\n")
        say_machine(f"{len(settings.hosts)} hosts, {len(CONTROLLED)} scenarios")
        first, _ = audit(settings, build, place / "store")
        warm: list[float] = []
        whole: list[float] = []
        for _ in range(arguments.rounds):
            seconds, stored = audit(settings, build, place / "store")
            assert stored == len(settings.hosts) * len(CONTROLLED)
            warm.append(seconds)
            whole.append(command(settings, build, place / "store"))
        print(f"      the first audit took {first:.1f} s")
        print(f"      in one process: {spread(warm)}; the whole command: {spread(whole)}")
        shown = ", ".join(f"{name} {seconds:.2f} s" for name, seconds in facts_alone(settings))
        print(f"      facts alone, one host at a time: {shown}")
        met = [
            judge("second audit, in one process", median(warm), GOAL, " s"),
            judge("second audit, the whole command", median(whole), GOAL, " s"),
        ]
    return finish(met)


if __name__ == "__main__":
    sys.exit(main())
