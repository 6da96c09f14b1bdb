"""What is done before a process is ended, whatever its threads wait for."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

ENDING = """
import time
from cachetui.tui.terminal_gone import at_forced_end, end_process_in

def last():
    LAST

with at_forced_end(last):
    end_process_in(0.1, 7)
    time.sleep(60)
"""


@pytest.mark.parametrize(
    ("last", "said"),
    [
        ("print('removed', flush=True)", "removed"),
        ("time.sleep(60)", ""),
        ("raise OSError('gone')", ""),
    ],
)
def test_it_is_called_and_cannot_hold_the_end_up(last: str, said: str) -> None:
    begun = time.monotonic()
    text = ENDING.replace("LAST", last)
    done = subprocess.run(
        [sys.executable, "-c", text], capture_output=True, text=True, timeout=50, check=False
    )
    assert done.returncode == 7, done.stderr
    assert done.stdout.strip() == said
    assert time.monotonic() - begun < 30


def test_what_was_left_is_not_called() -> None:
    text = ENDING.replace("LAST", "print('removed', flush=True)")
    text = text.replace("    end_process_in(0.1, 7)\n    time.sleep(60)", "    pass")
    text += "end_process_in(0.1, 7)\ntime.sleep(60)\n"
    done = subprocess.run(
        [sys.executable, "-c", text], capture_output=True, text=True, timeout=50, check=False
    )
    assert (done.returncode, done.stdout) == (7, "")
