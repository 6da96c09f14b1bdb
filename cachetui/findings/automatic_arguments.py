"""Arguments that BuildKit gives by itself to an ARG of their name: the platforms of a build.

BuildKit takes them for ARGs above the first FROM (`dockerfile2llb/convert.go`, getPlatformArgs), so
a default in the stage or what the build gives holds against them, and a value given by hand that is
theirs changes no key (our lab: 20.10 and 26.1). The legacy builder has none of them (26.1).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from cachetui.dockerfile.instruction import Instruction
from cachetui.dockerfile.parse import Dockerfile

_PLATFORMS = frozenset(
    f"{prefix}{name}"
    for prefix in ("TARGET", "BUILD")
    for name in ("PLATFORM", "OS", "ARCH", "VARIANT")
)
_STAGE = "TARGETSTAGE"


def with_automatic(file: Dockerfile, target: str | None, engine: str | None) -> Dockerfile:
    """The Dockerfile with them above its first FROM. `target` is the platform that is built for,
    `engine` that of the engine, such as "linux/arm/v7"; None for one that is not known, and of
    several at once nothing is known. A name that the file itself declares there is left to it."""
    own = {word.partition("=")[0] for item in file.meta_args for word in item.args if "=" in word}
    words = [
        f"{prefix}{name}={value}"
        for prefix, platform in (("TARGET", target), ("BUILD", engine))
        for name, value in _parts(platform)
        if f"{prefix}{name}" not in own
    ]
    if not words:
        return file
    text = f"ARG {' '.join(words)}"
    above = Instruction(-1, -1, "ARG", 0, 0, text, args=tuple(words))
    return replace(file, meta_args=(above, *file.meta_args))


def automatic_doubts(
    file: Dockerfile, given: Mapping[str, str], target: str | None
) -> dict[str, str]:
    """What is an input on some engines only. An ARG of a platform above the first FROM, without a
    value, takes the automatic one away on 26.1 and leaves it on 28.5; TARGETSTAGE, the stage that
    is built, is automatic on 28.5 and not on 26.1 (our lab). `given` is name → digest."""
    bare = sorted(_PLATFORMS.intersection(word for item in file.meta_args for word in item.args))
    doubts = {"platform argument": " ".join(bare)} if bare else {}
    if any(
        word.partition("=")[0] == _STAGE
        for stage in file.stages
        for item in stage.instructions
        if item.keyword == "ARG"
        for word in item.args
    ):
        doubts["stage argument"] = f"{given.get(_STAGE)} {target}"
    return doubts


def without_doubted(given: Mapping[str, str], doubts: Mapping[str, str]) -> dict[str, str]:
    """The arguments but for one of which `automatic_doubts` says that giving it may change
    nothing: 28.5 may have given it by itself."""
    doubted = {_STAGE} if "stage argument" in doubts else set()
    return {name: value for name, value in given.items() if name not in doubted}


def _parts(platform: str | None) -> Iterator[tuple[str, str]]:
    parts = platform.split("/") if platform is not None and "," not in platform else []
    if len(parts) in (2, 3):
        yield "PLATFORM", "/".join(parts)
        yield from zip(("OS", "ARCH", "VARIANT"), (*parts, ""), strict=False)
