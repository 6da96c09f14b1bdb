"""All benchmarks, one after the other, and at the end one table of what has a goal: `make bench`.

Each script has its own time limit, and all of them together have one. What does not end in time, or
fails, is told in the table, and the exit code is 1 then; a goal that is missed is no failure.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from _common import ROWS, folder, say_machine, settings_of

HERE = Path(__file__).resolve().parent
ON_A_LAB = ("audit", "outputs", "stored")
"""Those that take `--hosts`: one lab serves them all."""

WITHOUT_GOALS = ("beyond_one_machine", "team_store")
"""Last, so that they miss the time rather than those with goals."""

MINUTES = 30.0
MOST_SECONDS = 360.0
"""Of one script."""

END_SECONDS = 30.0
"""That an interrupted script has to take down what it started."""

Row = tuple[str, str, str, str, str]


def run(name: str, words: Sequence[str], rows: Path, seconds: float) -> str:
    """Run a script with a time limit; "" when it ended well, or what went wrong."""
    print(f"== {name}", flush=True)
    environment = {**os.environ, ROWS: str(rows)}
    process = subprocess.Popen([sys.executable, str(HERE / f"{name}.py"), *words], env=environment)
    try:
        code = process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        return f"not done within {seconds:.0f} s"
    except BaseException:
        process.wait(END_SECONDS)  # a terminal interrupts both
        raise
    return f"failed, exit code {code}" if code else ""


class Bench:
    """The scripts that were run, and the rows that they made."""

    def __init__(self, rows: Path, minutes: float) -> None:
        self._rows = rows
        self._end = time.monotonic() + 60 * minutes
        self.troubles: list[Row] = []

    def run(self, names: Sequence[str], *words: str) -> None:
        for name in names:
            seconds = min(MOST_SECONDS, self._end - time.monotonic())
            begun = time.monotonic()
            trouble = run(name, words, self._rows, seconds) if seconds > 0 else "no time was left"
            if trouble:
                self.troubles.append((name, "the script", trouble, "", "**failed**"))
            print(f"== {name} took {time.monotonic() - begun:.0f} s", flush=True)

    def rows(self) -> list[Row]:
        """What was measured, in the order of the scripts."""
        lines = self._rows.read_text("utf-8").splitlines() if self._rows.exists() else []
        made = [json.loads(line) for line in lines]
        return [
            (one["script"], one["what"], one["value"], one["goal"],
             "met" if one["met"] else "**missed**")
            for one in made
        ]  # fmt: skip


def table(rows: Sequence[Row]) -> str:
    """A Markdown table whose columns stand below each other."""
    all_rows = [("script", "what", "measured", "goal", ""), *rows]
    widths = [max(len(row[column]) for row in all_rows) for column in range(5)]
    lines = [
        "| " + " | ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)) + " |"
        for row in all_rows
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def main() -> int:
    """Run them, print the table, and tell whether all scripts ended well."""
    known = sorted(path.stem for path in HERE.glob("[a-z]*.py"))
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these: peek, stored, …")
    parser.add_argument(
        "--minutes", type=float, default=MINUTES, help=f"that all may take together ({MINUTES:g})"
    )
    arguments = parser.parse_args()
    if unknown := [name for name in arguments.names if name not in known]:
        parser.error(f"no benchmark {', '.join(unknown)}; there are {', '.join(known)}")
    chosen = [name for name in known if name in (arguments.names or known)]
    begun = time.monotonic()
    with folder() as place:
        bench = Bench(place / "rows", arguments.minutes)
        if engines := [name for name in chosen if name in ON_A_LAB]:
            with settings_of(None) as settings:
                bench.run(engines, "--hosts", str(settings.path))
        bench.run([name for name in chosen if name not in ON_A_LAB + WITHOUT_GOALS])
        bench.run([name for name in chosen if name in WITHOUT_GOALS])
        rows = [*bench.rows(), *bench.troubles]
    print(f"\n{table(rows)}\n")
    missed = sum(row[-1] == "**missed**" for row in rows)
    say_machine(
        f"{(time.monotonic() - begun) / 60:.0f} min",
        f"{len(rows) - missed - len(bench.troubles)} goals met, {missed} missed",
    )
    return 1 if bench.troubles else 0


if __name__ == "__main__":
    sys.exit(main())
