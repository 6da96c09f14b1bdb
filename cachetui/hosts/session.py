"""What running a command is, whatever carries it: SSH and the local machine differ in `Session`.

One thread does all of a command's work: it writes what the other side takes, reads what has
come, and looks at the clock, at `cancel` and at the connection between two waits. Every wait is
at most `POLL` seconds.
"""

from __future__ import annotations

import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from threading import Event

from cachetui.hosts import lease, watcher
from cachetui.hosts.beats import Beats
from cachetui.hosts.lease import Holder, Lease
from cachetui.hosts.lease_turn import LeaseTurn
from cachetui.hosts.machine import Cancel, Completed, HostError, HostErrorKind, OnOutput

_log = logging.getLogger(__name__)

POLL = 0.2
BLOCK = 32 * 1024
MAX_OUTPUT = 64 * 1024 * 1024
LINGER = 5.0
"""Seconds without output, after a command's end, that a pipe held open by what it left behind is
waited for. Output can arrive after the exit status, so this is long."""

KEEP_SECONDS = 60.0
"""Time limit of a command that is about the lease alone."""

STOP_WAIT = watcher.STOP_SECONDS + 2.0
"""Seconds that a command told to stop is waited for."""


class SessionEnded(Exception):
    """The carrier of a session is gone: what it says is why, a part of a sentence."""


class Session(ABC):
    """One command under way and its three pipes. Used by one thread."""

    @abstractmethod
    def write(self, data: memoryview, wait: float) -> int | None:
        """Bytes of `data` taken within `wait` seconds; None when the command reads no more."""

    @abstractmethod
    def end_input(self) -> None:
        """Close the command's standard input. More than once does no harm."""

    @abstractmethod
    def read(self, wait: float) -> list[tuple[int, bytes]]:
        """What has come within `wait` seconds, as (1 or 2, bytes): standard output or error."""

    @abstractmethod
    def finished(self) -> bool:
        """Whether both outputs have ended."""

    @abstractmethod
    def status(self) -> int | None:
        """The exit status once known, 128+n for signal n. Raises SessionEnded."""

    @abstractmethod
    def check(self) -> None:
        """Raise SessionEnded when the carrier is found dead."""

    @abstractmethod
    def abandon(self) -> None:
        """End the session at once, by force where the carrier has any."""


class SessionMachine(ABC):
    """`Machine` on top of sessions. Subclasses open sessions and close the connection."""

    def __init__(
        self, name: str, env: Mapping[str, str] | None = None, docker: Sequence[str] = ()
    ) -> None:
        self.name = name
        self._env = dict(env or {})
        self._privilege = _privilege(docker)
        self._closing = Event()
        self._turn: LeaseTurn | None = None

    @abstractmethod
    def _open(self, line: str, check: Callable[[], None]) -> Session:
        """Start a shell command line. Raises HostError; `check`, which raises it when the command
        is no longer wanted, is called between waits."""

    @abstractmethod
    def close(self) -> None:
        """Drop the connection, which ends what runs on it."""

    def run(
        self,
        command: str,
        *,
        stdin: Iterable[bytes] | bytes = b"",
        timeout: float,
        cancel: Cancel | None = None,
    ) -> Completed:
        """See `Machine.run`. Without standard input the command is watched as in `stream`."""
        _log.debug("%s: $ %s", self.name, command)
        watched = isinstance(stdin, bytes) and not stdin
        turn = self._turn
        if turn is None:
            return self._run(command, stdin, watched, timeout, cancel)
        if not watched:
            self._keep_turn()
        while True:
            done = self._run(command, stdin, watched, timeout, cancel)
            if turn.settled(self.name, done):
                return done

    def _keep_turn(self) -> None:
        """Make sure of the lease before a command that cannot be sent twice."""
        if self._turn is not None and not self._turn.sure:
            self.run(lease.KEEP, timeout=KEEP_SECONDS)

    def hold(
        self,
        lease: Lease,
        on_wait: Callable[[Holder | None], None] | None,
        cancel: Cancel | None = None,
    ) -> None:
        """See `Machine.hold`."""
        self._turn = LeaseTurn(lease, on_wait, cancel)

    def release(self) -> bool:
        """See `Machine.release`."""
        turn, self._turn = self._turn, None
        if turn is None or turn.impossible:
            return turn is None
        self.run(turn.lease.release(), timeout=KEEP_SECONDS)
        return True

    def _run(
        self,
        command: str,
        stdin: Iterable[bytes] | bytes,
        watched: bool,
        timeout: float,
        cancel: Cancel | None,
    ) -> Completed:
        script = watcher.script(
            command,
            self._env,
            watched=watched,
            privilege=self._privilege,
            lease=self._turn.wanted if self._turn else None,
        )
        outputs: dict[int, list[bytes]] = {1: [], 2: []}
        size = 0
        running = _RunningCommand(
            self, script, None if watched else _blocks(stdin), timeout, cancel
        )
        try:
            for source, block, _ in running.go():
                size += len(block)
                if size > MAX_OUTPUT:
                    running.stop()
                    raise self._error("shell", "a command printed more than 64 MiB")
                outputs[source].append(block)
        except HostError as error:
            if error.kind == "timeout":
                error.printed = b"".join(outputs[1])
            raise
        _log.debug("%s: exit status %d", self.name, running.status)
        return Completed(running.status, b"".join(outputs[1]), b"".join(outputs[2]))

    def stream(
        self,
        command: str,
        on_output: OnOutput,
        *,
        timeout: float,
        cancel: Cancel | None = None,
    ) -> int:
        """See `Machine.stream`."""
        _log.debug("%s: $ %s", self.name, command)
        self._keep_turn()
        script = watcher.script(
            command,
            self._env,
            watched=True,
            merged=True,
            privilege=self._privilege,
            lease=self._turn.wanted if self._turn else None,
        )
        running = _RunningCommand(self, script, None, timeout, cancel)
        head = b""
        for _, block, arrived in running.go():
            head = head or block
            on_output(block, arrived)
        _log.debug("%s: exit status %d", self.name, running.status)
        if self._turn is not None:
            if self._turn.lease.holder(Completed(running.status, b"", head)) is not None:
                raise self._error("busy", "another audit has taken over this engine")
            self._turn.heard()
        return running.status

    def _error(self, kind: HostErrorKind, reason: str, remedy: str = "") -> HostError:
        return HostError(self.name, kind, reason, remedy)


