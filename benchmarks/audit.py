"""An audit of one lab host against the same commands typed over one OpenSSH connection.

Twice: builds of about 10 s in all, and tiny ones, which leave the fixed cost. Typed are, once,
the docker builds alone, which is what one would do by hand, and once every command that the audit
ran on the host (facts, upload, images, inspect, removal, build cache), which leaves what cachetui
and its SSH cost. The long steps print and sleep, so that other work on the machine is not
measured. In both the connection is made first, and that counts.
"""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import DEVNULL, run

import msgspec
from _common import (
    finish,
    folder,
    judge,
    median,
    options,
    say_machine,
    settings_of,
    spread,
    ssh_words,
)

from cachetui.audit.audit import new_audit_id
from cachetui.config.settings import HostSettings, Settings, folder_build
from cachetui.core import Core, Options
from cachetui.demo.placeholders import normalise
from cachetui.hosts.asked_ahead import MARK
from cachetui.hosts.machine import Cancel, Completed, HostConnector, Machine, OnOutput
from cachetui.store.database import Store

RATIO_GOAL = 1.03
FIXED_GOAL = 0.4
STEP = "RUN i=0; while [ $i -lt 40 ]; do i=$((i + 1)); echo line $i; sleep {pause}; done\n"
LONG = "FROM base:1\nCOPY salt /salt\n" + STEP.format(pause=0.05) + STEP.format(pause=0.06)
TINY = "FROM base:1\nCOPY salt /salt\nRUN cat /salt\n"


@dataclass
class Noted:
    """A command that an audit ran, its input whole, and its seconds."""

    command: str
    stdin: bytes
    seconds: float

    @property
    def build(self) -> bool:
        return "DOCKER_BUILDKIT=" in self.command.split(" docker ", 1)[0]

    @property
    def kind(self) -> str:
        """What it is for, in a word or two."""
        kinds = {
            "cachetui-facts": "facts",
            MARK: "questions together",
            "image ls": "image ls",
            "system df": "system df -v",
            "image inspect": "image inspect",
            " rmi ": "removal",
            "builder prune": "drop mounts",
            "contexts/": "context",
        }
        found = (name for mark, name in kinds.items() if mark in self.command)
        return "build" if self.build else next(found, "other")


@dataclass
class Noting:
    """A connector whose machines note what they run."""

    connector: HostConnector
    noted: list[Noted] = field(default_factory=list)
    connecting: float = 0.0

    def connect(self, host: HostSettings, cancel: Cancel | None = None) -> Machine:
        begun = time.monotonic()
        machine = self.connector.connect(host, cancel)
        self.connecting = time.monotonic() - begun
        return NotingMachine(machine, self.noted)


class NotingMachine:
    """A machine whose commands are noted."""

    def __init__(self, machine: Machine, noted: list[Noted]) -> None:
        self.name = machine.name
        self._machine = machine
        self._noted = noted

    def run(
        self,
        command: str,
        *,
        stdin: Iterable[bytes] | bytes = b"",
        timeout: float,
        cancel: Cancel | None = None,
    ) -> Completed:
        data = stdin if isinstance(stdin, bytes) else b"".join(stdin)
        begun = time.monotonic()
        done = self._machine.run(
            command,
            stdin=data if isinstance(stdin, bytes) else iter((data,)),
            timeout=timeout,
            cancel=cancel,
        )
        self._noted.append(Noted(command, data, time.monotonic() - begun))
        return done

    def stream(
        self,
        command: str,
        on_output: OnOutput,
        *,
        timeout: float,
        cancel: Cancel | None = None,
    ) -> int:
        begun = time.monotonic()
        status = self._machine.stream(command, on_output, timeout=timeout, cancel=cancel)
        self._noted.append(Noted(command, b"", time.monotonic() - begun))
        return status

    def hold(self, *_: object) -> None: ...

    def release(self) -> bool:
        return True

    def close(self) -> None:
        self._machine.close()


@dataclass
class Round:
    """Seconds of an audit, of the builds alone, and of all its commands; and what it ran."""

    audit: float
    builds: float
    commands: float
    connecting: float
    noted: list[Noted]


