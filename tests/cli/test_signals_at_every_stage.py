"""A signal ends an audit at any stage within 5 s, and what had ended is stored."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cachetui.cli.interrupts import END_WITHIN
from cachetui.demo.fleet import BUILDS, Fleet, build_name, demo_fleet
from cachetui.store.database import Store

SOON = 15.0
"""Seconds. Five are promised, and a loaded machine is late."""
LINES = (1, 5, 9, 16, 20)
"""Lines of progress after which the signal comes: from connecting to tidying up. Four hosts connect
and sixteen runs end, so there are that many at least."""


@pytest.fixture(scope="module")
def slowly() -> Iterator[Fleet]:
    with demo_fleet(speed=20) as fleet:
        yield fleet


def run(fleet: Fleet, store: Path, number: int, after: int) -> tuple[int | None, str, str]:
    """The exit code of an audit, standard output, and progress, signalled after so many lines.
    Standard output is empty where a loaded machine let the time run out that is left to it."""
    words = ["run", build_name(BUILDS[0]), "--hosts", str(fleet.hosts_toml), "--store", str(store)]
    process = subprocess.Popen(
        [sys.executable, "-m", "cachetui", *words, "--progress", "plain", "--format", "json"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    printed: list[str] = []
    reading = threading.Thread(target=lambda: printed.append(process.stdout.read()))  # type: ignore[union-attr]
    reading.start()
    try:
        said = [process.stderr.readline() for _ in range(after)]
        begun = time.monotonic()
        process.send_signal(number)
        said.append(process.stderr.read())
        process.wait(30)
        assert (seconds := time.monotonic() - begun) < SOON
    finally:
        process.kill()
        process.wait(10)
        reading.join(10)
    assert printed[0] or (number != signal.SIGINT and seconds > END_WITHIN - 1)
    return process.returncode, printed[0], "".join(said)


@pytest.mark.fault("interrupted")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("after", LINES)
def test_it_ends_soon_and_keeps_what_had_ended(
    slowly: Fleet, tmp_path: Path, number: int, after: int
) -> None:
    code, printed, said = run(slowly, tmp_path / "s", number, after)
    over = "(16 of 16)" in said and code in (0, 1)  # it had ended before
    assert code == 130 or over, said
    assert "Traceback" not in said
    store = Store(tmp_path / "s")
    (entry,) = store.audits()
    kept = store.audit(entry.audit)
    assert kept is not None
    if printed:
        document = json.loads(printed)
        ended = {run["id"] for run in document["runs"] if run["status"] == "ok"}
        assert kept.audit == document["audit"]
        assert {run.id for run in kept.runs if run.status == "ok"} == ended
    assert {run.status for run in kept.runs} <= {"ok", "unsupported", "cancelled"}
    assert store.warnings == []
    assert not list(store.abandoned())
    store.close()
