"""A host over SSH: one connection, one channel for each command."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import cast

import paramiko

from cachetui.hosts.session import BLOCK, POLL, Session, SessionEnded, SessionMachine
from cachetui.hosts.ssh import transport as link
from cachetui.hosts.ssh.watchdog import Watchdog

OPEN_SECONDS = 15.0
"""Time deadline for a channel to open and for its command to start."""

SLOT_SECONDS = 10.0
"""How long sshd may refuse a session (MaxSessions) while no other of ours is open: it frees the
place of the last one when it has seen its command's end and the channel's, after we have."""

CLOSE_SECONDS = 1.0
"""How long sshd may take to close a channel whose command and outputs have ended."""

BEAT_AFTER = 5.0
"""Seconds of silence after which the host is asked whether it is there."""

BEAT_LIMIT = 15.0
"""Seconds that it may take to answer."""

_OPENING = Watchdog(OPEN_SECONDS)


class Heartbeat:
    """Finds a host whose sshd has stopped: TCP still answers for it, and a silent build looks
    just the same. A request that wants an answer tells them apart."""

    def __init__(self, transport: paramiko.Transport) -> None:
        self._transport = transport
        self._heard = self._checked = time.monotonic()
        self._asked: float | None = None

    def heard(self) -> None:
        """Something came from the host."""
        self._heard = time.monotonic()

    def check(self) -> None:
        """Ask when it is time to. Raises SessionEnded when an answer is overdue."""
        now = time.monotonic()
        asked, checked = self._asked, self._checked
        self._checked = now
        if asked is not None and now - checked > BEAT_AFTER:
            self._asked = now  # we were stopped ourselves: its answer may be there, unread
        elif asked is None:
            if now - self._heard > BEAT_AFTER:
                self._asked = now
                threading.Thread(target=self._ask, name="heartbeat", daemon=True).start()
        elif now - max(asked, self._heard) > BEAT_LIMIT:
            link.end(self._transport)
            raise SessionEnded(f"the host was silent for {now - self._heard:.0f} s")

    def _ask(self) -> None:
        # Returns with the answer, or when the transport ends.
        with contextlib.suppress(paramiko.SSHException, EOFError, OSError):
            self._transport.global_request("keepalive@openssh.com", wait=True)
        self.heard()
        self._asked = None


class SshMachine(SessionMachine):
    """A host over one SSH connection that is logged in already; `Connector` makes them."""

    def __init__(
        self,
        name: str,
        transport: paramiko.Transport,
        env: Mapping[str, str] | None = None,
        docker: Sequence[str] = (),
    ) -> None:
        super().__init__(name, env, docker)
        self._transport = transport
        self._heart = Heartbeat(transport)
        self._sessions: list[SshSession] = []
        self._had_sessions = False
        self._opening = threading.Lock()

    def _open(self, line: str, check: Callable[[], None]) -> Session:
        """See `SessionMachine._open`. A refused session has run nothing, so it is asked for again:
        as long as other sessions of this machine are open, and for `SLOT_SECONDS` after. The very
        first has none before it that would have to end."""
        refused_since: float | None = None
        pause = 0.005
        while True:
            session, alone, refusal = self._try_open(line)
            if session is not None:
                return session
            now = time.monotonic()
            if refused_since is None or not alone:
                refused_since = now
            if not self._had_sessions or now - refused_since > SLOT_SECONDS:
                raise self._error(
                    "shell",
                    f"sshd refused to open a session ({refusal})",
                    "raise MaxSessions in its sshd_config",
                )
            self._closing.wait(pause)
            pause = min(2 * pause, POLL)
            check()

    def _try_open(self, line: str) -> tuple[SshSession | None, bool, str]:
        """A session, or None and why sshd refused it; and whether no other of ours was open.

        One at a time: the library has one place for the reasons of all channels of a connection.
        """
        with self._opening:
            self._sessions = [one for one in self._sessions if not one.wait_for_close()]
            alone = not self._sessions
            try:
                session = self._start(line)
            except paramiko.ChannelException as error:
                return None, alone, error.text or str(error.code)
            self._sessions.append(session)
            self._had_sessions = True
            return session, alone, ""

    def _start(self, line: str) -> SshSession:
        """Open a channel and start the command. Raises HostError, and ChannelException where sshd
        refuses the channel."""
        self._heart.heard()
        try:
            with _OPENING.watching(lambda: link.end(self._transport)):
                channel = self._transport.open_session(timeout=OPEN_SECONDS)
                channel.exec_command(line)
        except paramiko.ChannelException:
            raise
        except (paramiko.SSHException, EOFError, OSError) as error:
            if self._closing.is_set():
                raise self._error("cancelled", "the connection was closed") from None
            if isinstance(error, paramiko.SSHException) and self._transport.is_active():
                raise self._error("shell", f"sshd refused to run a command ({error})") from None
            why = link.why_lost(self._transport)
            raise self._error("lost", f"the connection is gone: {why}") from None
        return SshSession(channel, self._transport, self._heart)

    def close(self) -> None:
        self._closing.set()
        link.end(self._transport)


class _Arrival:
    """One event for both outputs of a channel, as the library sets it: when something comes, and at
    an output's end. It clears it when one of them is empty, whatever the other has: not here."""

    def __init__(self, event: threading.Event) -> None:
        self.set = event.set

    def clear(self) -> None:
        pass


