"""Audits of the recorded fleet in one process (2,000 take over half an hour), and what that holds
after 100, 500, 1,000 and all of them: memory of its own, threads, open file handles, child
processes, and the store.

An audit has four hosts and all scenarios of a recorded build, over SSH, the fleet being served by
another process; its findings are asked for. Nothing but the store may grow, and that as its runs.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from _common import finish, folder, judge, say_machine

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.soak.soak import Held, served, soak

STOPS = (100, 500, 1000)
AUDITS = 150
FLAT = 1.0
MEMORY_GOAL = 1.1
STORE_GOAL = 1.05


def tell(held: Held) -> None:
    """Print what is held, a line."""
    print(
        f"      {held.audits} audits, {held.runs} runs: {held.memory / 1e6:.1f} MB, "
        f"{held.threads} threads, {held.handles} handles, {held.children} children, "
        f"store {held.store / 1e6:.1f} MB",
        flush=True,
    )


def main() -> int:
    """Print the figures and the ratios of the last to the first."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--audits", type=int, default=AUDITS, help=f"audits ({AUDITS}), more than {STOPS[0]}"
    )
    parser.add_argument(
        "--small", action="store_true", help="audits of one of the hosts, in one scenario"
    )
    arguments = parser.parse_args()
    audits = arguments.audits
    say_machine(f"{audits} audits of {'one host' if arguments.small else 'four hosts'}")
    stops = (*(stop for stop in STOPS if stop < audits), audits)
    with served() as settings, folder() as place:
        found = []
        for held in soak(settings, place / "store", stops, small=arguments.small):
            tell(held)
            found.append(held)
    first, last = found[0], found[-1]
    return finish(
        [
            judge("memory, the last over the first", last.memory / first.memory, MEMORY_GOAL),
            judge("threads", last.threads / first.threads, FLAT),
            judge("file handles", last.handles / first.handles, FLAT),
            judge("child processes", last.children / first.children, FLAT),
            judge(
                "the store's bytes a run since, over before", last.store_growth(first), STORE_GOAL
            ),
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
