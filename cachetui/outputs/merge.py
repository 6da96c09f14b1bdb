"""Two images read side by side, path by path: what each step of them changed.

All layers of both are merged into one walk, each layer read once. At a path the layers tell how
it came to be what it is: which wrote it, which removed it (itself or a folder above it). So what
a step made of it is known on both sides, and that is compared, not the layers as they were
packed: a folder that one engine lists because something in it changed and another does not, or
a removal that one writes for the folder and another for each file (our lab: overlay2 writes
opaque whiteouts, containerd's store does not), are no differences.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from cachetui.outputs.layers import LayerError, key

PathKind = Literal["times", "metadata", "content", "only-a", "only-b"]

Fields = list[bytes]
"""A line of `remote.entries`, taken apart."""

PATH, TYPE, MODE, UID, GID, SIZE, MTIME, DIGEST, LINK, XATTRS, STORED = range(11)

FINAL = -1
"""The rank of what remains at the end, when all layers are applied."""

_SEPARATOR = b"\x0b"
_NONE: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Side:
    """An image's layers in order, and for each rank (a step, in order) how many of the layers
    belong to it or to one before it."""

    layers: tuple[str, ...]
    cuts: tuple[int, ...]


class Change(NamedTuple):
    """What differs at a path after the step of a rank. A side is None where the path is not
    there; `a_layer` and `b_layer` are positions of the layers that hold them. `what` names the
    fields that differ."""

    rank: int
    path: bytes
    kind: PathKind
    what: tuple[str, ...]
    a: Fields | None
    b: Fields | None
    a_layer: int | None
    b_layer: int | None


class _History(NamedTuple):
    """A path on one side: (position, fields) of the layers that wrote it, in order, and the
    positions of those that removed what was there before them."""

    written: list[tuple[int, Fields]]
    removed: tuple[int, ...]

    def after(self, count: int) -> tuple[int, Fields] | None:
        """What the first `count` layers make of the path."""
        for at in range(len(self.written) - 1, -1, -1):
            position = self.written[at][0]
            if position < count:
                hidden = any(position < one < count for one in self.removed)
                return None if hidden else self.written[at]
        return None


def judge(a: Fields, b: Fields) -> tuple[PathKind, tuple[str, ...]] | None:
    """How two entries of one path differ, None when they do not."""
    if a == b:
        return None
    kinds = a[TYPE] + b[TYPE]
    if a[TYPE] != b[TYPE] and set(kinds) != set(b"fh"):
        return "content", ("type",)
    if a[DIGEST] != b[DIGEST] or a[SIZE] != b[SIZE]:
        return "content", ("content",)
    if a[LINK] != b[LINK] and kinds in (b"ll", b"cc", b"bb"):
        return "content", ("target" if kinds == b"ll" else "device",)
    what = [name for name, field in _METADATA if a[field] != b[field]]
    if kinds == b"ll":
        what = [name for name in what if name != "mode"]  # a link's own mode means nothing
    if b"h" in kinds and (a[TYPE] != b[TYPE] or a[LINK] != b[LINK]):
        what.append("hard link")
    if what:
        return "metadata", tuple(what)
    return ("times", ("time",)) if a[MTIME] != b[MTIME] else None


_METADATA = (("mode", MODE), ("owner", UID), ("group", GID), ("attributes", XATTRS))


def merged(layers: dict[str, Iterable[bytes]]) -> Iterator[tuple[bytes, list[tuple[str, Fields]]]]:
    """Every path of these layers in order, with (digest, fields) of those that have it."""
    digests = list(layers)

    def keyed(number: int, lines: Iterable[bytes]) -> Iterator[tuple[bytes, int, bytes]]:
        for line in lines:
            yield key(line), number, line

    at: bytes | None = None
    group: list[tuple[str, Fields]] = []
    for place, number, line in heapq.merge(*map(keyed, range(len(digests)), layers.values())):
        if place != at:
            if at is not None:
                yield at, group
            at, group = place, []
        fields = line.split(b"\t")
        if len(fields) not in (10, 11) and not (len(fields) == 2 and fields[TYPE] in (b"w", b"o")):
            raise LayerError(
                f"the files of layer {digests[number]} are damaged: a line is not whole"
            )
        group.append((digests[number], fields))
    if at is not None:
        yield at, group


def changes(a: Side, b: Side, layers: dict[str, Iterable[bytes]]) -> Iterator[Change]:
    """What differs, path by path; `layers` has the lines of every layer of both sides.

    For each path: the steps in which the sides part ways, in order, then `FINAL` if they still
    differ at the end. Raises LayerError when a layer's lines are damaged.
    """
    where_a, where_b = _positions(a.layers), _positions(b.layers)
    same = _same_steps(a, b, where_a, where_b)
    # What folders above say is removed: (beginning of the paths in it, positions on each side).
    above: list[tuple[bytes, tuple[int, ...], tuple[int, ...]]] = [(b"", _NONE, _NONE)]
    for place, group in merged(layers):
        while not place.startswith(above[-1][0]):
            above.pop()
        _, hidden_a, hidden_b = above[-1]
        layer, fields = group[0]
        if len(group) == 1 and layer in same and not hidden_a and not hidden_b:
            if fields[TYPE] != b"d":
                above.append((_inside(place), *same[layer]))
            continue
        history_a, inside_a = _history(group, where_a, hidden_a)
        history_b, inside_b = _history(group, where_b, hidden_b)
        if inside_a or inside_b:
            above.append((_inside(place), inside_a, inside_b))
        yield from _compared(a, b, fields[PATH], history_a, history_b)


def _inside(place: bytes) -> bytes:
    """What the places of all that is in a folder begin with."""
    return place + _SEPARATOR if place else b""


def _positions(layers: Sequence[str]) -> dict[str, list[int]]:
    places: dict[str, list[int]] = {}
    for position, digest in enumerate(layers):
        places.setdefault(digest, []).append(position)
    return places


def _same_steps(
    a: Side, b: Side, where_a: dict[str, list[int]], where_b: dict[str, list[int]]
) -> dict[str, tuple[tuple[int], tuple[int]]]:
    """Layers that stand once in both images, in the same step, with their positions: what only
    such a layer writes is the same on both sides."""
    same: dict[str, tuple[tuple[int], tuple[int]]] = {}
    for digest, positions in where_a.items():
        others = where_b.get(digest, [])
        if len(positions) == len(others) == 1:
            (one,), (other,) = positions, others
            if _rank(a, one) == _rank(b, other):
                same[digest] = (one,), (other,)
    return same


def _rank(side: Side, position: int) -> int:
    """The step that a layer belongs to."""
    return next(rank for rank, cut in enumerate(side.cuts) if position < cut)


def _history(
    group: list[tuple[str, Fields]], where: dict[str, list[int]], hidden: tuple[int, ...]
) -> tuple[_History, tuple[int, ...]]:
    """A path on one side, and the positions that remove what is in it."""
    written: list[tuple[int, Fields]] = []
    removed, inside = list(hidden), list(hidden)
    for digest, fields in group:
        for position in where.get(digest, ()):
            kind = fields[TYPE]
            if kind == b"w":
                removed.append(position)
                inside.append(position)
            elif kind == b"o":
                inside.append(position)
            else:
                written.append((position, fields))
                if kind != b"d":
                    inside.append(position)
    if len(written) > 1:
        written.sort(key=lambda one: one[0])
    return _History(written, tuple(removed)), tuple(inside)


def _compared(
    a: Side, b: Side, path: bytes, history_a: _History, history_b: _History
) -> Iterator[Change]:
    """The steps in which a path differs, and whether it does so in the end."""
    touched = {_rank(a, position) for position in _touched(history_a)}
    touched |= {_rank(b, position) for position in _touched(history_b)}
    for rank in sorted(touched):
        change = _change(rank, path, history_a.after(a.cuts[rank]), history_b.after(b.cuts[rank]))
        if change is None:
            continue
        if change.kind != "times":
            before = rank - 1
            cut_a, cut_b = (a.cuts[before], b.cuts[before]) if rank else (0, 0)
            made_a = _effect(history_a.after(cut_a), history_a.after(a.cuts[rank]))
            made_b = _effect(history_b.after(cut_b), history_b.after(b.cuts[rank]))
            if not made_a and not made_b:
                continue  # an earlier step is the cause; this one at most touched it
        yield change
    last = _change(FINAL, path, history_a.after(len(a.layers)), history_b.after(len(b.layers)))
    if last is not None:
        yield last


def _touched(history: _History) -> Iterator[int]:
    """Positions of the layers that did something to the path."""
    for position, _ in history.written:
        yield position
    yield from history.removed


def _effect(before: tuple[int, Fields] | None, after: tuple[int, Fields] | None) -> bool:
    """Whether a step changed more of a path than its time."""
    if before is None or after is None:
        return before is not after
    judged = judge(before[1], after[1])
    return judged is not None and judged[0] != "times"


def _change(
    rank: int, path: bytes, a: tuple[int, Fields] | None, b: tuple[int, Fields] | None
) -> Change | None:
    if a is None and b is None:
        return None
    if a is None or b is None:
        kind: PathKind = "only-a" if b is None else "only-b"
        judged: tuple[PathKind, tuple[str, ...]] | None = (kind, ())
    else:
        judged = judge(a[1], b[1])
    if judged is None:
        return None
    (layer_a, fields_a), (layer_b, fields_b) = a or (None, None), b or (None, None)
    return Change(rank, path, judged[0], judged[1], fields_a, fields_b, layer_a, layer_b)


def made(
    side: Side, layers: dict[str, Iterable[bytes]]
) -> Iterator[tuple[int, bytes, Fields | None]]:
    """What each step of one image changed, times apart: (rank, path, what it is now; None where
    it was removed), in the order of paths."""
    where = _positions(side.layers)
    above: list[tuple[bytes, tuple[int, ...]]] = [(b"", _NONE)]
    for place, group in merged(layers):
        while not place.startswith(above[-1][0]):
            above.pop()
        history, inside = _history(group, where, above[-1][1])
        if inside:
            above.append((_inside(place), inside))
        for rank in sorted({_rank(side, position) for position in _touched(history)}):
            before = history.after(side.cuts[rank - 1] if rank else 0)
            after = history.after(side.cuts[rank])
            if _effect(before, after):
                yield rank, group[0][1][PATH], after[1] if after else None
