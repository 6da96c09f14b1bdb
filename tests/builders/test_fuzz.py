"""No input crashes a parser, takes more than linear time or memory without bound."""

from __future__ import annotations

import itertools
import time
import tracemalloc
from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachetui.builders.events import Ended, Message, Started
from cachetui.builders.registry import parser_for
from cachetui.builders.step_map import StepMap
from cachetui.dockerfile.parse import parse
from cachetui.records.run import OutputFormat
from tests.builders.replay import events, joined, map_of, pieces
from tests.examples import examples
from tests.recordings.cases import Recording, recordings

FORMATS: tuple[OutputFormat, ...] = ("legacy", "plain", "rawjson")
SOME = [r for r in recordings() if r.case.name in ("stages", "noise", "onbuild", "pulled")]
TOKENS: dict[OutputFormat, list[bytes]] = {
    "legacy": [
        b"Step 1/3 : FROM a\n", b"Step 2/3 : RUN x\n", b"Step 3/3 : COPY a b\n",
        b" ---> Using cache\n", b" ---> Running in 0123456789ab\n", b" ---> 0123456789ab\n",
        b"Removing intermediate container 0123456789ab\n", b"\x1b[91m", b"\x1b[0m",
        b" ---> Removed intermediate container 0123456789ab\n", b"# Executing 2 build triggers\n",
        b"Successfully built 0123456789ab\n", b"The command '", b"' returned a non-zero code: 1\n",
        b"COPY failed: x\n", b"Sending build context to Docker daemon  1kB\r\r\n", b"x", b"\n",
    ],
    "plain": [
        b"#1 [1/2] FROM a\n", b"#2 [2/2] RUN x\n", b"#2 0.1 text\n", b"#2 0.2 text", b"#1 CACHED\n",
        b"#2 DONE 0.1s\n", b"#2 CANCELED\n", b"#2 ERROR: x\n", b"#1 ...\n", b"\n", b"------\n",
        b" > [2/2] RUN x:\n", b"#2 sha256:" + b"a" * 64 + b"\n", b"#", b"2 ", b"\xc3",
    ],
    "rawjson": [
        b'{"vertexes":[{"digest":"d","name":"[2/2] RUN x","started":"2026-01-01T00:00:01Z"}]}\n',
        b'{"logs":[{"vertex":"d","data":"eA=="}]}\n', b"{\n", b'  "logs": [\n', b"  ]\n", b"}\n",
        b'{"vertexes":[{"digest":"d","started":"2026-01-01T00:00:01Z",'
        b'"completed":"2026-01-01T00:00:02Z"}]}\n', b"ERROR: x\n", b'{"', b"\n", b"\xff", b"[[[[",
    ],
}  # fmt: skip
FILE = parse("FROM a AS x\nRUN x\nCOPY a b\nFROM x\nRUN y\n")


def check(output: OutputFormat, blocks: list[bytes]) -> None:
    found = events(output, blocks)
    assert joined(found) == joined(events(output, [b"".join(blocks)]))
    steps = StepMap(FILE, None, "legacy" if output == "legacy" else "buildkit")
    for event in found:
        steps.apply(event)
        assert isinstance(event, Message) or event.at == 1.0 or output == "rawjson"
    for final in (False, True):
        for failed in (False, True):
            made = steps.steps(final=final, run_failed=failed)
            assert len({step.id for step in made}) == len(made)
    assert {event.key for event in found if isinstance(event, Ended)} <= {
        event.key for event in found if isinstance(event, Started)
    }
    steps.running()


def cut(data: bytes, places: list[int]) -> list[bytes]:
    at = sorted({place % (len(data) + 1) for place in places} | {0, len(data)})
    return [data[a:b] for a, b in itertools.pairwise(at)]


@pytest.mark.fault("docker-output")
@examples(1.5)
@given(st.sampled_from(FORMATS), st.lists(st.binary(max_size=40), max_size=20))
def test_any_bytes(output: OutputFormat, blocks: list[bytes]) -> None:
    check(output, blocks)


@pytest.mark.fault("docker-output")
@pytest.mark.parametrize("output", FORMATS)
def test_likely_words_in_any_order(output: OutputFormat) -> None:
    @examples(4)
    @given(
        st.lists(st.sampled_from(TOKENS[output]), max_size=40),
        st.lists(st.integers(0, 5000), max_size=8),
    )
    def run(words: list[bytes], places: list[int]) -> None:
        check(output, cut(b"".join(words), places))

    run()


