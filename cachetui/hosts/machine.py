"""The interface to one machine, the same over SSH and on the machine one sits at."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from cachetui.config.settings import HostSettings

if TYPE_CHECKING:
    from cachetui.hosts.lease import Holder, Lease

HostErrorKind = Literal[
    "unreachable",  # no connection: name, route, refused, no answer
    "host-key",  # unknown or changed
    "login",  # authentication: no key accepted, key encrypted, wrong passphrase
    "no-docker",  # the client's command is not there
    "permission",  # the socket is there, and not for this user
    "daemon-down",  # the client is there, the engine does not answer
    "no-builder",  # the builder that is named is not there
    "shell",  # something on the host that every command needs does not work
    "timeout",
    "lost",  # the connection was there and broke
    "cancelled",
    "not-now",  # outside of its hours, or built on as often as it may be
    "busy",  # another audit builds on the engine
]


class HostError(Exception):
    """A host that could not do what was asked, in a sentence, with what to do about it.

    Neither text ever holds a credential or an environment. `name` is the host's name; `printed` is
    what a command had put on standard output when its time was over.
    """

    printed: bytes = b""

    def __init__(self, name: str, kind: HostErrorKind, reason: str, remedy: str = "") -> None:
        super().__init__(f"{name}: {reason}")
        self.name = name
        self.kind = kind
        self.reason = reason
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class Completed:
    """What a command gave back. `status` is its exit status, 128+n when a signal ended it."""

    status: int
    stdout: bytes
    stderr: bytes

    @property
    def text(self) -> str:
        """Standard output as text; undecodable bytes are replaced."""
        return self.stdout.decode("utf-8", "replace")

    @property
    def error_text(self) -> str:
        """Standard error as text, stripped."""
        return self.stderr.decode("utf-8", "replace").strip()


OnOutput = Callable[[bytes, float], None]
"""Called with a block of output, cut anywhere, and `time.monotonic()` of its arrival."""


class Cancel(Protocol):
    """What `threading.Event` offers: set once, from any thread, to stop what is under way."""

    def is_set(self) -> bool: ...

    def wait(self, timeout: float | None = None) -> bool: ...


class Machine(Protocol):
    """One machine, connected. Used by one thread at a time, but for `close`."""

    name: str

    def run(
        self,
        command: str,
        *,
        stdin: Iterable[bytes] | bytes = b"",
        timeout: float,
        cancel: Cancel | None = None,
    ) -> Completed:
        """Run a POSIX shell command with its standard input and wait for its end.

        The host's `env` is set for it. Output is kept whole (capped at 64 MiB: `HostError`
        beyond). Raises `HostError`: `timeout` after `timeout` seconds, `lost` when the
        connection breaks, `cancelled` when `cancel` is set.
        """
        ...

    def stream(
        self,
        command: str,
        on_output: OnOutput,
        *,
        timeout: float,
        cancel: Cancel | None = None,
    ) -> int:
        """Run a command whose output (standard error merged in, in order) is taken as it comes.

        It runs under the watchers of `hosts/watcher.py`: it and its children end with the
        connection, with `cancel`, with the time limit and with this process, or when that has
        been stopped for long. Returns its exit
        status. Raises `HostError` as `run` does, but always after it told the host to stop.
        """
        ...

    def hold(
        self,
        lease: Lease,
        on_wait: Callable[[Holder | None], None] | None,
        cancel: Cancel | None = None,
    ) -> None:
        """Run no command from now on unless the lease is ours: each waits until it is.

        `on_wait` is told who has it, None when it is ours then; without it the command raises
        `HostError` (`busy`). So it does after `cancel` while it waits.
        """
        ...

    def release(self) -> bool:
        """Give the lease back, if any. False when there could be none on this host. Raises
        `HostError`."""
        ...

    def close(self) -> None:
        """Drop the connection, which ends what runs on it. Any thread; more than once."""
        ...


class HostConnector(Protocol):
    """What `hosts.connect.Connector` offers: settings in, a connected machine out."""

    def connect(self, host: HostSettings, cancel: Cancel | None = None) -> Machine:
        """Connect and log in. Raises `HostError`."""
        ...