class _RunningCommand:
    """One command from its start to its end; `stdin` None means watched."""

    def __init__(
        self,
        machine: SessionMachine,
        script: bytes,
        stdin: Iterator[bytes] | None,
        timeout: float,
        cancel: Cancel | None,
    ) -> None:
        self._machine = machine
        self._watched = stdin is None
        self._input = _chain(script, stdin)
        self._limit = timeout
        self._deadline = time.monotonic() + timeout
        self._cancel = cancel
        self.status = 0
        self._beats = Beats()
        self._raise_if_over()
        self._session = machine._open(watcher.bootstrap(len(script)), self._raise_if_over)

    def go(self) -> Iterator[tuple[int, bytes, float]]:
        """Yield (1 or 2, block, arrival) until the command ends; `status` then holds.

        Whatever ends the loop early, also in who consumes it, the host is told to stop first.
        """
        try:
            yield from self._go()
        except SessionEnded as error:
            self._session.abandon()
            self._raise_if_over()
            self._raise_if_unheard()
            raise self._machine._error(
                "lost", f"the connection broke while a command ran: {error}"
            ) from None
        except BaseException:
            self.stop()
            raise

    def _go(self) -> Iterator[tuple[int, bytes, float]]:
        session = self._session
        pending: memoryview | None = memoryview(b"")
        ended_at: float | None = None
        while True:
            self._raise_if_over()
            session.check()
            if pending is not None:
                pending = self._feed(pending)
            elif self._watched and self._beats.due:
                self._beats.sent()
                session.write(memoryview(watcher.BEAT), 0.0)
            blocks = session.read(0.0 if pending is not None else POLL)
            now = time.monotonic()
            for source, block in blocks:
                yield source, block, now
            status = session.status()
            if status is None:
                continue
            if blocks or ended_at is None:
                ended_at = now
            if session.finished() or now - ended_at > LINGER:
                self.status = status
                session.abandon()
                if status == watcher.STOPPED:
                    self._raise_if_unheard()
                return

    def _feed(self, pending: memoryview) -> memoryview | None:
        """Write a block on; what is left to write, None when there is no more to write."""
        if not pending:
            block = next(self._input, None)
            if block is None:
                if not self._watched:
                    self._session.end_input()
                return None
            pending = memoryview(block)
        taken = self._session.write(pending[:BLOCK], POLL / 4)
        if taken:
            self._beats.sent()
        return None if taken is None else pending[taken:]

    def _raise_if_over(self) -> None:
        """Raise when the caller has cancelled, the machine is closed or the time is over."""
        machine = self._machine
        if self._cancel is not None and self._cancel.is_set():
            raise machine._error("cancelled", "the command was cancelled")
        if machine._closing.is_set():
            raise machine._error("cancelled", "the connection was closed")
        if time.monotonic() > self._deadline:
            raise machine._error(
                "timeout", f"a command did not end within its {self._limit:g} seconds"
            )

    def _raise_if_unheard(self) -> None:
        """Raise when the host has ended the command because it did not hear of us."""
        seconds = self._beats.longest
        if seconds >= watcher.SILENT_SECONDS:
            raise self._machine._error(
                "lost",
                f"cachetui was stopped, or its machine asleep, for {seconds:.0f} s, "
                "and the host ended the command",
            )

    def stop(self) -> None:
        """Have the host end the command, and wait for that a little. Never raises."""
        session = self._session
        try:
            if self._watched and not self._machine._closing.is_set():
                session.end_input()
                deadline = time.monotonic() + STOP_WAIT
                while time.monotonic() < deadline and session.status() is None:
                    session.check()
                    session.read(POLL)
        except SessionEnded:
            pass
        finally:
            session.abandon()


def _chain(script: bytes, stdin: Iterator[bytes] | None) -> Iterator[bytes]:
    yield script
    for block in stdin or ():
        if block:
            yield block


def _blocks(stdin: Iterable[bytes] | bytes) -> Iterator[bytes]:
    return iter((stdin,)) if isinstance(stdin, bytes) else iter(stdin)


def _privilege(docker: Sequence[str]) -> tuple[str, ...]:
    """The words before docker when it is run by sudo or doas: `sudo -n docker` → `sudo -n`."""
    if len(docker) > 1 and docker[0].rsplit("/", 1)[-1] in ("sudo", "doas"):
        return tuple(docker[:-1])
    return ()
