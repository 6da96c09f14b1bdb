"""How two contents of a file differ: lines of text, the first byte, or the members of a container.

Works on what was fetched; says when that is not all of it.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Literal

from cachetui.compare.noise import canonical
from cachetui.outputs.containers import Listing, listing
from cachetui.records.base import Record

Sign = Literal[" ", "-", "+", "@"]
Kind = Literal["same", "text", "binary", "container"]

MAX_LINES = 2000
"""Lines that are matched with each other; beyond, what differs is shown as replaced whole."""

CONTEXT = 3
_WIDEST = 400
_SHOWN = 1000


class Fetched(Record, frozen=True, kw_only=True):
    """The beginning of a file: `size` is that of all of it."""

    size: int
    data: bytes

    @property
    def complete(self) -> bool:
        return len(self.data) == self.size


class DiffLine(Record, frozen=True, kw_only=True):
    """A line of a diff. `sign`: " " on both sides, "-" on the first, "+" on the second, "@" the
    place where a passage begins. Text is as it was read: to be cleaned where it is shown."""

    sign: Sign
    text: str


class FileDifference(Record, frozen=True, kw_only=True):
    """How two contents differ. `summary` is a sentence; `lines` a diff of text, or of the list of
    what a container holds; `first` the offset of the first byte that differs."""

    kind: Kind
    summary: str
    size_a: int
    size_b: int
    first: int | None = None
    lines: tuple[DiffLine, ...] = ()
    more: int = 0


def file_difference(a: Fetched, b: Fetched) -> FileDifference:
    """How two contents of a path differ. Of what was not fetched whole, the beginnings."""
    whole = a.complete and b.complete
    first = first_difference(a.data, b.data)

    def described(
        kind: Kind, summary: str, lines: Sequence[DiffLine] = (), note: str = ""
    ) -> FileDifference:
        return FileDifference(
            kind=kind,
            summary=summary + note,
            size_a=a.size,
            size_b=b.size,
            first=first,
            lines=tuple(lines[:_SHOWN]),
            more=max(0, len(lines) - _SHOWN),
        )

    if first is None and whole:
        return described("same", "the contents are the same")
    if first is None:
        same = f"the first {min(len(a.data), len(b.data))} bytes are the same"
        return described("binary", f"{same}; the rest was not fetched")
    one, other = (listing(a.data), listing(b.data)) if whole else (None, None)
    if one is not None and other is not None and one.kind == other.kind:
        return described("container", *_members(one, other))
    text_a, text_b = _text(a), _text(b)
    note = "" if whole else " (of the beginnings that were fetched)"
    if text_a is None or text_b is None:
        return described("binary", f"binary; the first byte that differs is at {first}", note=note)
    lines_a, lines_b = text_a.split("\n"), text_b.split("\n")
    if whole and lines_a[-1] == lines_b[-1] == "":
        del lines_a[-1], lines_b[-1]  # both end their last line
    return described("text", _text_summary(lines_a, lines_b), _text_diff(lines_a, lines_b), note)


def first_difference(a: bytes, b: bytes) -> int | None:
    """The offset of the first byte that differs; None when one begins with the other and is cut
    off there, or they are equal."""
    low, high = 0, min(len(a), len(b))
    if a[:high] == b[:high]:
        return None if len(a) == len(b) else high
    while low + 1 < high:  # a[:low] is equal, a[:high] is not
        middle = (low + high) // 2
        if a[low:middle] == b[low:middle]:
            low = middle
        else:
            high = middle
    return low


def _text(fetched: Fetched) -> str | None:
    """The content as text, None when it is none. A character cut at the end does not count."""
    if b"\0" in fetched.data[:8192]:
        return None
    try:
        return fetched.data.decode("utf-8")
    except UnicodeDecodeError as error:
        if fetched.complete or error.start < len(fetched.data) - 4:
            return None
        return fetched.data[: error.start].decode("utf-8")


def _text_summary(a: Sequence[str], b: Sequence[str]) -> str:
    """A sentence about two texts."""
    if len(a) == len(b):
        pairs = [(one, other) for one, other in zip(a, b, strict=True) if one != other]
        forms = [(canonical(one), canonical(other)) for one, other in pairs[:MAX_LINES]]
        if len(pairs) <= MAX_LINES and all(one.text == other.text for one, other in forms):
            kinds = sorted({kind for one, _ in forms for kind in one.kinds})
            what = {"time": "times", "duration": "durations", "id": "ids", "process": "numbers"}
            words = " and ".join(what.get(kind, kind) for kind in kinds)
            lines = "1 line" if len(pairs) == 1 else f"{len(pairs)} lines"
            return f"text; only {words} differ, in {lines}"
        return f"text; {len(pairs)} of {len(a)} lines differ"
    return f"text; {len(a)} lines and {len(b)} lines"


def _text_diff(a: Sequence[str], b: Sequence[str]) -> list[DiffLine]:
    """A diff with context. Head and tail that are equal are set aside first."""
    head = 0
    while head < min(len(a), len(b)) and a[head] == b[head]:
        head += 1
    tail = 0
    while tail < min(len(a), len(b)) - head and a[-1 - tail] == b[-1 - tail]:
        tail += 1
    middle_a, middle_b = a[head : len(a) - tail], b[head : len(b) - tail]
    if max(len(middle_a), len(middle_b)) > MAX_LINES:
        blocks = [("replace", 0, len(middle_a), 0, len(middle_b))]
    else:
        matcher = difflib.SequenceMatcher(None, middle_a, middle_b)
        blocks = [block for block in matcher.get_opcodes() if block[0] != "equal"]
    lines: list[DiffLine] = []
    shown = 0  # lines of `a` that are told already
    for _, a0, a1, b0, b1 in blocks:
        begin, end = head + a0, head + a1
        if lines:
            lines += [
                DiffLine(sign=" ", text=_cut(t)) for t in a[shown : min(shown + CONTEXT, begin)]
            ]
            shown = min(shown + CONTEXT, begin)
        if begin - CONTEXT > shown or not lines:
            shown = max(shown, begin - CONTEXT)
            lines.append(DiffLine(sign="@", text=f"line {shown + 1}"))
        lines += [DiffLine(sign=" ", text=_cut(text)) for text in a[shown:begin]]
        lines += _replaced(a[begin:end], b[head + b0 : head + b1])
        shown = end
    after = a[shown : shown + CONTEXT]
    return lines + [DiffLine(sign=" ", text=_cut(text)) for text in after]


def _replaced(a: Sequence[str], b: Sequence[str]) -> list[DiffLine]:
    """Lines for others. Of a long line that became another, the part where they differ."""
    removed, added = list(a), list(b)
    for at, (one, other) in enumerate(zip(a, b)):  # noqa: B905 (the longer has lines of its own)
        if max(len(one), len(other)) > _WIDEST:
            place = first_difference(one.encode("utf-8"), other.encode("utf-8")) or 0
            column = len(one.encode("utf-8")[:place].decode("utf-8", "ignore"))
            removed[at], added[at] = _cut(one, column), _cut(other, column)
    return [
        *(DiffLine(sign="-", text=_cut(text)) for text in removed),
        *(DiffLine(sign="+", text=_cut(text)) for text in added),
    ]


def _cut(text: str, column: int = 0) -> str:
    """At most so much of a line as is worth showing, from a little before a column on."""
    if len(text) <= _WIDEST + 2:
        return text
    begin = max(0, min(column - 40, len(text) - _WIDEST))
    end = begin + _WIDEST
    return ("…" if begin else "") + text[begin:end] + ("…" if end < len(text) else "")


def _members(a: Listing, b: Listing) -> tuple[str, list[DiffLine]]:
    """What differs in what two containers hold: a sentence, and the list."""
    lines: list[DiffLine] = []
    times = contents = about = 0
    for name in dict.fromkeys((*a.times, *b.times)):
        if a.times.get(name) != b.times.get(name):
            times += 1
            lines += _changed(name, a.times.get(name), b.times.get(name))
    for name in dict.fromkeys((*a.header, *b.header)):
        if a.header.get(name) != b.header.get(name):
            about += 1
            lines += _changed(name, a.header.get(name), b.header.get(name))
    for name in dict.fromkeys((*a.parts, *b.parts)):
        one, other = a.parts.get(name), b.parts.get(name)
        if one == other:
            continue
        if one is None or other is None or one.digest != other.digest:
            contents += 1
        elif one.about != other.about:
            about += 1
        else:
            times += 1
        shown = [
            None
            if part is None
            else " ".join(filter(None, (part.time, part.about, part.digest[:12])))
            for part in (one, other)
        ]
        lines += _changed(name, *shown)
    kind = a.kind
    if contents:
        return (
            f"{kind}; the content of {contents} of {len(a.parts | b.parts)} members differs",
            lines,
        )
    if about:
        return (
            f"{kind}; the members' contents are the same, {about} differ in other than times",
            lines,
        )
    if times:
        return f"{kind}; only embedded times differ ({times})", lines
    if list(a.parts) != list(b.parts):
        return f"{kind}; the same members in another order", lines
    return f"{kind}; the same members, packed differently", lines


def _changed(name: str, a: str | None, b: str | None) -> list[DiffLine]:
    lines = [DiffLine(sign="-", text=f"{name}: {a}")] if a is not None else []
    return lines + ([DiffLine(sign="+", text=f"{name}: {b}")] if b is not None else [])