class SshSession(Session):
    """A channel with its command."""

    def __init__(
        self, channel: paramiko.Channel, transport: paramiko.Transport, heart: Heartbeat
    ) -> None:
        self._channel = channel
        self._transport = transport
        self._heart = heart
        self._open = {1, 2}
        self._arrived = threading.Event()
        for output in (channel.in_buffer, channel.in_stderr_buffer):
            output.set_event(cast(threading.Event, _Arrival(self._arrived)))
        self._input_ended = False
        self._abandoned = False

    def write(self, data: memoryview, wait: float) -> int | None:
        self._channel.settimeout(wait)
        try:
            return self._channel.send(bytes(data)) or None
        except TimeoutError:
            return 0
        except OSError:
            return None
        except (paramiko.SSHException, EOFError) as error:
            raise SessionEnded(str(error) or link.why_lost(self._transport)) from None

    def end_input(self) -> None:
        if not self._input_ended:
            self._input_ended = True
            with contextlib.suppress(paramiko.SSHException, EOFError, OSError):
                self._channel.shutdown_write()

    def read(self, wait: float) -> list[tuple[int, bytes]]:
        if not self._open:
            self._channel.status_event.wait(wait)
            return []
        self._arrived.clear()
        blocks = self._there()
        if not blocks and self._open and wait and self._arrived.wait(wait):
            blocks = self._there()
        if blocks:
            self._heart.heard()
        return blocks

    def _there(self) -> list[tuple[int, bytes]]:
        """What has come by now of each output."""
        channel = self._channel
        channel.settimeout(0.0)
        blocks = []
        for number, receive in ((2, channel.recv_stderr), (1, channel.recv)):
            if number in self._open:
                try:
                    block = receive(2 * BLOCK)
                except TimeoutError:
                    continue
                if block:
                    blocks.append((number, block))
                else:
                    self._open.discard(number)
        return blocks

    def finished(self) -> bool:
        return not self._open

    def status(self) -> int | None:
        if not self._channel.exit_status_ready():
            return None
        status = self._channel.recv_exit_status()
        if status == -1:
            # No status came. Either the connection died, which its thread is about to admit, or
            # a signal ended the command's shell: the protocol tells which, the library does not.
            self._transport.join(0.2)
            if not self._transport.is_active():
                raise SessionEnded(link.why_lost(self._transport))
            return 137
        return status

    def check(self) -> None:
        self._heart.check()

    def abandon(self) -> None:
        self.end_input()
        self._abandoned = True
        if not self.finished() or not self._channel.exit_status_ready():
            self._close()

    def wait_for_close(self) -> bool:
        """Whether the session is over, its channel closed by sshd or, when that does not come
        within `CLOSE_SECONDS` after the command's end, by us."""
        if not self._abandoned:
            return False
        channel = self._channel
        with channel.lock:  # which this condition of the library's is told under, at a close
            channel.out_buffer_cv.wait_for(lambda: channel.closed, CLOSE_SECONDS)
        self._close()
        return True

    def _close(self) -> None:
        with contextlib.suppress(paramiko.SSHException, EOFError, OSError):
            self._channel.close()
