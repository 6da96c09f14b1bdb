"""Which paths not to mind: globs in the manner of .gitignore.

- `*` and `?` match within one part of a path, `[a-z]` and `[!a-z]` one character, `**` any
  number of parts.
- A pattern with a slash at its beginning or in its middle stands for a path from the root of the
  image: `/var/cache/*`, `usr/**/*.pyc`. One without stands for a name anywhere: `*.pyc`.
- What matches a folder matches all that is in it, so `/var/log` and `/var/log/**` leave out the
  same files, and `__pycache__` every such folder. A slash at the end says no more.
- A backslash takes the next character as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable


class GlobError(ValueError):
    """A pattern that can match nothing: says which, and what is wrong."""


class Ignore:
    """A list of patterns. `match` says which of them, the first, leaves a path out."""

    def __init__(self, patterns: Iterable[str]) -> None:
        self.patterns = tuple(dict.fromkeys(patterns))
        parts = [f"({_regex(pattern)})" for pattern in self.patterns]
        self._all = re.compile("|".join(parts), re.DOTALL) if parts else None

    def match(self, path: str) -> str | None:
        """The pattern that matches a path (relative to the root), or a folder that it is in."""
        pattern = self._all.match(path) if self._all is not None else None
        return None if pattern is None else self.patterns[(pattern.lastindex or 1) - 1]


def _regex(pattern: str) -> str:
    """The regular expression that matches what the pattern leaves out, from a path's start."""
    body = pattern.strip().rstrip("/")
    anchored = "/" in body
    body = body.lstrip("/")
    if not body:
        raise GlobError(f"{pattern!r} is not a pattern: it names no file (all of them are `**`)")
    out = "" if anchored else "(?:.*/)?"
    parts = body.split("/")
    for number, part in enumerate(parts):
        last = number == len(parts) - 1
        if part == "**":
            out += ".+" if last else "(?:.*/)?"
        else:
            out += _part(part, pattern) + ("" if last else "/")
    return out + r"(?:/.*)?\Z"


_CLASS = re.compile(r"\[([!^]?)(\]?[^\]/]*)\]")


def _part(part: str, pattern: str) -> str:
    """One part of a path; `**` within it is as good as `*`."""
    out = ""
    at = 0
    while at < len(part):
        char = part[at]
        bracket = _CLASS.match(part, at)
        if char == "*":
            out += "" if out.endswith("[^/]*") else "[^/]*"
        elif char == "?":
            out += "[^/]"
        elif char == "[" and bracket:
            inside = re.sub(r"([\\\[&~|^])", r"\\\1", bracket[2])
            out += f"[{'^/' if bracket[1] else ''}{inside}]"
            at = bracket.end() - 1
        elif char == "\\" and at + 1 < len(part):
            at += 1
            out += re.escape(part[at])
        else:
            out += re.escape(char)
        at += 1
    try:
        re.compile(out)
    except re.error as error:
        raise GlobError(f"{pattern!r} is not a pattern: {error}") from None
    return out
