"""In a real terminal: it is left as it was found, whatever happens."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from fcntl import ioctl
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LEFT_ALTERNATE_SCREEN = b"\x1b[?1049l"
SHOWS_CURSOR = b"\x1b[?25h"
PATIENCE = 20.0


class Terminal:
    """The app on a pseudo terminal."""

    def __init__(self, what: str, **environment: str) -> None:
        self.master, slave = pty.openpty()
        ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.before = termios.tcgetattr(slave)
        self.slave = slave
        self.output = b""
        env = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "CI")}
        env |= {"TERM": "xterm-256color", "COLORTERM": "truecolor", "PYTHONPATH": str(ROOT)}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.tui.terminal_app", what],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=ROOT,
            env=env | environment,
            start_new_session=True,
        )

    def read(self, seconds: float = 0.05) -> None:
        """Take what the app has written."""
        ready, _, _ = select.select([self.master], [], [], seconds)
        if ready:
            self.output += os.read(self.master, 1 << 16)

    def see(self, *words: str) -> None:
        """Go on until the words have been written."""
        end = time.monotonic() + PATIENCE
        while not all(word in self.text() for word in words):
            assert time.monotonic() < end, (words, self.text()[-2000:])
            assert self.process.poll() is None, self.text()[-2000:]
            self.read()

    def text(self) -> str:
        """What was written, without escape sequences."""
        return re.sub(r"\x1b\[[0-?]*[ -/]*[@-~]", "", self.output.decode("utf-8", "replace"))

    def press(self, keys: bytes) -> None:
        os.write(self.master, keys)

    def end(self) -> int:
        """Wait for the end: the exit code. How long it took is benchmarks/app.py's to say."""
        begun = time.monotonic()
        while self.process.poll() is None:
            assert time.monotonic() < begun + PATIENCE, "it does not end"
            self.read(0.02)
        self.read()
        return self.process.returncode

    def assert_restored(self) -> None:
        """The terminal is as it was found."""
        assert LEFT_ALTERNATE_SCREEN in self.output
        assert SHOWS_CURSOR in self.output
        assert termios.tcgetattr(self.slave)[:4] == self.before[:4]


def test_q_when_idle() -> None:
    terminal = Terminal("idle")
    terminal.see("runs api on")
    terminal.press(b"qq")
    assert terminal.end() == 0
    terminal.assert_restored()


@pytest.mark.fault("signal")
@pytest.mark.parametrize("what", ["audit", "stubborn"])
def test_leaving_an_audit_asks_once_and_leaves(what: str) -> None:
    terminal = Terminal(what)
    terminal.see("running")
    terminal.press(b"\x03")
    terminal.see("Leave while the audit runs?")
    terminal.press(b"\x03")
    assert terminal.end() == 130
    terminal.assert_restored()


@pytest.mark.fault("secret-in-messages")
def test_a_crash_leaves_the_terminal_well_and_no_values_of_variables() -> None:
    terminal = Terminal("crash")
    terminal.see("done")
    terminal.press(b"f")
    assert terminal.end() == 2
    terminal.assert_restored()
    after = terminal.output.split(LEFT_ALTERNATE_SCREEN)[-1].decode()
    assert "broken on purpose" in after
    assert "hunter2" not in after


@pytest.mark.fault("signal")
def test_a_signal_ends_it_well() -> None:
    terminal = Terminal("audit")
    terminal.see("running")
    terminal.process.send_signal(signal.SIGTERM)
    assert terminal.end() == 130
    terminal.assert_restored()


def test_no_color_by_presence() -> None:
    terminal = Terminal("idle", NO_COLOR="")
    terminal.see("runs api on")
    terminal.press(b"qq")
    terminal.end()
    colors = {
        tuple(int(part) for part in found)
        for found in re.findall(rb"[34]8;2;(\d+);(\d+);(\d+)", terminal.output)
    }
    assert all(red == green == blue for red, green, blue in colors)
