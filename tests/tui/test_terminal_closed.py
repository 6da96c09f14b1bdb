"""The terminal is closed while the app runs: its processes end soon, and what ended is stored."""

from __future__ import annotations

import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from fcntl import ioctl
from pathlib import Path

import pytest

from tests.hosts.sshd import until

ROOT = Path(__file__).parents[2]
END_WITHIN = 15.0
"""Seconds. Five are promised, and a loaded machine is late."""
PATIENCE = 30.0


class App:
    """A command on a pseudo terminal that can be closed; with `signals`, it is the process's own,
    so that closing it sends SIGHUP."""

    def __init__(self, *command: str, signals: bool, **environment: str) -> None:
        self.master, slave = pty.openpty()
        ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        env = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "CI")}
        env |= {"TERM": "xterm-256color", "PYTHONPATH": str(ROOT)}
        own = ["setsid", "--ctty"] if signals else ["setsid"]
        self.process = subprocess.Popen(
            [*own, sys.executable, "-m", *command],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=ROOT,
            env=env | environment,
        )
        os.close(slave)
        self.output = b""

    def see(self, *words: str) -> None:
        """Go on until the words have been written."""
        end = time.monotonic() + PATIENCE
        while not all(word.encode() in self.output for word in words):
            assert time.monotonic() < end, (words, self.output[-2000:])
            assert self.process.poll() is None, self.output[-2000:]
            if select.select([self.master], [], [], 0.05)[0]:
                self.output += os.read(self.master, 1 << 16)

    def close(self) -> None:
        os.close(self.master)
        self.master = -1

    def end(self, keep_open: bool = False) -> int:
        """Wait for its end: the exit code. It may take no longer than promised."""
        begun = time.monotonic()
        while self.process.poll() is None:
            assert time.monotonic() < begun + END_WITHIN, "it does not end"
            time.sleep(0.05)
            if keep_open and select.select([self.master], [], [], 0)[0]:
                os.read(self.master, 1 << 16)
        return self.process.returncode


@contextmanager
def app(*command: str, signals: bool = True, **environment: str) -> Iterator[App]:
    it = App(*command, signals=signals, **environment)
    try:
        yield it
    finally:
        if it.master >= 0:
            it.close()
        if it.process.poll() is None:
            it.process.kill()
            it.process.wait()


FAKE = "tests.tui.terminal_app"


@pytest.mark.fault("terminal-closed")
@pytest.mark.parametrize("signals", [True, False], ids=["with SIGHUP", "without a signal"])
@pytest.mark.parametrize("what", ["idle", "audit", "stubborn"])
def test_the_app_ends(what: str, signals: bool) -> None:
    with app(FAKE, what, signals=signals) as it:
        it.see("runs" if what == "idle" else "running")
        it.close()
        assert it.end() == 130


@pytest.mark.fault("terminal-closed")
@pytest.mark.parametrize("signals", [True, False], ids=["with SIGHUP", "without a signal"])
def test_in_a_dialog(signals: bool) -> None:
    with app(FAKE, "stubborn", signals=signals) as it:
        it.see("running")
        os.write(it.master, b"\x03")
        it.see("Leave while the audit runs?")
        it.close()
        assert it.end() == 130


@pytest.mark.fault("terminal-closed")
@pytest.mark.parametrize("signals", [True, False], ids=["with SIGHUP", "without a signal"])
@pytest.mark.parametrize("what", ["audit", "loading"])
def test_during_the_first_screen(what: str, signals: bool) -> None:
    """Also where loading the app takes long, as on a busy machine."""
    with app(FAKE, what, signals=signals) as it:
        it.see("Reading hosts.toml")
        it.close()
        it.end()


@pytest.mark.fault("terminal-closed")
@pytest.mark.parametrize("signals", [True, False], ids=["with SIGHUP", "without a signal"])
def test_while_the_terminal_takes_nothing(signals: bool) -> None:
    """Nothing is read: the writer waits, its queue fills up, and Textual's thread waits as well."""
    with app(FAKE, "audit", signals=signals, PACE="0.3") as it:
        it.see("running")
        time.sleep(4)
        it.close()
        assert it.end() == 130


@pytest.mark.fault("terminal-closed")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_while_the_terminal_takes_nothing(number: signal.Signals) -> None:
    with app(FAKE, "audit", signals=True, PACE="0.3") as it:
        it.see("running")
        time.sleep(4)
        it.process.send_signal(number)
        assert it.end() == 130


@pytest.mark.fault("terminal-closed")
@pytest.mark.parametrize("signals", [True, False], ids=["with SIGHUP", "without a signal"])
@pytest.mark.parametrize("table", [True, False], ids=["command line", "app"])
def test_the_demo_leaves_nothing(tmp_path: Path, table: bool, signals: bool) -> None:
    """A whole fleet, over SSH, with builds that take long."""
    options = ["--table"] if table else []
    with app(
        "cachetui", "demo", "--speed", "0.2", *options, signals=signals, TMPDIR=str(tmp_path)
    ) as it:
        it.see("building" if not table else " steps ")
        it.close()
        assert it.end() == 130
    assert gone_soon(tmp_path)


@pytest.mark.fault("terminal-closed")
@pytest.mark.parametrize("table", [True, False], ids=["command line", "app"])
def test_a_killed_demo_leaves_nothing(tmp_path: Path, table: bool) -> None:
    options = ["--table"] if table else []
    with app("cachetui", "demo", "--speed", "0.2", *options, TMPDIR=str(tmp_path)) as it:
        it.see("building" if not table else " steps ")
        assert list(tmp_path.iterdir())
        it.process.kill()
        it.process.wait()
    assert gone_soon(tmp_path)


def gone_soon(folder: Path) -> bool:
    """Whether the folder is empty once what removes its files has had time to end."""
    return until(lambda: not any(folder.iterdir()), PATIENCE)
