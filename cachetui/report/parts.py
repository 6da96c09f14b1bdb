"""Markdown in parts that are shown whole or not at all, where a place holds so much and no more."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from cachetui.report import units
from cachetui.report.escape import markdown_code, markdown_summary, markdown_text

MAX_COMMENT = 65_000
"""Characters of Markdown. A comment on GitHub holds 65,536; the rest is for what a job adds."""

_NAMED = 3
"""Parts left out that are named; more are counted."""


@dataclass(frozen=True, slots=True)
class Part:
    """Lines of Markdown that make sense alone. `name` says what they are: "the steps of
    buildkit-cold". It is neither escaped nor longer than a line."""

    name: str
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        return "\n".join(self.lines) + "\n\n"


def folded(name: str, summary: str, lines: Iterable[str]) -> Part:
    """A part that is closed until its summary is clicked; `summary` is text, `lines` Markdown."""
    head = f"<details><summary>{markdown_summary(summary)}</summary>"
    return Part(name, (head, "", *lines, "", "</details>"))


def fit(parts: Sequence[Part], limit: int, command: str, size: Callable[[str], int] = len) -> str:
    """The parts as Markdown of at most `limit`, as `size` counts it; ends in a newline.

    A part that does not fit is left out, and those after it that do are not: the end says which are
    missing, and that `command` shows them. Empty where not even the first part fits.
    """
    kept, left, used = list[Part](), list[Part](), 0
    for part in parts:
        own = size(part.text)
        if used + own <= limit:
            kept.append(part)
            used += own
        else:
            left.append(part)
    while left and kept and used + size(_left_out(left, command)) > limit:
        last = kept.pop()
        left.insert(0, last)
        used -= size(last.text)
    if not kept or kept[0] is not parts[0]:
        return ""
    end = _left_out(left, command) if left else ""
    return ("".join(part.text for part in kept) + end).rstrip("\n") + "\n"


def _left_out(parts: Sequence[Part], command: str) -> str:
    named = [markdown_text(part.name) for part in parts[:_NAMED]]
    more = len(parts) - len(named)
    named += [units.count(more, "more part")] * bool(more)
    names = " and ".join(filter(None, [", ".join(named[:-1]), named[-1]]))
    return f"Too long for here and left out: {names}. {markdown_code(command)} shows all.\n"
