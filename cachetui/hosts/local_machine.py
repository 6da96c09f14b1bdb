"""The machine one sits at, through the same interface as a host over SSH."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence

from cachetui.hosts.machine import HostError
from cachetui.hosts.ready_files import ready
from cachetui.hosts.session import BLOCK, Session, SessionMachine


class LocalMachine(SessionMachine):
    """Runs commands by `sh` in a session of their own, so that none outlives us."""

    def __init__(
        self, name: str, env: Mapping[str, str] | None = None, docker: Sequence[str] = ()
    ) -> None:
        super().__init__(name, env, docker)

    def _open(self, line: str, check: Callable[[], None]) -> Session:  # noqa: ARG002
        try:
            return LocalSession(line)
        except OSError as error:
            raise HostError(
                self.name, "shell", f"no shell can be started here: {error.strerror or error}"
            ) from None

    def close(self) -> None:
        """End what runs; its thread does so within a fraction of a second."""
        self._closing.set()


class LocalSession(Session):
    """A shell and three pipes."""

    def __init__(self, line: str) -> None:
        self._process = subprocess.Popen(
            ["sh", "-c", line],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            bufsize=0,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._stdin = self._process.stdin
        self._outputs = {self._process.stdout.fileno(): 1, self._process.stderr.fileno(): 2}
        os.set_blocking(self._stdin.fileno(), False)

    def write(self, data: memoryview, wait: float) -> int | None:
        try:
            return os.write(self._stdin.fileno(), data)
        except BlockingIOError:
            # Whichever comes first: room to write, or output to read before there can be room.
            ready(wait, to_read=self._outputs, to_write=[self._stdin.fileno()])
            return 0
        except (BrokenPipeError, ValueError):
            return None

    def end_input(self) -> None:
        with contextlib.suppress(OSError):
            self._stdin.close()

    def read(self, wait: float) -> list[tuple[int, bytes]]:
        if not self._outputs:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(wait)
            return []
        blocks = []
        for fd in ready(wait, to_read=self._outputs):
            block = os.read(fd, 2 * BLOCK)
            if block:
                blocks.append((self._outputs[fd], block))
            else:
                del self._outputs[fd]
        return blocks

    def finished(self) -> bool:
        return not self._outputs

    def status(self) -> int | None:
        status = self._process.poll()
        return 128 - status if status is not None and status < 0 else status

    def check(self) -> None:
        """Nothing to find: there is no carrier between us and the command."""

    def abandon(self) -> None:
        self.end_input()
        if self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(1)
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()
        self._outputs = {}
