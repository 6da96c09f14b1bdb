"""ONBUILD: what it would run later, and its heredocs: `ONBUILD RUN <<EOF` has a body for BuildKit.

`e2b_dockerfile_utils` 0.1 reads heredocs of RUN, COPY and ADD only, while BuildKit's parser
(`frontend/dockerfile/parser/parser.go`, heredocCompoundDirectives) reads those that ONBUILD
leads too. So such an ONBUILD word is blanked before parsing and put back afterwards.
"""

from __future__ import annotations

import re
from dataclasses import replace

from e2b_dockerfile_utils import (
    DockerfileInstruction,
    DockerfileSyntaxError,
    parse_dockerfile_ast,
)

from cachetui.dockerfile.instruction import DockerfileError, Instruction, from_node

_CANDIDATE = re.compile(
    r"([ \t]*)onbuild((?:[ \t]+(?:run|copy|add)\b.*(?:<<.*|[\\`][ \t]*)|[ \t]*[\\`][ \t]*)\r?)\Z",
    re.IGNORECASE,
)
_MARKER = "RUN cachetui-starts-here"
_MOST = 200
"""ONBUILDs that are looked at: each takes a reading of what stands above it."""


def uncover_heredocs(text: str) -> tuple[str, frozenset[int]]:
    """The text with ONBUILD blanked where it may lead a heredoc, and the 1-based lines of those."""
    if "<<" not in text or "onbuild" not in text.lower():
        return text, frozenset()
    lines = text.split("\n")
    blanked: set[int] = set()
    looked_at = 0
    for index, line in enumerate(lines):
        match = _CANDIDATE.match(line)
        if not match or looked_at == _MOST:
            continue
        looked_at += 1
        if _starts_instruction(lines[:index]):
            lines[index] = match.group(1) + match.group(2).lstrip()
            blanked.add(index + 1)
    return "\n".join(lines), frozenset(blanked)


def _starts_instruction(before: list[str]) -> bool:
    """Whether a new instruction can start here: not in a heredoc, not continuing a line."""
    try:
        nodes = parse_dockerfile_ast("\n".join([*before, _MARKER])).instructions
    except DockerfileSyntaxError:
        return False
    return bool(nodes) and nodes[-1].original.strip() == _MARKER


def onbuild_of(plain: Instruction) -> Instruction:
    """An ONBUILD with what it would run (`instructions/parse.go` parseOnBuild)."""
    rest = plain.rest
    first = rest.split(None, 1)[0].upper() if rest else ""
    if not rest:
        raise DockerfileError(plain.line, "ONBUILD needs an instruction to run later")
    if first in ("ONBUILD", "FROM", "MAINTAINER"):
        raise DockerfileError(plain.line, f"ONBUILD cannot run {first}")
    try:
        parse_dockerfile_ast(rest)
    except DockerfileSyntaxError as error:
        # What it would run is parsed with the file, but an unknown word is found only when run.
        message = str(error).split(": ", 1)[-1]
        if not message.startswith(("unknown instruction", "unterminated heredoc")):
            raise DockerfileError(plain.line, f"ONBUILD {first}: {message}") from None
    return replace(plain, onbuild=trigger(rest, plain))


def covered(node: DockerfileInstruction, word: str, stage_index: int, index: int) -> Instruction:
    """The ONBUILD whose `word` was blanked, of the instruction that was read in its stead."""
    inner = from_node(node, stage_index, index)
    return Instruction(
        stage_index=stage_index,
        index=index,
        keyword="ONBUILD",
        line=inner.line,
        end_line=inner.end_line,
        text=f"{word} {inner.text}",
        heredocs=inner.heredocs,
        onbuild=inner,
    )


def trigger(text: str, at: Instruction, escape: str = "\\") -> Instruction | None:  # noqa: ARG001
    """An ONBUILD trigger's text as an instruction at `at`'s place; None if not understood.

    The escape token of the file does not matter: both builders parse a trigger by itself
    (`convert.go` initOnBuildTriggers; moby `dispatchers.go` dispatchTriggeredOnBuild).
    """
    try:
        nodes = parse_dockerfile_ast(text).instructions
    except DockerfileSyntaxError:
        return None
    if len(nodes) != 1:
        return None
    instruction = from_node(nodes[0], at.stage_index, at.index)
    return replace(instruction, line=at.line, end_line=at.end_line)
