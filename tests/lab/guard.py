"""The guardian of a lab: a process that takes the lab down when the one that started it dies."""

import os
import subprocess
import sys
from pathlib import Path

from tests.lab.teardown import take_down

PROJECT = Path(__file__).resolve().parents[2]


class Guard:
    """A child process that waits for the end of a pipe, which only this process holds open."""

    def __init__(self, folder: Path, token: str) -> None:
        self._child = subprocess.Popen(
            [sys.executable, "-m", "tests.lab", "guard", "--dir", str(folder), "--token", token],
            cwd=PROJECT,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def release(self) -> None:
        """Let the guardian go; it takes down what is left of the lab, if anything is."""
        assert self._child.stdin is not None
        self._child.stdin.close()
        self._child.wait(timeout=60)


def watch(folder: Path, token: str) -> None:
    """Be the guardian: wait until standard input ends, then take down the lab with this token."""
    while os.read(0, 1):
        pass
    take_down(folder, token)
