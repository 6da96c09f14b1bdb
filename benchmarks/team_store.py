"""A store in a folder and one in PostgreSQL, side by side: the same work, and the ratio.

The server is on this machine, reached by a socket, and writes to its disk before it answers, as a
team's does. Over a network each answer takes a round trip more: what is asked of the database is
counted too.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

from _common import folder, median, say_machine, spread

from cachetui.records.document import BuildRecord, Document
from cachetui.records.host import HostReport
from cachetui.records.run import Run
from cachetui.records.step import StepId
from cachetui.store.copying import copy_store
from cachetui.store.database import Store
from cachetui.store.log_writer import LogWriter
from cachetui.store.postgres.connections import Connections
from tests.postgres import Postgres

LOG = 40_000
LONG_LOG = 32 << 20
THREADS = 32


def made_log(path: Path, size: int) -> Path:
    """A log that cannot be compressed much."""
    writer, made = LogWriter(path), random.Random(size)
    for _ in range(0, size, 8192):
        writer.write(StepId(0, 1), made.randbytes(4096).hex().encode() + b"\n")
    writer.close()
    return path


def run_of(name: str, audit: str) -> Run:
    return Run(
        id=name, audit=audit, host="h", scenario="legacy-cold", repeat=1, status="ok",
        started_at=time.time(), seconds=1.5, of=f"key-{name}",
    )  # fmt: skip


class Work:
    """The work that is measured, on one store."""

    def __init__(self, store: Store, logs: Path, audits: int, runs: int) -> None:
        self.store = store
        self._log, self._long = logs / "log", logs / "long"
        self._audits, self._runs = audits, runs
        self._number = 0

    def fill(self) -> None:
        for number in range(self._audits):
            self._audit(f"a{number:05}")

    def _audit(self, name: str) -> None:
        runs = [run_of(f"{name}-{number}", name) for number in range(self._runs)]
        for run in runs:
            self.store.keep_run(run)
        self.store.keep_audit(
            Document(
                audit=name,
                build=BuildRecord(name="api", context_digest="sha256:0", dockerfile="Dockerfile"),
                hosts=(HostReport(name="h", status="ok"),),
                runs=tuple(runs),
                started_at=time.time(),
                seconds=2.0,
                version="0",
                scenarios=("legacy-cold",),
            )
        )

    def keep(self) -> None:
        """keep a run with its log"""
        self._number += 1
        name = f"new-{threading.get_ident()}-{self._number}-{time.time_ns()}"
        self.store.keep_run(run_of(name, "none"), log=self._log)

    def keep_at_once(self) -> None:
        """keep a run with its log, in each of 32 threads at once"""
        threads = [threading.Thread(target=self.keep) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def find(self) -> None:
        """find the stored run of a build"""
        assert self.store.find("key-a00000-0", 1e9) is not None

    def history(self) -> None:
        """list the history"""
        assert len(self.store.audits()) == self._audits

    def read(self) -> None:
        """read an audit with its runs"""
        found = self.store.audit("a00000")
        assert found is not None
        assert len(found.runs) == self._runs

    def keep_long(self) -> None:
        """keep a log of 32 MB"""
        self.store.keep_run(run_of("long", "none"), log=self._long)

    def tail(self) -> None:
        """open it and read its last lines"""
        log = self.store.log("long")
        assert log is not None
        with log:
            assert log.whole().tail(40)

    def whole(self) -> None:
        """read all of it"""
        log = self.store.log("long")
        assert log is not None
        with log:
            assert sum(1 for _ in log.whole()) > 1000

    def sizes(self) -> None:
        """say what takes how much"""
        assert self.store.kinds()


STEPS: tuple[tuple[Callable[[Work], None], int], ...] = (
    (Work.keep, 20), (Work.keep_at_once, 2), (Work.find, 50), (Work.history, 3), (Work.read, 10),
    (Work.keep_long, 1), (Work.tail, 3), (Work.whole, 1), (Work.sizes, 1),
)  # fmt: skip
"""What is measured, and how often in a round."""


@contextmanager
def asked() -> Iterator[list[int]]:
    """Counts what is asked of the database meanwhile."""
    count: list[int] = []
    do = Connections.do

    def counting(self: Connections, work: object) -> object:
        count.append(1)
        return do(self, work)  # type: ignore[arg-type]

    with mock.patch.object(Connections, "do", counting):
        yield count


def seconds(work: Work, step: Callable[[Work], None], times: int) -> float:
    begun = time.monotonic()
    for _ in range(times):
        step(work)
    return (time.monotonic() - begun) / times


def main() -> int:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--audits", type=int, default=200, help="audits that are stored (200)")
    parser.add_argument("--runs", type=int, default=10, help="runs of each (10)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds (3)")
    arguments = parser.parse_args()
    with folder() as place, mock.patch.dict(os.environ, {"XDG_CACHE_HOME": str(place)}):
        place.chmod(0o755)
        made_log(place / "log", LOG)
        made_log(place / "long", LONG_LOG)
        with Postgres(place / "pg", durable=True) as server:
            address = server.empty_database()
            say_machine(f"{arguments.audits} audits of {arguments.runs} runs")
            works = [
                Work(Store(where), place, arguments.audits, arguments.runs)
                for where in (place / "s", address)
            ]
            for work in works:
                work.fill()
            measure(works, arguments.rounds)
            copy(works[0].store, Store(place / "copy"), Store(address))
            for work in works:
                work.store.close()
    return 0


def measure(works: list[Work], rounds: int) -> None:
    """A line for each kind of work: both, the ratio, and questions to the database."""
    print(f"{'':<58}{'folder':>12}{'PostgreSQL':>12}{'ratio':>22}{'asked':>7}")
    for step, times in STEPS:
        with asked() as count:  # one after the other, so that both have the same load
            found = [
                (seconds(works[0], step, times), seconds(works[1], step, times))
                for _ in range(rounds)
            ]
        ratio = spread([database / own for own, database in found], "×")
        own, database = (median([pair[number] for pair in found]) for number in (0, 1))
        each = len(count) / rounds / times
        name = (step.__doc__ or "").strip()
        print(f"{name:<58}{own * 1e3:>9.2f} ms{database * 1e3:>9.2f} ms{ratio:>22}{each:>7.0f}")


def copy(source: Store, own: Store, database: Store) -> None:
    """How fast `store copy` is, folder to folder and folder to database."""
    for target, what in ((own, "folder to folder"), (database, "folder to PostgreSQL")):
        begun = time.monotonic()
        copied = copy_store(source, target)
        taken = time.monotonic() - begun
        print(
            f"store copy, {what}: {copied.copied} entries, {copied.bytes / 1e6:.0f} MB in "
            f"{taken:.2f} s ({copied.there} were there)"
        )


if __name__ == "__main__":
    sys.exit(main())
