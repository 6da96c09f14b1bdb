"""Recording: a `Machine` that writes down what another one is asked and answers."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from cachetui.config.settings import HostSettings
from cachetui.demo.images import name_of, request_of, texts_of
from cachetui.demo.placeholders import normalise, placeholder
from cachetui.demo.recording import Chunk, Exchange, chunks_of, replace_across
from cachetui.hosts.asked_ahead import parse, questions_of
from cachetui.hosts.lease import Holder, Lease
from cachetui.hosts.machine import Cancel, Completed, HostConnector, HostError, Machine, OnOutput


@dataclass
class Transcript:
    """The exchanges of one host, in order. `scrub` maps text that belongs to the machine that
    was recorded (its folders, its name) to what stands for it in the recording."""

    scrub: Mapping[str, str] = field(default_factory=dict)
    exchanges: list[Exchange] = field(default_factory=list)
    _values: dict[str, str] = field(default_factory=dict)

    def add(
        self, command: str, blocks: list[tuple[float, int, bytes]], seconds: float, status: int
    ) -> None:
        """Write one exchange down. Raises UnicodeDecodeError for output that is not UTF-8."""
        request = request_of(command)
        command = name_of(request) if request is not None else command
        for old, new in self.scrub.items():
            command = command.replace(old, new)
        if request is not None:
            self._add_found(command, b"".join(block[2] for block in blocks), seconds, status)
            return
        key, values = normalise(command)
        self._values.update(values)
        chunks = replace_across(chunks_of(blocks), self.scrub)
        known = {value: placeholder(name) for name, value in self._values.items()}
        self.exchanges.append(
            Exchange(
                command=key,
                status=status,
                seconds=round(seconds, 4),
                chunks=replace_across(chunks, known),
            )
        )

    def _add_found(self, name: str, output: bytes, seconds: float, status: int) -> None:
        """What our program printed: its own text, and that of layers that are not there yet."""
        written = {exchange.command for exchange in self.exchanges}
        for key, text in texts_of(name, output).items():
            if key == name or key not in written:
                took = seconds if key == name else 0.0
                chunks = replace_across((Chunk(round(took, 4), 1, text),), self.scrub)
                self.exchanges.append(
                    Exchange(command=key, status=status, seconds=round(took, 4), chunks=chunks)
                )


class RecordingMachine:
    """A machine, and the transcript of what goes over it. Commands that raise are not kept."""

    def __init__(self, machine: Machine, transcript: Transcript) -> None:
        self.name = machine.name
        self._machine = machine
        self._transcript = transcript

    def run(
        self,
        command: str,
        *,
        stdin: Iterable[bytes] | bytes = b"",
        timeout: float,
        cancel: Cancel | None = None,
    ) -> Completed:
        """See `Machine.run`; all of the output is written down as come at the end, and questions
        that were asked together as if each had been asked by itself."""
        begun = time.monotonic()
        done = self._machine.run(command, stdin=stdin, timeout=timeout, cancel=cancel)
        seconds = time.monotonic() - begun
        token, questions = questions_of(command) or ("", [])
        told = parse(done.stdout, token) if token else {}
        for number, question in enumerate(questions):
            if number in told:
                self._add(question, told[number], seconds)
        if not token:
            self._add(command, done, seconds)
        return done

    def _add(self, command: str, done: Completed, seconds: float) -> None:
        blocks = [(seconds, source, data) for source, data in ((1, done.stdout), (2, done.stderr))]
        self._transcript.add(command, [block for block in blocks if block[2]], seconds, done.status)

    def stream(
        self,
        command: str,
        on_output: OnOutput,
        *,
        timeout: float,
        cancel: Cancel | None = None,
    ) -> int:
        """See `Machine.stream`."""
        begun = time.monotonic()
        blocks: list[tuple[float, int, bytes]] = []

        def take(data: bytes, arrived: float) -> None:
            blocks.append((arrived - begun, 1, data))
            on_output(data, arrived)

        status = self._machine.stream(command, take, timeout=timeout, cancel=cancel)
        self._transcript.add(command, blocks, time.monotonic() - begun, status)
        return status

    def hold(
        self,
        lease: Lease,
        on_wait: Callable[[Holder | None], None] | None,
        cancel: Cancel | None = None,
    ) -> None:
        self._machine.hold(lease, on_wait, cancel)

    def release(self) -> bool:
        return self._machine.release()

    def close(self) -> None:
        self._machine.close()


class RecordingConnector:
    """Connects as another connector does, and records each host into its transcript."""

    def __init__(self, connector: HostConnector, transcripts: Mapping[str, Transcript]) -> None:
        self._connector = connector
        self._transcripts = transcripts

    def connect(self, host: HostSettings, cancel: Cancel | None = None) -> Machine:
        """See `Connector.connect`. Raises HostError also for a host that has no transcript."""
        if host.name not in self._transcripts:
            raise HostError(host.name, "unreachable", "nothing is recorded of this host")
        return RecordingMachine(self._connector.connect(host, cancel), self._transcripts[host.name])