def audit(settings: Settings, host: HostSettings, build: Path, store: Path) -> tuple[float, Noting]:
    """Seconds of an audit with nothing stored, and its notes."""
    begun = time.monotonic()
    core = Core(settings, Store(store))
    noting = Noting(core.connector)
    core.connector = noting
    chosen = msgspec.structs.replace(folder_build(build), network="none")
    document = core.prepare(chosen, [host], Options(fresh=True)).run()
    seconds = time.monotonic() - begun
    core.store.close()
    assert {one.status for one in document.runs} == {"ok"}, document.hosts
    return seconds, noting


@contextmanager
def master(host: HostSettings) -> Iterator[list[str]]:
    """One OpenSSH connection, shared by the commands typed over it."""
    with folder() as place:
        words = ssh_words(host, "-S", str(place / "s"))
        run([*words[:1], "-M", "-N", "-f", *words[1:]], check=True, stdin=DEVNULL, stderr=DEVNULL)
        try:
            yield words
        finally:
            run([*words[:1], "-O", "exit", *words[1:]], check=False, capture_output=True)


def typed(host: HostSettings, noted: list[Noted]) -> float:
    """Seconds that the commands take over one OpenSSH connection, it being made included. They
    are those of another audit, so that nothing is found that the first one left."""
    audits = (normalise(one.command)[1].get("audit") for one in noted)
    old, new = next(filter(None, audits)), new_audit_id()
    begun = time.monotonic()
    with master(host) as words:
        for one in noted:
            command = one.command.replace(old, new)
            run([*words, command], input=one.stdin, capture_output=True, check=False)
        seconds = time.monotonic() - begun
        listed = f"docker image ls -q --filter reference='cachetui:{new}-*'"
        run([*words, f"docker rmi -f $({listed})"], capture_output=True, check=False)
    return seconds


def measure(settings: Settings, host: HostSettings, text: str, rounds: int) -> list[Round]:
    """Interleaved rounds of one build, each of a context of its own."""
    found = []
    with folder() as place:
        for number in range(rounds + 1):
            build = place / f"build-{number}"
            build.mkdir()
            (build / "Dockerfile").write_text(text)
            (build / "salt").write_text(f"{time.time_ns()}\n")
            seconds, noting = audit(settings, host, build, place / f"store-{number}")
            builds = typed(host, [one for one in noting.noted if one.build])
            commands = typed(host, noting.noted)
            if number:  # the first one warms imports and page caches
                found.append(Round(seconds, builds, commands, noting.connecting, noting.noted))
    return found


def tell(rounds: list[Round]) -> None:
    """Print the times, and where an audit's go."""
    print(f"      audit {spread([one.audit for one in rounds])}")
    print(f"      builds typed {spread([one.builds for one in rounds])}")
    print(f"      all its commands typed {spread([one.commands for one in rounds])}")
    spent: defaultdict[str, list[float]] = defaultdict(list)
    for one in rounds:
        here: defaultdict[str, float] = defaultdict(float)
        for note in one.noted:
            here[note.kind] += note.seconds
        here["connect"] = one.connecting
        here["between commands"] = one.audit - sum(here.values())
        for kind, seconds in here.items():
            spent[kind].append(seconds)
    shown = sorted(spent.items(), key=lambda item: -median(item[1]))
    print("      of the audit: " + ", ".join(f"{k} {median(v):.2f} s" for k, v in shown))


def main() -> int:
    """Print the ratios."""
    parser = options(__doc__, rounds=3)
    parser.add_argument("--host", default="new", help="the host to audit (new)")
    arguments = parser.parse_args()
    met = []
    with settings_of(arguments.hosts) as settings:
        host = next(one for one in settings.hosts if one.name == arguments.host)
        say_machine(f"host {host.name}")
        print("builds of about 10 s in all")
        rounds = measure(settings, host, LONG, arguments.rounds)
        tell(rounds)
        for what, of in (("builds", "builds"), ("all its commands", "commands")):
            ratio = median([one.audit / getattr(one, of) for one in rounds])
            met.append(judge(f"audit ÷ {what} typed", ratio, RATIO_GOAL))
        print("tiny builds")
        rounds = measure(settings, host, TINY, arguments.rounds)
        tell(rounds)
        for what, of in (("builds", "builds"), ("all its commands", "commands")):
            fixed = median([one.audit - getattr(one, of) for one in rounds])
            met.append(judge(f"audit − {what} typed", fixed, FIXED_GOAL, " s"))
    return finish(met)


if __name__ == "__main__":
    sys.exit(main())
