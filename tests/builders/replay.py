"""Recordings run through the parsers and the map."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from cachetui.builders.events import Event, Log
from cachetui.builders.registry import parser_for
from cachetui.builders.step_map import StepMap
from cachetui.dockerfile.parse import parse
from cachetui.records.run import OutputFormat
from cachetui.records.step import Step, StepId
from tests.recordings.cases import Recording


def pieces(data: bytes, size: int) -> Iterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


def events(output: OutputFormat, blocks: Iterable[bytes], at: float = 1.0) -> list[Event]:
    """The events of an output that came in these blocks, all at one moment."""
    parser = parser_for(output)
    found = [event for block in blocks for event in parser.feed(block, at)]
    return [*found, *parser.close(at)]


def joined(found: Iterable[Event]) -> list[Event]:
    """The events with neighbouring pieces of a log put together: where they are cut is free."""
    result: list[Event] = []
    for event in found:
        last = result[-1] if result else None
        if isinstance(event, Log) and isinstance(last, Log) and last.key == event.key:
            result[-1] = replace(last, data=last.data + event.data)
        else:
            result.append(event)
    return result


def map_of(recording: Recording) -> StepMap:
    case = recording.case
    return StepMap(
        parse(case.dockerfile),
        case.target,
        "legacy" if recording.output == "legacy" else "buildkit",
        case.build_args,
        case.triggers,
    )


def replay(recording: Recording, size: int = 4096) -> tuple[tuple[Step, ...], dict[StepId, bytes]]:
    """The steps and the logs of a recording, as if it had come in blocks of `size` bytes, one a
    hundredth of a second."""
    steps = map_of(recording)
    logs: dict[StepId, bytes] = {}
    parser = parser_for(recording.output)
    found: list[Event] = []
    at = 0.0
    for block in pieces(recording.path.read_bytes(), size):
        at += 0.01
        found += parser.feed(block, at)
    for event in [*found, *parser.close(at)]:
        steps.apply(event)
        if isinstance(event, Log):
            step = steps.step_of(event.key)
            if step is not None:
                logs[step] = logs.get(step, b"") + event.data
    return steps.steps(final=True, run_failed=recording.case.fails), logs
