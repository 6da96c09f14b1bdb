"""The parsers over 200 MB of real output, against bare reading of the same bytes.

The output is what the lab's engines printed in one build (`tests/recordings/chatty`), its log
repeated until there are 200 MB, in the blocks in which SSH brings it. The peer of legacy and
plain output is `bytes.splitlines`, that of rawjson msgspec into the types of the parser; of the
latter buildx 0.13 prints indented objects, later ones one a line. Timed is the processor's time
of the thread, peer and parser by turns. Memory is the peak of the process, after 20 MB and after
200 MB of output.
"""

from __future__ import annotations

import argparse
import re
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
from _common import finish, judge_at_least, median, say_machine

ROOT = Path(__file__).resolve().parents[1]
RECORDINGS = ROOT / "tests/recordings/chatty"
NAMES = ("old-legacy", "new-legacy", "old-plain", "new-plain", "mid-rawjson", "new-rawjson")
BLOCK = 32 * 1024
UNIT = 4_000_000
GOAL = 0.3
LOGS = {
    "legacy": rb" ---> Running in [0-9a-f]{12}\n(.*\n)(?: --->|Removing)",
    "plain": rb"\n(#5 \d+\.\d+ .*\n)#5 DONE",
    "rawjson": rb'\n(\{(?:\n {2})?"logs".*\n)(?=\{(?:\n {2})?"vertexes")',
}
"""The part of an output that is repeated."""


class Stream:
    """An output of any length, in blocks. `unit` is what is repeated, whole lines or objects."""

    def __init__(self, output: str, name: str) -> None:
        data = (RECORDINGS / f"{name}-cold.log").read_bytes()
        log = re.search(LOGS[output], data, re.DOTALL)
        assert log is not None, name
        self.head, self.tail = data[: log.start(1)], data[log.end(1) :]
        self.unit = log[1] * (UNIT // len(log[1]))
        self._blocks = [self.unit[at : at + BLOCK] for at in range(0, len(self.unit), BLOCK)]

    def blocks(self, size: int) -> Iterator[bytes]:
        """About `size` bytes."""
        yield self.head
        for _ in range(size // len(self.unit)):
            yield from self._blocks
        yield self.tail


def seconds_of_parser(output: str, stream: Stream, size: int) -> float:
    """Seconds of the processor that the parser takes; its events are dropped."""
    from cachetui.builders.registry import parser_for

    parser = parser_for(output)  # type: ignore[arg-type]
    began = time.thread_time()
    for block in stream.blocks(size):
        parser.feed(block, 1.0)
    parser.close(1.0)
    return time.thread_time() - began


def seconds_of_peer(output: str, stream: Stream, size: int) -> float:
    """Seconds of the processor that bare reading takes."""
    from cachetui.builders.rawjson_objects import SolveStatus

    work: Callable[[bytes], object] = bytes.splitlines
    blocks = stream.blocks(size)
    if output == "rawjson":
        work = msgspec.json.Decoder(SolveStatus).decode_lines
        blocks = whole_objects(stream, size)
    began = time.thread_time()
    for block in blocks:
        work(block)
    return time.thread_time() - began


def whole_objects(stream: Stream, size: int) -> Iterator[bytes]:
    """The same bytes, cut between objects: msgspec keeps nothing for the next block."""
    blocks: list[bytes] = []
    at = 0
    while at < len(stream.unit):
        end = stream.unit.find(b"\n{", min(at + BLOCK, len(stream.unit))) + 1 or len(stream.unit)
        blocks.append(stream.unit[at:end])
        at = end
    for _ in range(size // len(stream.unit)):
        yield from blocks


def measure(name: str, size: int, rounds: int) -> None:
    """In a process of its own: print MB/s of peer and parser, and peak memory, as JSON."""
    output = name.partition("-")[2]
    stream = Stream(output, name)
    peers: list[float] = []
    parsers: list[float] = []
    seconds_of_parser(output, stream, size // 10)
    peaks = [peak()]
    for _ in range(rounds):
        parsers.append(seconds_of_parser(output, stream, size))
        peaks.append(peak())
        peers.append(seconds_of_peer(output, stream, size))
    ratios = [peer / parser for peer, parser in zip(peers, parsers, strict=True)]
    found = {
        "parser": size / 1e6 / median(parsers),
        "peer": size / 1e6 / median(peers),
        "ratio": median(ratios),
        "peaks": peaks[:2],
    }
    print(msgspec.json.encode(found).decode())


def peak() -> float:
    """The most memory that this process has had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def main() -> int:
    """Print ratios and memory of each recording."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--measure", choices=NAMES, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        measure(arguments.measure, arguments.megabytes * 1_000_000, arguments.rounds)
        return 0
    say_machine(f"msgspec {msgspec.__version__}", f"{arguments.megabytes} MB each")
    met = []
    for name in NAMES:
        words = [sys.executable, __file__, "--measure", name, "--rounds", str(arguments.rounds)]
        done = subprocess.run(
            [*words, "--megabytes", str(arguments.megabytes)],
            capture_output=True,
            check=True,
        )
        found = msgspec.json.decode(done.stdout)
        peer = "msgspec" if name.endswith("rawjson") else "splitlines"
        few, many = found["peaks"]
        print(
            f"      {name}: {found['parser']:.0f} MB/s, {peer} {found['peer']:.0f} MB/s; "
            f"peak memory {few:.0f} MB after {arguments.megabytes // 10} MB of output, "
            f"{many:.0f} MB after {arguments.megabytes} MB"
        )
        met.append(judge_at_least(f"{name}, speed over {peer}'s", found["ratio"], GOAL))
    return finish(met)


if __name__ == "__main__":
    sys.exit(main())
