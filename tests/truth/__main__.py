"""`python -m tests.truth [N=cases] [SEED=first number, or KIND:NUMBER] [LAB=folder] [MINUTES=…]`.

Exit status 1 when a verdict is wrong, odd or broken, or more than 5% are silent.
"""

from __future__ import annotations

import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from tests.lab import Lab
from tests.truth.case import Case, case_of, names
from tests.truth.hosts import share_props, sweep
from tests.truth.outcome import Outcome
from tests.truth.play import play

SWEEP_EVERY = 2
"""Cases after which what they left is removed: an audit lists all images of a host, which takes
long where there are many."""


def main(arguments: list[str]) -> int:
    options = dict(word.partition("=")[::2] for word in arguments)
    seed = options.get("SEED") or "0"
    count = int(options.get("N") or 40)
    chosen = list(names(count, int(seed))) if seed.isdecimal() else seed.split(",")
    until = time.monotonic() + 60 * float(options.get("MINUTES") or 600)
    outcome = Outcome()
    with ExitStack() as stack:
        root = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="truth-")))
        if options.get("LAB"):
            lab = Lab.at(Path(options["LAB"]))
        else:
            lab = stack.enter_context(Lab(Path(f"{root}-lab")))
        share_props(lab)
        for number, name in enumerate(chosen):
            if time.monotonic() > until:
                print(f"time is up after {number} of {len(chosen)} cases", flush=True)
                break
            if number % SWEEP_EVERY == SWEEP_EVERY - 1:
                sweep(lab)
            _one(lab, case_of(name), root / "case", outcome, f"{number + 1}/{len(chosen)}")
    print(*outcome.table(), sep="\n")
    return 0 if outcome.holds else 1


def _one(lab: Lab, case: Case, folder: Path, outcome: Outcome, place: str) -> None:
    played = play(lab, case, folder)
    failures = outcome.add(case, played)
    words = ", ".join(sorted({failure.verdicts[0].word for failure in failures})) or "right"
    print(f"{place} {case.name} ({case.change.about}): {words}, {played.seconds:.1f} s", flush=True)
    for failure in failures:
        print(failure, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
