"""Comparing a large, ragged fleet: 500 hosts, seven scenarios, 100 steps.

Hosts differ in many ways at once: four base images, misses from any step on, some hosts without a
result. Measured in CPU time of this process, in halves, so that what grows faster than the fleet
shows. The goal is for all of it: groups of hosts, why they differ, and the table.
"""

from __future__ import annotations

import argparse
import random
import sys
import time

from _common import finish, judge, say_machine

from cachetui.compare.align import agree
from cachetui.records.document import Document
from cachetui.records.scenario import CONTROLLED
from cachetui.report.audit_report import AuditReport
from cachetui.report.formats.table import render
from tests.findings.making import audit, host, run, why

SECONDS_GOAL = 1.0
LINEAR_GOAL = 2.2
STEPS = 100
NAMES = tuple(scenario.name for scenario in CONTROLLED)
SCENARIOS = (*NAMES, "legacy-as-found", "buildkit-as-found")
TEXT = "FROM base:1\n" + "".join(f"RUN make part{number}\n" for number in range(STEPS - 1))


def fleet(count: int) -> Document:
    """That many hosts, each with its own past."""
    rng = random.Random(count)
    hosts = [
        host(f"ci-{number:03}", {"base:1": (f"sha256:{rng.choice('aaaabbcd')}",)})
        for number in range(count)
    ]
    runs = []
    for each in hosts:
        for scenario in SCENARIOS:
            hits = rng.choice((0, 0, 17, 60, STEPS - 1))
            if scenario.endswith("cold") or rng.random() < 0.02:
                hits = 0
            letters = "h" * hits + "m" * (STEPS - 1 - hits)
            runs.append(run(TEXT, letters, host=each.name, scenario=scenario))
    return audit(TEXT, runs, hosts=hosts)


def measure(count: int) -> dict[str, float]:
    """CPU seconds of each part."""
    document = fleet(count)
    begun = time.process_time()
    agree(document)
    compared = time.process_time()
    found = why(document)
    explained = time.process_time()
    render(AuditReport(document=document, findings=found, all_tables=False))
    return {
        "compare": compared - begun,
        "findings": explained - compared,
        "table": time.process_time() - explained,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hosts", type=int, default=500, help="hosts of the large fleet (500)")
    count = parser.parse_args().hosts
    say_machine(f"{len(SCENARIOS)} scenarios of {STEPS} steps")
    measure(8)
    half, whole = measure(count // 2), measure(count)
    met = []
    for part, took in whole.items():
        print(f"{part}: {half[part]:.2f} s for {count // 2} hosts, {took:.2f} s for {count}")
        met.append(judge(f"{part}, {count} hosts over half", took / half[part], LINEAR_GOAL))
    both = whole["compare"] + whole["findings"]
    met.append(judge("compare and findings", both, SECONDS_GOAL, " s"))
    return finish(met)


if __name__ == "__main__":
    sys.exit(main())
