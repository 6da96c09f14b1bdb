"""Heredocs of ONBUILD: `ONBUILD RUN <<EOF` has a body, as BuildKit reads it.

`e2b_dockerfile_utils` 0.1 reads heredocs of RUN, COPY and ADD only, while BuildKit's parser
(`frontend/dockerfile/parser/parser.go`, heredocCompoundDirectives) reads those that ONBUILD
leads too. So such an ONBUILD word is blanked before parsing and put back afterwards.
"""

from __future__ import annotations

import re

from e2b_dockerfile_utils import DockerfileSyntaxError, parse_dockerfile_ast

_CANDIDATE = re.compile(r"([ \t]*)onbuild([ \t]+(?:run|copy|add)\b.*<<)", re.IGNORECASE)
_MARKER = "RUN cachetui-starts-here"


def uncover_heredocs(text: str) -> tuple[str, frozenset[int]]:
    """The text with `ONBUILD` blanked where it leads a heredoc, and the 1-based lines of those."""
    if "<<" not in text or "onbuild" not in text.lower():
        return text, frozenset()
    lines = text.split("\n")
    found: set[int] = set()
    for index, line in enumerate(lines):
        match = _CANDIDATE.match(line)
        if match and _starts_instruction(lines[:index]):
            lines[index] = match.group(1) + line[match.start(2) :].lstrip()
            found.add(index + 1)
    return "\n".join(lines), frozenset(found)


def _starts_instruction(before: list[str]) -> bool:
    """Whether a new instruction can start here: not in a heredoc, not continuing a line."""
    try:
        nodes = parse_dockerfile_ast("\n".join([*before, _MARKER])).instructions
    except DockerfileSyntaxError:
        return False
    return bool(nodes) and nodes[-1].original.strip() == _MARKER
