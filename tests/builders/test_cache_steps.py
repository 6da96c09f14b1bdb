"""The steps of a Dockerfile among the keys of a cache, as far as their shape tells."""

from __future__ import annotations

import hashlib
import random
import time

import pytest

from cachetui.builders.cache_manifest import Blob, Graph, Key, Link, read_graph, read_image
from cachetui.builders.cache_steps import ROOT, TRIES, cached_steps, place_steps
from cachetui.dockerfile.parse import parse
from cachetui.records.step import StepId
from tests.builders.test_cache_manifest import cache_of, recorded

ARGS = {"BASE": "b:1"}
THREE = recorded("Dockerfile").decode()


def held(text: str, graph: Graph, target: str | None = None) -> list[tuple[int, str]]:
    """(line, what the cache has) of each step."""
    blobs = tuple(Blob(f"sha256:{number:064}", 1) for number in range(len(graph.keys)))
    steps = cached_steps(parse(text, ARGS), target, ARGS, graph, blobs)
    return [(step.line, step.held) for step in steps]


class Making:
    """A graph by hand: each method adds a key and returns its number; all have a result."""

    def __init__(self) -> None:
        self.keys: list[Key] = []

    def source(self) -> int:
        return self._add()

    def run(self, below: int) -> int:
        return self._add((Link(below, f"sha256:{ROOT}"),))

    def workdir(self, below: int) -> int:
        return self._add((Link(below, ""),))

    def copy(self, below: int, source: int, path: str = "") -> int:
        selector = "sha256:" + hashlib.sha256(path.encode()).hexdigest() if path else ""
        return self._add((Link(below, ""),), (Link(source, selector),))

    def _add(self, *inputs: tuple[Link, ...]) -> int:
        number = len(self.keys)
        self.keys.append(Key(inputs, (((number,), 1000.0 + number),) if inputs else ()))
        return number

    @property
    def graph(self) -> Graph:
        return Graph(tuple(self.keys))


def test_a_max_cache_keeps_every_step() -> None:
    graph = read_graph(recorded("max.config.json"))
    known = {blob.digest: blob for blob in cache_of("max.manifest.json").layers}
    blobs = [known[digest] for digest in graph.layers]
    steps = cached_steps(parse(THREE, ARGS), None, ARGS, graph, blobs)
    assert [(step.line, step.held) for step in steps] == [
        (line, "kept") for line in (3, 4, 5, 9, 10, 11)
    ]
    # Read from the layers that 28.5 wrote: src/, src/lock, src/deps.txt, main, d, b.
    assert [step.layers[0][7:19] for step in steps] == [
        "1aaa1c3bc9fa", "62a5a1c8f834", "08a037bc6ade",
        "d63af5d271cf", "6702db9b6890", "47531251b573",
    ]  # fmt: skip


def test_an_inline_cache_keeps_the_last_stage() -> None:
    graph = read_image(recorded("inline.image.json")).graph
    assert graph is not None
    assert held(THREE, graph) == [
        *((line, "not-kept") for line in (3, 4, 5)),
        *((line, "kept") for line in (9, 10, 11)),
    ]


def test_a_line_that_came_later_is_not_in_it() -> None:
    graph = read_graph(recorded("max.config.json"))
    text = THREE.replace("RUN echo built > /b\n", "RUN echo built > /b\nRUN echo more\n")
    assert held(text, graph)[-1] == (12, "absent")
    assert held(text, graph)[:-1] == held(THREE, graph)


def test_another_path_is_another_step() -> None:
    graph = read_graph(recorded("max.config.json"))
    text = THREE.replace("--from=deps /src/deps.txt", "--from=deps /src/other.txt")
    assert dict(held(text, graph))[10] == "absent"


def test_two_runs_that_could_each_be_either_are_not_told_apart() -> None:
    """Of two equal branches of which one went on, the shape does not tell which."""
    made = Making()
    base = made.source()
    first, second = made.run(base), made.run(base)
    made.copy(first, second)
    text = "FROM b:1 AS a\nRUN one\nFROM b:1 AS c\nRUN two\nFROM a\nCOPY --from=c . .\n"
    assert held(text, made.graph) == [(2, "kept"), (4, "kept"), (6, "kept")]
    swapped = "FROM b:1 AS a\nRUN one\nFROM b:1 AS c\nRUN two\nFROM scratch\n"
    swapped += "COPY --from=a /x /\nCOPY --from=c /y /\n"
    made = Making()
    base = made.source()
    made.run(base)
    kept = made.run(base)
    made.keys[kept] = Key(made.keys[kept].inputs, ())
    assert held(swapped, made.graph) == [(2, "unknown"), (4, "unknown")] + [
        (line, "absent") for line in (6, 7)
    ]


