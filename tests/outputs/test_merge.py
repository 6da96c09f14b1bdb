"""Two images side by side, held to a plain model: apply the layers one by one and compare."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachetui.outputs.layers import LayerError, key
from cachetui.outputs.merge import FINAL, MTIME, PATH, TYPE, Fields, Side, changes, judge, made
from tests.examples import examples

NAMES = ["a", "a/b", "a/b/c", "a-b", "a/c", "d", ""]


@dataclass(frozen=True)
class Op:
    """What a layer says of a path: `kind` f, d, l or the whiteouts w and o."""

    path: str
    kind: str
    mode: int = 0
    time: int = 0
    content: int = 0

    def line(self) -> bytes:
        if self.kind in "wo":
            return f"{self.path}\t{self.kind}".encode()
        size = str(self.content) if self.kind == "f" else ""
        digest = f"digest{self.content}" if self.kind == "f" else ""
        link = f"to{self.content}" if self.kind == "l" else ""
        fields = [self.path, self.kind, f"{self.mode:o}", "0", "0", size, str(self.time)]
        return "\t".join([*fields, digest, link, ""]).encode()


Layer = dict[tuple[str, str], Op]

ops = st.builds(
    Op,
    path=st.sampled_from(NAMES),
    kind=st.sampled_from("ffddlwo"),
    mode=st.integers(0, 1),
    time=st.integers(0, 1),
    content=st.integers(0, 1),
)
layer = st.lists(ops, max_size=5).map(
    lambda found: {(op.path, op.kind if op.kind in "wo" else ""): op for op in found}
)


def lines(one: Layer) -> list[bytes]:
    return sorted((op.line() for op in one.values()), key=key)


State = dict[str, Op]


def apply(state: State, one: Layer) -> State:
    """What a layer makes of a tree: removals first, then what it has, a file ending a folder."""
    state = dict(state)

    def drop(path: str, *, itself: bool) -> None:
        for name in list(state):
            inside = name != path and (name.startswith(path + "/") or path == "")
            if inside or (itself and name == path):
                del state[name]

    for op in one.values():
        if op.kind in "wo":
            drop(op.path, itself=op.kind == "w")
    for op in one.values():
        if op.kind not in "wod":
            drop(op.path, itself=False)
    for op in one.values():
        if op.kind not in "wo":
            state[op.path] = op
    return state


def states(layers: list[Layer], cuts: list[int]) -> list[State]:
    """The tree after each step."""
    found: list[State] = []
    state: State = {}
    done = 0
    for cut in cuts:
        for one in layers[done:cut]:
            state = apply(state, one)
        done = cut
        found.append(state)
    return found


def torn(one: Layer) -> bool:
    """Whether a layer has a path as a file and also has something in it."""
    there = [op for op in one.values() if op.kind not in "wo"]
    return any(
        op.kind != "d" and other is not op and (not op.path or other.path.startswith(op.path + "/"))
        for op in there
        for other in there
    )


def difference(a: Op | None, b: Op | None) -> str | None:
    if a is None or b is None:
        return None if a is b else "only-a" if b is None else "only-b"
    found = judge(a.line().split(b"\t"), b.line().split(b"\t"))
    return found[0] if found else None


def model(a: list[Layer], b: list[Layer], cuts: list[list[int]]) -> set[tuple[int, str, str]]:
    """(rank, path, kind) of what must be found, times within a step left to the other test."""
    found: set[tuple[int, str, str]] = set()
    trees_a, trees_b = states(a, cuts[0]), states(b, cuts[1])
    before_a: State = {}
    before_b: State = {}
    for rank, (tree_a, tree_b) in enumerate(zip(trees_a, trees_b, strict=True)):
        for path in NAMES:
            kind = difference(tree_a.get(path), tree_b.get(path))
            changed = [
                difference(before.get(path), tree.get(path)) not in (None, "times")
                for before, tree in ((before_a, tree_a), (before_b, tree_b))
            ]
            if kind not in (None, "times") and any(changed):
                found.add((rank, path, str(kind)))
        before_a, before_b = tree_a, tree_b
    for path in NAMES:
        kind = difference(trees_a[-1].get(path), trees_b[-1].get(path))
        if kind is not None:
            found.add((FINAL, path, kind))
    return found


@examples(2.5)
@given(
    st.lists(layer, min_size=1, max_size=4),
    st.lists(layer, min_size=1, max_size=4),
    st.data(),
)
def test_it_finds_what_applying_the_layers_finds(
    a: list[Layer], b: list[Layer], data: st.DataObject
) -> None:
    shared = data.draw(st.lists(layer, max_size=2))
    a, b = shared + a, shared + b
    steps = data.draw(st.integers(1, 4))
    cuts = [
        [*sorted(data.draw(st.integers(0, len(side))) for _ in range(steps - 1)), len(side)]
        for side in (a, b)
    ]
    texts: dict[str, list[bytes]] = {}

    def digest(one: Layer) -> str:
        made_lines = lines(one)
        name = repr(made_lines)
        texts[name] = made_lines
        return name

    # No engine writes a layer that is torn; which entry holds depends on the order in the tar.
    if any(map(torn, (*a, *b))):
        return
    side_a = Side(tuple(map(digest, a)), tuple(cuts[0]))
    side_b = Side(tuple(map(digest, b)), tuple(cuts[1]))
    found = {
        (change.rank, change.path.decode(), str(change.kind))
        for change in changes(side_a, side_b, {name: iter(text) for name, text in texts.items()})
        if change.kind != "times" or change.rank == FINAL
    }
    assert found == model(a, b, cuts)


@examples(1)
@given(st.lists(layer, min_size=1, max_size=4))
def test_an_image_does_not_differ_from_itself(layers: list[Layer]) -> None:
    texts = {repr(lines(one)): lines(one) for one in layers}
    names = tuple(repr(lines(one)) for one in layers)
    side = Side(names, tuple(range(1, len(names) + 1)))
    assert list(changes(side, side, dict(texts))) == []


@examples(1)
@given(st.lists(layer, min_size=1, max_size=4))
def test_what_each_step_made(layers: list[Layer]) -> None:
    if any(map(torn, layers)):
        return
    names = tuple(repr(lines(one)) for one in layers)
    side = Side(names, tuple(range(1, len(names) + 1)))
    found = {
        (rank, path.decode())
        for rank, path, _ in made(side, {repr(lines(one)): lines(one) for one in layers})
    }
    expected = set()
    before: State = {}
    for rank, tree in enumerate(states(layers, list(side.cuts))):
        for path in NAMES:
            if difference(before.get(path), tree.get(path)) not in (None, "times"):
                expected.add((rank, path))
        before = tree
    assert found == expected


def one_layer(*found: Op) -> tuple[str, list[bytes]]:
    text = sorted((op.line() for op in found), key=key)
    return repr(text), text


def compared(a: list[list[Op]], b: list[list[Op]]) -> list[tuple[int, str, str]]:
    """Changes of images whose every layer is a step."""
    layers = [[one_layer(*ops) for ops in side] for side in (a, b)]
    sides = [Side(tuple(n for n, _ in side), tuple(range(1, len(side) + 1))) for side in layers]
    texts = {name: text for side in layers for name, text in side}
    return [
        (change.rank, change.path.decode(), change.kind)
        for change in changes(sides[0], sides[1], dict(texts))
    ]


class TestEngines:
    """How engines pack the same change in different ways (our lab), which is no difference."""

    base = [Op("etc", "d"), Op("etc/a", "f"), Op("etc/b", "f"), Op("etc/b/x", "f")][:3]

    def test_an_opaque_folder_or_each_file_removed(self) -> None:
        opaque = [Op("etc", "d"), Op("etc", "o"), Op("etc/new", "f")]
        each = [Op("etc", "d"), Op("etc/a", "w"), Op("etc/b", "w"), Op("etc/new", "f")]
        assert compared([self.base, opaque], [self.base, each]) == []

    def test_a_folder_listed_because_its_time_changed(self) -> None:
        touched = [Op("etc", "d", time=1), Op("new", "f")]
        assert compared([self.base, touched], [self.base, [Op("new", "f")]]) == [
            (1, "etc", "times"),
            (FINAL, "etc", "times"),
        ]

    def test_a_removal_of_what_was_never_there(self) -> None:
        assert compared([self.base, [Op("none", "w")]], [self.base, []]) == []

    def test_a_file_written_again_as_it_was(self) -> None:
        assert compared([self.base, [Op("etc/a", "f")]], [self.base, []]) == []


class TestBlame:
    """A difference is told of the step that made it, and of no later one."""

    def test_a_base_that_differs_is_not_the_steps_fault(self) -> None:
        a, b = [Op("x", "d", mode=0)], [Op("x", "d", mode=1)]
        step_a, step_b = [Op("x", "d", mode=0, time=1)], [Op("x", "d", mode=1, time=1)]
        assert compared([a, step_a], [b, step_b]) == [
            (0, "x", "metadata"),
            (FINAL, "x", "metadata"),
        ]

    def test_what_a_later_step_removes_is_no_difference_in_the_end(self) -> None:
        a, b = [Op("x", "f", content=0)], [Op("x", "f", content=1)]
        gone = [Op("x", "w")]
        assert compared([a, gone], [b, gone]) == [(0, "x", "content")]

    def test_a_removal_that_only_one_side_has(self) -> None:
        base = [Op("x", "d"), Op("x/y", "f")]
        assert compared([base, [Op("x", "w")]], [base, []]) == [
            *((1, "x", "only-b"), (FINAL, "x", "only-b")),
            *((1, "x/y", "only-b"), (FINAL, "x/y", "only-b")),
        ]


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ("f 644 0 0 5 1 aa", "f 644 0 0 5 1 aa", None),
        ("f 644 0 0 5 1 aa", "f 644 0 0 5 2 aa", ("times", ("time",))),
        ("f 644 0 0 5 1 aa", "f 600 1 2 5 2 aa", ("metadata", ("mode", "owner", "group"))),
        ("f 644 0 0 5 1 aa", "f 600 0 0 5 1 bb", ("content", ("content",))),
        ("f 644 0 0 5 1 aa", "d 644 0 0 - 1 -", ("content", ("type",))),
        ("f 644 0 0 5 1 aa", "h 644 0 0 5 1 aa x", ("metadata", ("hard link",))),
        ("h 644 0 0 5 1 aa y", "h 644 0 0 5 1 aa x", ("metadata", ("hard link",))),
        ("l 777 0 0 - 1 - x", "l 644 0 0 - 1 - x", None),
        ("l 777 0 0 - 1 - x", "l 777 0 0 - 1 - y", ("content", ("target",))),
        ("c 644 0 0 - 1 - 1,3", "c 644 0 0 - 1 - 1,5", ("content", ("device",))),
        ("d 755 0 0 - 1 -", "d 755 0 0 - 1 - - user.a=1", ("metadata", ("attributes",))),
    ],
)
def test_judging(a: str, b: str, expected: object) -> None:
    def made_fields(text: str) -> Fields:
        words = ["" if word == "-" else word for word in text.split()]
        return [word.encode() for word in ["path", *words, *[""] * (9 - len(words))]]

    assert judge(made_fields(a), made_fields(b)) == expected


def test_a_line_that_is_not_whole_is_damage() -> None:
    side = Side(("x",), (1,))
    for bad in (b"path\tf\t644", b"path", b"path\tx"):
        with pytest.raises(LayerError, match="damaged"):
            list(changes(side, Side(("y",), (1,)), {"x": [bad], "y": []}))
    assert (PATH, TYPE, MTIME) == (0, 1, 6)
