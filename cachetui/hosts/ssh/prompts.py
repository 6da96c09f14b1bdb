"""Whom to ask for a passphrase, and whether to trust a host key that nothing is known about."""

from __future__ import annotations

import atexit
import contextlib
import os
import threading
from collections.abc import Callable
from typing import Protocol, TypeVar

from cachetui.hosts.ready_files import ready
from cachetui.hosts.ssh.errors import Deadline

Answer = TypeVar("Answer")

ANSWER_SECONDS = 300.0
"""How long a terminal waits for an answer; at night there is none."""

MOST_ANSWER_SECONDS = 3600.0
"""How long an answer can take at most, with all the questions that are asked before it."""


class SshPrompts(Protocol):
    """What a user interface offers to a fleet that is being connected. Any thread calls it, one
    at a time for a key file. After `MOST_ANSWER_SECONDS` nobody waits for an answer any more."""

    def passphrase(self, path: str) -> str | None:
        """The passphrase of a private key file, None when there is nobody to ask."""
        ...

    def unknown_host_key(self, host: str, key_type: str, fingerprint: str) -> bool:
        """Whether the user, having compared the fingerprint, trusts a host's key from now on.

        Asked only where nothing is known of the host, never about a key that has changed.
        """
        ...


def answer(question: Callable[[], Answer], refused: Answer, deadline: Deadline) -> Answer:
    """What the user answers; `refused` where that takes longer than prompts allow.

    Raises ConnectError when the deadline is called off: its time is not the user's.
    """
    try:
        return deadline.restarted(MOST_ANSWER_SECONDS).give(question)
    except TimeoutError:
        return refused


class TerminalPrompts:
    """Asks for passphrases where there is a terminal, and never trusts an unknown host key."""

    def __init__(self) -> None:
        self._one_at_a_time = threading.Lock()

    def passphrase(self, path: str) -> str | None:
        with self._one_at_a_time:
            try:
                terminal = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY)
            except OSError:
                return None
            try:
                return _line_without_echo(terminal, f"Passphrase for {path}: ")
            finally:
                os.close(terminal)

    def unknown_host_key(self, host: str, key_type: str, fingerprint: str) -> bool:  # noqa: ARG002
        return False


def _line_without_echo(terminal: int, question: str) -> str | None:
    """A line typed at a terminal; None at its end, or when none comes within the time."""
    import termios

    try:
        attributes = termios.tcgetattr(terminal)
    except termios.error:
        return None

    def restore() -> None:
        with contextlib.suppress(termios.error):
            termios.tcsetattr(terminal, termios.TCSAFLUSH, attributes)

    # An interrupt ends the main thread, not this one: without this the terminal would be left
    # without echo.
    atexit.register(restore)
    try:
        silent = list(attributes)
        silent[3] &= ~termios.ECHO
        termios.tcsetattr(terminal, termios.TCSAFLUSH, silent)
        os.write(terminal, question.encode())
        # The terminal hands out whole lines, so the first read has all of it.
        typed = ready(ANSWER_SECONDS, to_read=[terminal]) and os.read(terminal, 4096)
        os.write(terminal, b"\n")
    except (OSError, termios.error):
        return None
    finally:
        restore()
        atexit.unregister(restore)
    return typed.decode("utf-8", "replace").rstrip("\r\n") if typed else None