def test_equal_steps_have_one_key() -> None:
    made = Making()
    base = made.source()
    run = made.run(base)
    made.copy(run, run)
    text = "FROM b:1 AS a\nRUN one\nFROM b:1\nRUN one\nCOPY --from=a . .\n"
    assert held(text, made.graph) == [(2, "kept"), (4, "kept"), (5, "kept")]


def test_another_base_is_another_source() -> None:
    made = Making()
    made.run(made.source())
    text = "FROM b:1 AS a\nRUN one\nFROM b:2\nRUN one\nCOPY --from=a . .\n"
    assert [state for _, state in held(text, made.graph)].count("absent") == 2


def test_a_stage_with_link_is_unknown() -> None:
    made = Making()
    made.run(made.source())
    text = "FROM b:1 AS a\nRUN one\nFROM b:1\nCOPY --link --from=a /x /\nRUN two\n"
    assert held(text, made.graph) == [(2, "kept"), (4, "unknown"), (5, "unknown")]


def test_a_workdir_that_changes_nothing_may_have_no_key() -> None:
    made = Making()
    made.run(made.source())
    assert held("FROM b:1\nWORKDIR .\nRUN one\n", made.graph) == [(2, "absent"), (3, "kept")]


@pytest.mark.parametrize("seed", range(6))
def test_no_graph_takes_long_or_fails(seed: int) -> None:
    """Also not one with cycles, or in which everything fits everywhere."""
    rng = random.Random(seed)
    number = rng.choice((1, 5, 60, 400))
    keys = [
        Key(
            tuple(
                tuple(
                    Link(rng.randrange(number), rng.choice(("", ROOT)))
                    for _ in range(rng.randrange(4))
                )
                for _ in range(rng.randrange(3))
            ),
            (),
        )
        for _ in range(number)
    ]
    text = (
        "".join(
            f"FROM b:{stage % 3} AS s{stage}\nRUN {stage}\nCOPY x{stage} .\nRUN y{stage}\n"
            for stage in range(8)
        )
        + "FROM s0\n"
        + "".join(f"COPY --from=s{stage} /a /\n" for stage in range(8))
    )
    before = time.process_time()
    place_steps(parse(text, ARGS), None, ARGS, Graph(tuple(keys)))
    assert time.process_time() - before < 20


def test_what_is_not_settled_in_time_is_unknown() -> None:
    made = Making()
    base = made.source()
    for _ in range(40):
        made.run(base)
    stages = "".join(f"FROM b:1 AS s{stage}\nRUN {stage}\n" for stage in range(20))
    text = stages + "FROM b:1\n" + "".join(f"RUN --mount=from=s{stage} x\n" for stage in range(20))
    assert {state for _, state in held(text, made.graph)} == {"unknown"}
    assert TRIES < 40**4


def test_a_layer_of_an_image_tells_which_of_two_keys_is_the_step() -> None:
    making = Making()
    base = making.source()
    keys = [making.run(base), making.run(base)]
    blobs = [Blob(f"sha256:{n:064}", 10 + n, diff_id=f"sha256:{n + 70:064}") for n in range(3)]
    file, step = parse("FROM b:1\nRUN make\n"), StepId(0, 1)
    (by_shape,) = cached_steps(file, None, {}, making.graph, blobs)
    assert (by_shape.held, by_shape.layers, by_shape.told_by) == ("kept", (), "shape")
    for key in keys:
        made = {step: blobs[key].diff_id or ""}
        (told,) = cached_steps(file, None, {}, making.graph, blobs, made)
        assert (told.held, told.layers, told.told_by) == ("kept", (blobs[key].digest,), "image")
        assert (told.bytes, told.created) == (10 + key, 1000.0 + key)
    # An image that another cache made tells nothing of this one.
    (other,) = cached_steps(file, None, {}, making.graph, blobs, {step: f"sha256:{9:064}"})
    assert other == by_shape


def test_what_an_image_tells_leaves_fewer_keys_to_other_steps() -> None:
    making = Making()
    base = making.source()
    first, second = making.run(base), making.run(base)
    ends = [making.run(first), making.run(second)]
    blobs = [Blob(f"sha256:{n:064}", 1, diff_id=f"sha256:{n + 70:064}") for n in range(5)]
    file = parse("FROM b:1\nRUN make\nRUN end\n")
    assert [step.layers for step in cached_steps(file, None, {}, making.graph, blobs)] == [(), ()]
    made = {StepId(0, 2): blobs[ends[1]].diff_id or ""}
    steps = cached_steps(file, None, {}, making.graph, blobs, made)
    assert [step.told_by for step in steps] == ["shape", "image"]
    assert [step.layers for step in steps] == [(blobs[n].digest,) for n in (second, ends[1])]
