"""The process ends without taking the interpreter down under threads that still run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import atexit, sys, threading, time
from cachetui.cli.failures import end_despite_threads

class Last:
    def __del__(self):
        print("interpreter taken down", flush=True)

def work():
    time.sleep(0.3)
    print("work done")

last = Last()
atexit.register(print, "exit handler called")
threading.Thread(target=work).start()
if {daemon}:
    threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
end_despite_threads(SystemExit({code}))
sys.exit({code})
"""

LINES = ["work done", "exit handler called"]


def _run(daemon: bool, code: object, stdout: int = subprocess.PIPE) -> tuple[int, list[str]]:
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(daemon=daemon, code=code)],
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        timeout=30,
        env={key: value for key, value in os.environ.items() if key != "PYTHONUNBUFFERED"},
    )
    return ended.returncode, (ended.stdout or "").splitlines()


@pytest.mark.parametrize(("code", "told"), [(0, 0), (None, 0), (1, 1), (130, 130)])
def test_with_a_daemon_thread(code: int | None, told: int) -> None:
    assert _run(True, code) == (told, LINES)


def test_without_one_python_ends_as_ever() -> None:
    assert _run(False, 3) == (3, [*LINES, "interpreter taken down"])


def test_a_result_that_could_not_be_written_is_no_success() -> None:
    with Path("/dev/full").open("w") as full:
        assert _run(True, 0, stdout=full.fileno())[0] == 2
