"""Text in terminal cells: how wide, cut with a mark, padded.

Uses the standard library's Unicode tables: rich's would cost the headless commands 20 ms of import.
Takes cleaned text (see `clean`).
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

MARK = "…"
_FLAGS = re.compile(r"^((?:ONBUILD\s+)?\S+)((?:\s+--\S+)+)(\s+.*)$", re.DOTALL)


def width(text: str) -> int:
    """Cells that `text` takes: wide characters two, combining and joining ones none."""
    if text.isascii():
        return len(text)
    return sum(map(_char_width, text))


def clip(text: str, cells: int) -> str:
    """The beginning of `text` that fits `cells`, its end marked when something is missing."""
    if width(text) <= cells:
        return text
    if cells <= 0:
        return ""
    kept: list[str] = []
    left = cells - 1
    for char in text:
        left -= _char_width(char)
        if left < 0:
            break
        kept.append(char)
    return "".join(kept) + MARK


def clip_names(text: str, cells: int) -> str:
    """A list of names that fits `cells`, as `clip`, its end between two of them, and its bracket
    closed: "ci-[3,10,…]"."""
    if width(text) <= cells:
        return text
    kept = clip(text, cells - 1)
    at = kept.rfind(",") + 1
    if not at:
        return clip(text, cells)
    inside = kept.rfind("[", 0, at) > kept.rfind("]", 0, at)
    return kept[:at] + MARK + "]" * inside


def pad(text: str, cells: int, *, right: bool = False) -> str:
    """`text` clipped to `cells` and filled with spaces; `right` aligns it to the right."""
    text = clip(text, cells)
    space = " " * (cells - width(text))
    return space + text if right else text + space


def shorten(instruction: str, cells: int) -> str:
    """An instruction within `cells`: first its flags but --from give way to a mark, then its end.

    `RUN --mount=type=cache,target=/root/.npm npm ci` says more as `RUN … npm ci` than as
    `RUN --mount=type=ca…`.
    """
    if width(instruction) > cells and (flagged := _FLAGS.match(instruction)):
        kept = [flag for flag in flagged[2].split() if flag.startswith("--from=")]
        instruction = " ".join([flagged[1], *(kept or [MARK]), flagged[3].lstrip()])
    return clip(instruction, cells)


def wrap(text: str, cells: int, first: str = "", rest: str = "") -> list[str]:
    """The words of `text` in lines of at most `cells`, begun with `first`, then with `rest`.

    A word wider than a line is cut into several: a list of names or numbers behind a comma.
    """
    lines: list[str] = []
    line, empty = first, True
    for whole in text.split():
        word = whole
        while word:
            room = cells - width(line) - (not empty)
            if width(word) <= room:
                line, empty, word = f"{line}{'' if empty else ' '}{word}", False, ""
            elif empty:
                head = _head(word, room)
                head = head[: head.rfind(",") + 1] or head
                lines.append(line + head)
                line, word = rest, word[len(head) :]
            else:
                lines.append(line)
                line, empty = rest, True
    return lines if empty else [*lines, line]


def _head(word: str, cells: int) -> str:
    """The longest beginning of `word` within `cells`, at least a character."""
    taken = 0
    for position, char in enumerate(word):
        taken += _char_width(char)
        if taken > cells and position:
            return word[:position]
    return word


@lru_cache(maxsize=4096)
def _char_width(char: str) -> int:
    if unicodedata.east_asian_width(char) in "WF":
        return 2
    return 0 if unicodedata.category(char) in ("Mn", "Me", "Cf") else 1
