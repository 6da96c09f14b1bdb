"""Clean text at the edge of the display: the only place that does.

What a build prints is hostile: it can move the cursor, write the clipboard, retitle the window
or turn the reading order around. Nothing that comes from a build or a host reaches a terminal
or a page except through here; the raw bytes stay in the store.
"""

from __future__ import annotations

import re

LINE_CAP = 4096
"""Characters of a line that are shown by default."""

# A control string (OSC, DCS, SOS, PM, APC) that nothing terminates ends with its line: it must
# not hide the lines that follow. Each alternative consumes what it can and needs nothing after
# it, so that no input makes the search go back: the time is linear.
_SEQUENCE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"
    r"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)?"
    r"|\x1b[ -/]*[0-~]?"
)

# C0 but tab and newline, DEL, C1; bidi marks, embeddings, overrides and isolates; line and
# paragraph separators; characters that are there and cannot be seen (zero-width space, word
# joiner and its neighbours, byte order mark, interlinear annotation, tags). The joiners U+200C
# and U+200D stay: scripts and emoji are spelled with them.
_FORBIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"
    "\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f]"
)
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_SURROGATE = re.compile("[\ud800-\udfff]")
_SPACES = re.compile(r"[\t\n\r\x0b\x0c\x85\u2028\u2029]+")
_NEEDS_CLEANING = re.compile(
    f"{_FORBIDDEN.pattern[:-1]}\ud800-\udfff]",
)


def clean(text: str, cap: int = LINE_CAP) -> str:
    """Make a block of text safe to show: escape sequences and controls gone, lines kept.

    Newlines and tabs stay; CRLF and a lone CR are newlines. A lone surrogate becomes U+FFFD. A
    line of more than `cap` characters is cut, with a mark that says how many are missing. Takes
    linear time and never fails.
    """
    if _NEEDS_CLEANING.search(text):
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        text = _strip(text)
    if len(text) <= cap:
        return text
    return "\n".join(_capped(line, cap) for line in text.split("\n"))


def spelled(text: str) -> str:
    """A message with its control characters spelled out, as in "\\x1b": it can hold what a user
    typed, and a name with a control character is not the name without. Colours go; lines stay."""
    text = _COLOUR.sub("", text.replace("\r\n", "\n"))
    return clean(_FORBIDDEN.sub(lambda one: one[0].encode("unicode_escape").decode(), text))


def clean_line(text: str, cap: int = LINE_CAP) -> str:
    """The same for a place that holds one line: a cell, a title. Line ends and tabs are a space."""
    return _capped(_strip(_SPACES.sub(" ", text)), cap)


def _strip(text: str) -> str:
    text = _FORBIDDEN.sub("", _SEQUENCE.sub("", text))
    return _SURROGATE.sub("\ufffd", text)


def _capped(line: str, cap: int) -> str:
    missing = len(line) - cap
    return f"{line[:cap]}… (+{missing} characters)" if missing > 0 else line