@pytest.mark.fault("docker-output")
@examples(1.5)
@given(
    st.sampled_from(SOME),
    st.lists(st.integers(0, 40_000), max_size=12),
    st.lists(st.tuples(st.integers(0, 500), st.sampled_from(["drop", "twice", "garbage"]))),
)
def test_mutated_recordings(
    recording: Recording, places: list[int], changes: list[tuple[int, str]]
) -> None:
    lines = recording.path.read_bytes().splitlines(keepends=True)
    for number, change in changes[:10]:
        at = number % len(lines)
        if change == "drop":
            lines[at] = b""
        elif change == "twice":
            lines[at] *= 2
        else:
            lines[at] = lines[at][::-1]
    blocks = cut(b"".join(lines), places)
    found = events(recording.output, blocks)
    if recording.host != "mid" or recording.output != "rawjson":
        # What is left of an indented object with a broken line may depend on the cuts.
        assert joined(found) == joined(events(recording.output, [b"".join(blocks)]))
    steps = map_of(recording)
    for event in found:
        steps.apply(event)
    steps.steps(final=True, run_failed=True)


class Flood(NamedTuple):
    """`make(size)` is about that many bytes of output. `most` is where memory has long reached
    its bound: few bytes where lines are short, for each costs time."""

    output: OutputFormat
    make: Callable[[int], bytes]
    most: int = 1 << 20


