"""The layers that a vertex of BuildKit pulled, by what its output says of them.

A hit in an imported cache has its layers pulled (lab). On a graph driver's store that is said as
`pulling sha256:…`, without sizes; on the containerd store as `sha256:… 1.2MB / 41.9MB` and
`extracting sha256:…`, as it is of the image of a FROM everywhere. No step that runs pulls
anything.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from cachetui.builders.line_buffer import printable_size

MAX_LAYERS = 1024
"""Layers of a vertex whose sizes are kept; an image has at most 127."""

_LINE = re.compile(
    rb"(?P<digest>sha256:[0-9a-f]{64}) \d[\d.]*\S* /(?: (?P<size>[\d.]+[kKMGTPE]?i?B))?"
    rb"|pulling (?P<pulled>sha256:[0-9a-f]{64})"
    rb"|(?:extracting|pulling) sha256:"
)
_TOOK = re.compile(rb" (\d{1,9}\.\d)s(?: done)?\Z")


@dataclass(slots=True)
class Pull:
    """`seen` is whether anything was pulled or extracted, `longest` the most seconds that plain
    output printed for a layer: layers can be pulled at the same time."""

    seen: bool = False
    longest: float = 0.0
    _sizes: dict[str, int] = field(default_factory=dict)  # digest → bytes
    _open: set[str] = field(default_factory=set)  # digests of layers on their way

    def turns(self, digest: str, *, ended: bool) -> bool:
        """Take what is said of a layer's download; whether that began or ended with it."""
        if ended:
            there = digest in self._open
            self._open.discard(digest)
            return there
        if digest in self._open or len(self._open) >= MAX_LAYERS:
            return False
        self._open.add(digest)
        return True

    def over(self) -> None:
        """The vertex ended, and with it what was on its way."""
        self._open.clear()

    def layer(self, digest: str, size: int) -> None:
        """A layer of `size` bytes is pulled; said again and again until it is there."""
        self.seen = True
        if digest in self._sizes or len(self._sizes) < MAX_LAYERS:
            self._sizes[digest] = size

    def line(self, rest: bytes) -> tuple[str, bool] | None:
        """Take a line of plain output, without its number; None if it is about no layer. Else the
        layer whose download it is about ("" for none), and whether that ended."""
        said = _LINE.match(rest)
        if said is None:
            return None
        self.seen = True
        size = printable_size(said["size"].decode()) if said["size"] else None
        if size is not None:
            self.layer(said["digest"].decode(), size)
        took = _TOOK.search(rest)
        if took:
            self.longest = max(self.longest, float(took[1]))
        return (said["digest"] or said["pulled"] or b"").decode(), rest.endswith(b" done")

    @property
    def bytes(self) -> int | None:
        """Bytes of all layers, None where no size was said."""
        return sum(self._sizes.values()) if self._sizes else None
