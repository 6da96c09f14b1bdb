"""A peek at 200 recorded hosts, beside a full audit of them.

Peeks at the lab's four hosts are recorded first, which have the past that the demo's hosts have;
then as many hosts as are asked for answer as these did, with the recorded delays, served by
another process. The audit is of the same hosts as the demo has them recorded.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from contextlib import AbstractContextManager
from pathlib import Path

import msgspec
import psutil
from _common import finish, folder, judge, median, say_machine, serving, spread

sys.path.insert(0, str(Path(__file__).parents[1]))
from cachetui.audit.peek_results import peek_of
from cachetui.config import hosts_toml
from cachetui.config.settings import folder_build
from cachetui.core import Core, Options
from cachetui.demo.fleet import NETWORK, lay_out
from cachetui.demo.record import RecordingConnector, Transcript
from cachetui.demo.recording import Recording, Session, save
from cachetui.records.document import Document
from cachetui.store.database import Store
from tests.lab import Lab
from tests.record_demo import (
    BASE,
    NAMES,
    PASTS,
    check_out,
    checked,
    checkout_of,
    give_past,
    recording_of,
    scrub,
)
from tests.soak.soak import SoakCore

BUILD = "shop"
GOAL = 10.0
HOSTS = 200

_SERVE = """
import sys
from pathlib import Path
from cachetui.demo import fleet
from cachetui.demo.recording import decode

files = sorted(Path(sys.argv[2]).glob("*.json.gz"))
known = tuple(decode(file.read_bytes(), file.name) for file in files)
fleet.recordings = lambda made=fleet.recordings: known or made()
with fleet.demo_fleet(hosts=int(sys.argv[1])) as running:
    print(running.hosts_toml, flush=True)
    sys.stdin.read()
"""


def record(place: Path) -> None:
    """Peek at each of the lab's hosts, and keep what they answered below `place`."""
    with (
        Lab(Path(f"/tmp/cachetui-peek-{os.getpid()}")) as lab,
        tempfile.TemporaryDirectory() as work,
    ):
        for name in NAMES:
            save(_recorded(lab, name, Path(work) / name), place)


def _recorded(lab: Lab, name: str, work: Path) -> Recording:
    host, past = lab[name], PASTS[name, BUILD]
    host.docker("tag", "base:1", BASE)
    give_past(host, BUILD, past, work / "past" / BUILD)
    check_out(host, BUILD, past)
    if name == "ctd":
        host.import_base(BASE, {"etc/base-release": b"12.1\n"})
    transcript = Transcript(scrub(host))
    core = Core(hosts_toml.load(lab.hosts_toml), Store(work / "store"))
    core.connector = RecordingConnector(core.connector, {name: transcript})
    settings = msgspec.structs.replace(
        folder_build(lay_out(BUILD, work / BUILD)),
        network=NETWORK,
        context_on_host=str(checkout_of(host, BUILD)),
    )
    chosen = [one for one in core.settings.hosts if one.name == name]
    document = core.prepare(settings, chosen, Options(peek=("legacy", "buildkit"))).run()
    core.store.close()
    facts = document.hosts[0].facts
    assert facts is not None, document.hosts
    assert {run.status for run in document.runs} == {"ok"}, [run.reason for run in document.runs]
    exchanges = tuple(transcript.exchanges)
    session = Session(
        build=BUILD, before=past.told, scenarios=document.scenarios, exchanges=exchanges
    )
    return checked(lab, recording_of(name, facts, [session]))


def served(hosts: int, place: Path) -> AbstractContextManager[tuple[Path, psutil.Process]]:
    """The hosts.toml of so many hosts that answer as those recorded below `place`, as the demo's do
    where nothing is; and the process that serves them."""
    return serving(_SERVE, hosts, place)


def once(core: Core, options: Options) -> tuple[float, Document]:
    """Seconds from the command to its result, findings included."""
    begun = time.monotonic()
    build = core.settings.builds[f"recorded-{BUILD}"]
    document = core.prepare(build, core.settings.hosts, options).run()
    findings = core.findings(document)
    if options.peek:
        peek_of(document, findings, core.store)
    seconds = time.monotonic() - begun
    bad = [host for host in document.hosts if host.status != "ok"]
    assert not bad, (len(bad), bad[0].name, bad[0].reason)
    return seconds, document


def measure(what: str, options: Options, hosts: int, rounds: int, recorded: Path) -> float:
    """The seconds of `rounds` goes, each with a store of its own; their median."""
    took: list[float] = []
    with folder() as stores, served(hosts, recorded) as (toml, server):
        for number in range(rounds):
            core = SoakCore(hosts_toml.load(toml), Store(stores / str(number)))
            here, there = time.process_time(), sum(server.cpu_times()[:2])
            seconds, document = once(core, options)
            here, there = time.process_time() - here, sum(server.cpu_times()[:2]) - there
            took.append(seconds)
            slowest = max(_seconds(document).values())
            core.store.close()
            print(
                f"  {what}: {seconds:.1f} s; CPU {here:.1f} s here, {there:.1f} s of who answers; "
                f"{len(document.runs)} runs, the builds of the slowest host {slowest:.1f} s",
                flush=True,
            )
    print(f"      {what} of {hosts} hosts: {spread(took)}")
    return median(took)


def _seconds(document: Document) -> dict[str, float]:
    """Host → seconds of its builds."""
    seconds: dict[str, float] = {}
    for run in document.runs:
        seconds[run.host] = seconds.get(run.host, 0.0) + run.seconds
    return seconds


def main() -> int:
    """Print both, and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hosts", type=int, default=HOSTS, help=f"how many ({HOSTS})")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of the peek (3)")
    parser.add_argument(
        "--recorded",
        type=Path,
        help="a folder of recorded peeks; they are made there if it is empty",
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as nothing, tempfile.TemporaryDirectory() as made:
        place = arguments.recorded or Path(made)
        place.mkdir(exist_ok=True)
        if not any(place.iterdir()):
            record(place)
        say_machine()
        peeking = Options(peek=("legacy", "buildkit"))
        peek = measure("peek", peeking, arguments.hosts, arguments.rounds, place)
        full = measure("audit", Options(as_found=True), arguments.hosts, 1, Path(nothing))
    print(f"      peek over audit: {peek / full:.2f}")
    return finish([judge(f"peek of {arguments.hosts} hosts", peek, GOAL, " s")])


if __name__ == "__main__":
    sys.exit(main())
