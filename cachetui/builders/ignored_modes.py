"""Modes of `COPY --chmod` and `ADD --chmod` that older engines' BuildKit reads and does not set.

Up to BuildKit 0.13 a mode is set where it is an octal number as it stands in the file; anything
else is left out without a word (`dockerfile2llb/convert.go`, dispatchCopy). Measured in our lab:
20.10 and 26.1 leave it out, 28.5 sets it or refuses it. Between these nothing is known.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cachetui.dockerfile.instruction import FILE_KEYWORDS, Instruction
from cachetui.dockerfile.parse import Dockerfile, needed_stages
from cachetui.records.versions import version_key

_LAST_THAT_IGNORES = (26, 1)
_LAST_WITHOUT_SPECIAL_BITS = (20, 10)
_PERMISSIONS = 0o777


def ignored_modes(
    dockerfile: Dockerfile, target: str | None, engine: str
) -> Iterator[tuple[Instruction, str]]:
    """What the engine's own BuildKit does nothing about ("--chmod=u+x"), with its instruction.

    Nothing where a `# syntax=` line names another frontend, which goes by its own version.
    """
    version = version_key(engine)[:2]
    if dockerfile.syntax is not None or not version or version > _LAST_THAT_IGNORES:
        return
    for index in sorted(needed_stages(dockerfile, target)):
        for item in dockerfile.stages[index].instructions:
            mode = item.flag("chmod") if item.keyword in FILE_KEYWORDS else None
            if not mode:
                continue
            number = _octal(mode)
            if number is None:
                yield item, f"--chmod={mode}"
            elif number > _PERMISSIONS and version <= _LAST_WITHOUT_SPECIAL_BITS:
                yield item, f"the special bits of --chmod={mode}"


def deviations(
    dockerfile: Dockerfile,
    target: str | None,
    engine: str,
    build_args: Mapping[str, str],  # noqa: ARG001
) -> Iterator[tuple[str, int]]:
    """The same as words, with the line."""
    for item, what in ignored_modes(dockerfile, target, engine):
        yield f"ignores {what}", item.line


def _octal(mode: str) -> int | None:
    """The mode as Go's strconv.ParseUint reads it with base 8; None where it does not."""
    return int(mode, 8) if mode and set(mode) <= set("01234567") else None