IN_CONTAINER = b"Step 1/1 : RUN x\n ---> Running in 0123456789ab\n"
FLOODS = {
    "no newline": Flood("legacy", lambda n: b"x" * n, 16 << 20),
    "no newline in a container": Flood("legacy", lambda n: IN_CONTAINER + b"x" * n, 16 << 20),
    "errors in a container": Flood(
        "legacy", lambda n: IN_CONTAINER + b"The command '" * (n // 13), 16 << 20
    ),
    "removals in a container": Flood(
        "legacy",
        lambda n: IN_CONTAINER + b"Removing intermediate container 0123456789ab\n" * (n // 45),
        4 << 20,
    ),
    "containers": Flood(
        "legacy",
        lambda n: (
            b"Step 1/9 : RUN x\n"
            + b" ---> Running in 0123456789ab\nRemoving intermediate container 0123456789ab\n"
            b" ---> 0123456789ab\n" * (n // 94)
        ),
    ),
    "escapes in a container": Flood("legacy", lambda n: IN_CONTAINER + b"\x1b[91m\x1b" * (n // 6)),
    "vertices": Flood("plain", lambda n: b"".join(b"#%d x\n" % i for i in range(n // 8))),
    "one vertex headed and left": Flood("plain", lambda n: b"#1 x\n#1 ...\n\n" * (n // 13)),
    "logs of two vertices by turns": Flood(
        "plain", lambda n: b"#1 x\n#2 y\n" + b"#1 0.1 log\n#2 0.1 log\n" * (n // 22)
    ),
    "glued ends": Flood(
        "plain",
        lambda n: b"#1 x\n#1 sha256:" + b"a" * 64 + b"\n" + b"#1 0.1 a#1 DONE 0.1s\n" * (n // 21),
    ),
    "an endless log line": Flood("plain", lambda n: b"#1 x\n#1 0.1 " + b"x" * n, 16 << 20),
    "digits": Flood("plain", lambda n: b"#" + b"1" * n, 16 << 20),
    "nothing but newlines": Flood("plain", lambda n: b"\n" * n),
    "braces": Flood("rawjson", lambda n: b"{" * n, 64 << 20),
    "brackets": Flood("rawjson", lambda n: b'{"logs":' + b"[" * n, 64 << 20),
    "open objects": Flood("rawjson", lambda n: b"{\n" * (n // 2), 1 << 18),
    "an object without an end": Flood(
        "rawjson", lambda n: b"{\n" + b'  "a": 1,\n' * (n // 11), 4 << 20
    ),
    "intervals": Flood(
        "rawjson",
        lambda n: b"".join(
            b'{"vertexes":[{"digest":"d","name":"x","started":"2026-01-01T00:%02d:%02d.%06dZ",'
            b'"completed":"2026-01-01T01:00:00Z"}]}\n' % (i // 60 % 60, i % 60, i)
            for i in range(n // 130)
        ),
    ),
    "vertices of rawjson": Flood(
        "rawjson",
        lambda n: b"".join(
            b'{"vertexes":[{"digest":"%d","name":"x","started":"2026-01-01T00:00:01Z"}]}\n' % i
            for i in range(n // 80)
        ),
    ),
    "objects and text by turns": Flood(
        "rawjson", lambda n: b'{"vertexes":[]}\n{\nERROR: x\n{\n  "logs": []\n}\n' * (n // 46)
    ),
}


@pytest.fixture
def low_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bounds that a test can reach soon; that they are kept does not depend on where they are."""
    monkeypatch.setattr("cachetui.builders.plain_output.MAX_VERTEXES", 2000)
    monkeypatch.setattr("cachetui.builders.rawjson_output.MAX_VERTEXES", 2000)
    monkeypatch.setattr("cachetui.builders.rawjson_objects.MAX_OBJECT", 1 << 18)


def blocks_of(data: bytes) -> Iterator[bytes]:
    return pieces(data, 65536)


def grows_linearly(work: Callable[[int], float], size: int) -> bool:
    """Whether four times as much takes about four times as long, not sixteen. `work` gives the
    seconds of the processor that it took; one quiet moment of the machine is enough."""
    for _ in range(6):
        small = max(work(size), 0.002)
        if work(4 * size) < small * 9:
            return True
    return False


@pytest.mark.fault("docker-output")
@pytest.mark.parametrize("flood", FLOODS)
def test_time_grows_no_faster_than_the_input(flood: str) -> None:
    output, make, most = FLOODS[flood]

    def work(size: int) -> float:
        data = make(size)
        parser = parser_for(output)
        began = time.thread_time()
        for block in blocks_of(data):
            parser.feed(block, 1.0)
        parser.close(1.0)
        return time.thread_time() - began

    assert grows_linearly(work, most // 8)


@pytest.mark.fault("docker-output")
@pytest.mark.usefixtures("low_bounds")
@pytest.mark.parametrize("flood", FLOODS)
def test_memory_does_not_grow_with_the_input(flood: str) -> None:
    output, make, most = FLOODS[flood]
    blocks = list(blocks_of(make(most)))
    parser = parser_for(output)
    peaks: list[int] = []
    tracemalloc.start()
    try:
        for half in (blocks[: len(blocks) // 2], blocks[len(blocks) // 2 :]):
            tracemalloc.reset_peak()
            for block in half:
                parser.feed(block, 1.0)
            peaks.append(tracemalloc.get_traced_memory()[1])
    finally:
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + most // 16
    assert peaks[1] < 24 << 20


NAMES = ["[x {}/3] RUN {}", "[stage-1 3/{}] RUN {}", "[y {}/2] COPY a {}", "[internal] {} {}",
         "[y 2/2] RUN {} {}"]  # fmt: skip
STAGES = parse(
    "FROM a AS x\nWORKDIR x\nRUN x $A\nCOPY a b\nFROM x\nRUN $A$A$A$A$A$A$A$A$A z\n"
    "FROM b AS y\nRUN " + "$A " * 12 + "z\nFROM y\nCOPY --from=x / /\nCOPY --from=1 / /\n"
)


@pytest.mark.parametrize("name", NAMES)
def test_the_map_takes_time_in_line_with_the_names(name: str) -> None:
    def work(count: int) -> float:
        steps = StepMap(STAGES, None, "buildkit")
        began = time.thread_time()
        for number in range(count):
            key = str(number)
            steps.apply(Started(key, name.format(number, "a " * 20 + key), 1.0))
            steps.step_of(key)
            steps.apply(Ended(key, "done", 1.0, 1.0, "printed"))
        steps.steps(final=True)
        return time.thread_time() - began

    assert grows_linearly(work, 250)


@pytest.mark.fault("docker-output")
@pytest.mark.parametrize("output", FORMATS)
def test_byte_by_byte(output: OutputFormat) -> None:
    """What comes in the smallest blocks is not joined again and again."""
    words: dict[OutputFormat, tuple[bytes, bytes]] = {
        "legacy": (IN_CONTAINER, b"The command 'x "),
        "plain": (b"#1 x\n", b"#1 0.1 log\n"),
        "rawjson": (b"{\n", b'  "logs": [{"vertex":"d","data":"eA=="}],\n'),
    }
    head, words_of = words[output]

    def work(size: int) -> float:
        parser = parser_for(output)
        began = time.thread_time()
        for block in pieces(head + words_of * (size // len(words_of)), 1):
            parser.feed(block, 1.0)
        parser.close(1.0)
        return time.thread_time() - began

    assert grows_linearly(work, 40_000)
