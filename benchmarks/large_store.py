"""A store of 10,000 audits: opened and listed, and the app's first frame with it and without.

The audits are small ones, of four runs each; what is listed does not depend on how large they are.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

import msgspec
from _common import finish, folder, judge, median, say_machine, spread
from app import OnTerminal

sys.path.insert(0, str(Path(__file__).parents[1]))
from cachetui.store.database import Store
from tests.make_records import document

_OPEN = """
import sys, time
from pathlib import Path
from cachetui.store.database import Store
begun = time.perf_counter()
store = Store(Path(sys.argv[1]))
opened = time.perf_counter()
found = len(store.audits())
print(opened - begun, time.perf_counter() - opened, found)
"""


def fill(place: Path, audits: int) -> None:
    """Keep that many."""
    store, one = Store(place), document()
    for number in range(audits):
        at = one.started_at - 60 * number
        store.keep_audit(msgspec.structs.replace(one, audit=f"audit-{number}", started_at=at))
    store.close()


def opening(place: Path, rounds: int) -> tuple[list[float], list[float]]:
    """Seconds to open it, and to list all, each time in a new process."""
    opened, listed = [], []
    for _ in range(rounds):
        done = subprocess.run(
            [sys.executable, "-c", _OPEN, str(place)], check=True, capture_output=True, text=True
        )
        times = done.stdout.split()
        opened.append(float(times[0]))
        listed.append(float(times[1]))
    return opened, listed


def first_frame(place: Path) -> float:
    """Seconds until the app shows its first frame with that store."""
    words = ("-m", "cachetui", "--hosts", f"{place}-hosts.toml", "--store", str(place))
    Path(f"{place}-hosts.toml").write_text('[[hosts]]\nname = "h"\naddress = "h.example.com"\n')
    terminal = OnTerminal(*words)
    seconds = terminal.until(b"Fleet")
    terminal.until(b"h.example.com")
    os.write(terminal.master, b"qq")
    terminal.end()
    return seconds


def first_frames(many: Path, one: Path, rounds: int) -> float:
    """How often the seconds with one audit the first frame takes with many; both are printed."""
    pairs = [(first_frame(many), first_frame(one)) for _ in range(rounds + 1)][1:]
    print(f"      first frame: {spread([a for a, _ in pairs])}, {spread([b for _, b in pairs])}")
    return median([a / b for a, b in pairs])


def main() -> int:
    """Print what it takes with 10,000 audits and with one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--audits", type=int, default=10_000, help="how many (10,000)")
    parser.add_argument("--rounds", type=int, default=7, help="rounds (7)")
    arguments = parser.parse_args()
    say_machine()
    with folder() as place:
        begun = time.monotonic()
        fill(place / "many", arguments.audits)
        print(f"      {arguments.audits} audits kept in {time.monotonic() - begun:.0f} s")
        fill(place / "one", 1)
        many, listed = opening(place / "many", arguments.rounds)
        one, _ = opening(place / "one", arguments.rounds)
        print(
            f"      opened: {spread(many)}, with one audit {spread(one)}; listed {spread(listed)}"
        )
        met = [judge(f"a store of {arguments.audits} audits opens", median(many), 0.2, " s")]
        frame = first_frames(place / "many", place / "one", arguments.rounds)
        met.append(judge("the app's first frame with it, over one with one audit", frame, 1.1))
    return finish(met)


if __name__ == "__main__":
    sys.exit(main())
