"""The default prompts: in a terminal it asks without echo, without one it does not."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import termios
import time
from pathlib import Path

from cachetui.hosts.ssh.prompts import TerminalPrompts

CODE = """
from cachetui.hosts.ssh.prompts import TerminalPrompts
print(repr(TerminalPrompts().passphrase('/k')))
"""


def test_without_a_terminal() -> None:
    done = subprocess.run(
        [sys.executable, "-c", CODE],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        start_new_session=True,
        timeout=60,
        check=True,
    )
    assert done.stdout == b"None\n"


def test_in_a_terminal() -> None:
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(Path(__file__).parents[2])
        os.execv(sys.executable, [sys.executable, "-c", CODE])
    said = b""
    deadline = time.monotonic() + 30
    while b"Passphrase for /k: " not in said and time.monotonic() < deadline:
        said += os.read(terminal, 1000)
    os.write(terminal, b"open sesame\n")
    try:
        while time.monotonic() < deadline:
            said += os.read(terminal, 1000)
    except OSError:
        pass
    os.waitpid(pid, 0)
    os.close(terminal)
    assert said.count(b"open sesame") == 1, "it is printed by the test's program, and not echoed"
    assert b"'open sesame'" in said


def test_a_terminal_at_which_nobody_sits() -> None:
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(Path(__file__).parents[2])
        patch = "from cachetui.hosts.ssh import prompts; prompts.ANSWER_SECONDS = 0.5\n"
        os.execv(sys.executable, [sys.executable, "-c", patch + CODE])
    echo = termios.tcgetattr(terminal)[3] & termios.ECHO
    said = b""
    deadline = time.monotonic() + 30
    try:
        while time.monotonic() < deadline:
            said += os.read(terminal, 1000)
    except OSError:
        pass
    os.waitpid(pid, 0)
    after = termios.tcgetattr(terminal)[3] & termios.ECHO
    os.close(terminal)
    assert b"Passphrase for /k: \r\nNone" in said
    assert after == echo != 0


def test_unknown_host_keys_are_never_trusted() -> None:
    assert TerminalPrompts().unknown_host_key("h", "ssh-ed25519", "SHA256:x") is False
