"""Text put into Markdown: what a build printed must show as itself, not act.

Takes cleaned text of one line (see `clean`).
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence

# A link is made of what begins with www. and of what has :// inside.
_SPECIAL = re.compile(r"[\\`*_\[\]!|~]|:(?=//)|(?<=www)\.")
# A name that is told of it, and an issue, request, snippet, label or milestone that says it was
# mentioned. Backslashes and entities do not help: what is rendered is searched. A space of no width
# between does, and stands in no clean text.
_MENTION = re.compile(
    r"(?<=@)(?=\w)|(?<=[#!$%&~])(?=\d)|(?<=\bGH-)(?=\d)", re.ASCII | re.IGNORECASE
)
_APART, _APART_ENTITY = "\u200b", "&#8203;"
# GitHub makes a formula of what stands between two, unless each is in an element of its own.
_DOLLAR = "<span>$</span>"
_LEADING = re.compile(r"^(?=[-+#=])|^(\d{1,9})(?=[.)](?:\s|$))")
_IN_CODE = re.compile(r"[\\`*_\[\]!|~<>&@#$]|:(?=//)|(?<=www)\.")


def markdown_text(text: str) -> str:
    """`text` as it is, whatever Markdown would make of it: no markup, HTML, list or link, no
    formula, and nobody who is told that he was mentioned."""
    escaped = _SPECIAL.sub(r"\\\g<0>", html.escape(_MENTION.sub(_APART, text), quote=False))
    escaped = _LEADING.sub(lambda match: f"{match[1] or ''}\\", escaped)
    return escaped.replace("$", _DOLLAR).replace(_APART, _APART_ENTITY)


def markdown_summary(text: str) -> str:
    """`text` for a `<summary>`, in a line of HTML, where Markdown is not read."""
    escaped = html.escape(_MENTION.sub(_APART, text), quote=False).replace("://", "&#58;//")
    return escaped.replace("$", _DOLLAR).replace(_APART, _APART_ENTITY)


def markdown_prose(text: str) -> str:
    """A sentence in which what stands between backticks is code; else as `markdown_text`."""
    parts = text.split("`")
    if len(parts) % 2 == 0 or not all(parts[1::2]):
        return markdown_text(text)
    return "".join(
        markdown_code(part) if number % 2 else markdown_text(part)
        for number, part in enumerate(parts)
    )


def markdown_code(text: str) -> str:
    """`text` as code within a line or a table's cell. HTML's element, for no number of backticks
    keeps a pipe from ending a cell."""
    return f"<code>{_IN_CODE.sub(lambda match: f'&#{ord(match[0])};', text)}</code>"


def markdown_block(lines: Iterable[str], language: str = "text") -> list[str]:
    """Lines as a block of code, fenced by more backticks than the text has in a row."""
    block = list(lines)
    longest = max((len(run) for line in block for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}{language}", *block, fence]


def markdown_table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A table's lines; headings and cells are text to be shown as it is."""
    escaped = (list(map(markdown_text, row)) for row in rows)
    return markdown_rows(list(map(markdown_text, headings)), escaped)


def markdown_rows(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A table's lines of headings and cells that are Markdown already."""
    every = [headings, ["---"] * len(headings), *rows]
    return [f"| {' | '.join(row)} |" for row in every]
