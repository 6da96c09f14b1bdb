"""Colour for the terminal: always beside a sign and a word, never instead of them."""

from __future__ import annotations

from collections.abc import Mapping

_CODES = {
    "hit": "32",
    "miss": "33",
    "failed": "1;31",
    "mixed": "35",
    "base": "2",
    "absent": "2",
    "stopped": "2",
    "lost": "1;31",
    "not-needed": "2",
    "not-reached": "2",
    "unsupported": "2",
    "odd": "1;7",
    "bold": "1",
    "dim": "2",
}


def wanted(is_terminal: bool, environ: Mapping[str, str]) -> bool:
    """Whether to colour: in a terminal that can, unless NO_COLOR is there, whatever it holds."""
    return is_terminal and "NO_COLOR" not in environ and environ.get("TERM") != "dumb"


def paint(text: str, style: str, color: bool) -> str:
    """`text` in a style ("hit", "bold", …; unknown ones are plain), or as it is."""
    code = _CODES.get(style)
    return f"\x1b[{code}m{text}\x1b[0m" if color and code and text else text
