"""Whom to ask for a passphrase, and whether to trust a host key that nothing is known about."""

from __future__ import annotations

import atexit
import contextlib
import os
from typing import Protocol


class SshPrompts(Protocol):
    """What a user interface offers to a fleet that is being connected. Any thread calls it, one
    at a time for a key file."""

    def passphrase(self, path: str) -> str | None:
        """The passphrase of a private key file, None when there is nobody to ask."""
        ...

    def unknown_host_key(self, host: str, key_type: str, fingerprint: str) -> bool:
        """Whether the user, having compared the fingerprint, trusts a host's key from now on.

        Asked only where nothing is known of the host, never about a key that has changed.
        """
        ...


class TerminalPrompts:
    """Asks for passphrases where there is a terminal, and never trusts an unknown host key."""

    def passphrase(self, path: str) -> str | None:
        import getpass
        import termios

        try:
            terminal = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY)
        except OSError:
            return None
        try:
            attributes = termios.tcgetattr(terminal)

            def restore() -> None:
                with contextlib.suppress(termios.error):
                    termios.tcsetattr(terminal, termios.TCSANOW, attributes)

            # An interrupt ends the main thread, not this one: without this the terminal would be
            # left without echo.
            atexit.register(restore)
            try:
                return getpass.getpass(f"Passphrase for {path}: ")
            except (EOFError, OSError):
                return None
            finally:
                restore()
                atexit.unregister(restore)
        finally:
            os.close(terminal)

    def unknown_host_key(self, host: str, key_type: str, fingerprint: str) -> bool:  # noqa: ARG002
        return False
