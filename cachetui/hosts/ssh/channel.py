"""A transport whose channels send nothing after their own close.

The library makes a message under a channel's lock and sends it after: where the other side closes
the channel in between, the library's thread is first with the answer. sshd ends a whole connection
for data or an end of input of a channel that is closed, with all its builds, or all the hosts
behind it where it is a jump host's. (paramiko's issues 1115, 1584 and 1705.)
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import paramiko


class Channel(paramiko.Channel):
    """A channel whose close waits until what was begun before has been sent.

    Nothing waits for a close but the close itself: no lock is held while something is sent, which
    the library's thread may have to make way for (a new exchange of keys).
    """

    _sending = 0
    _last: tuple[paramiko.Message | None, ...] = ()

    def _close_internal(self) -> tuple[paramiko.Message | None, ...]:
        """The messages of the close; none where they are for the last sender to send."""
        messages: tuple[paramiko.Message | None, ...] = super()._close_internal()  # type: ignore[misc]
        if self._sending and any(messages):
            self._last, messages = messages, ()
        return messages

    @contextmanager
    def _before_the_close(self) -> Iterator[None]:
        with self.lock:
            self._sending += 1
        try:
            yield
        finally:
            with self.lock:
                self._sending -= 1
                last: tuple[paramiko.Message | None, ...] = ()
                if not self._sending:
                    last, self._last = self._last, ()
            for message in last:
                if message is not None:
                    cast(Any, self.transport)._send_user_message(message)

    def _send(self, s: bytes, m: paramiko.Message) -> int:
        with self._before_the_close():
            return int(super()._send(s, m))  # type: ignore[misc]

    def recv(self, nbytes: int) -> bytes:
        """As the library's. Reading sends, too: how much more may come."""
        with self._before_the_close():
            return super().recv(nbytes)

    def recv_stderr(self, nbytes: int) -> bytes:
        """As the library's; see `recv`."""
        with self._before_the_close():
            return super().recv_stderr(nbytes)

    def shutdown(self, how: int) -> None:
        """As the library's."""
        with self._before_the_close():
            super().shutdown(how)


class Transport(paramiko.Transport):
    """A transport whose channels are such."""

    def open_channel(self, *args: Any, **options: Any) -> paramiko.Channel:
        """As the library's."""
        channel = super().open_channel(*args, **options)
        # The library knows no class but its own; nothing has been sent through it yet.
        channel.__class__ = Channel
        return channel
