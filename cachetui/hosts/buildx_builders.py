"""Which builders of buildx a host builds with today, as `docker buildx inspect` tells.

`docker buildx build`, bake and compose take the builder that BUILDX_BUILDER names, else that of
`docker buildx use`, else that of the docker context. `docker build` takes the docker context's,
whatever `docker buildx use` said, unless BUILDX_BUILDER names another, or `docker buildx install`
made it an alias of `docker buildx build` (docker's `cmd/docker/builder.go`, processBuilder; our
lab: 26.1 and 28.5). A client before 23 without that alias has BuildKit by itself, and knows no
builders.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from cachetui.records.host import BuilderChoice, BuildxBuilder
from cachetui.records.versions import version_key

BUILDX_BUILDS = (23,)
"""The first client whose `docker build` is buildx."""

_UNKNOWN_VERSION = "v0.0.0+unknown"
"""What the BuildKit inside Debian's docker engine calls its version (our lab)."""


@dataclass(frozen=True, slots=True)
class UsedBuilders:
    """What `docker build` and `docker buildx build` build with; None where it is not told."""

    of_docker_build: BuildxBuilder | None = None
    choice: BuilderChoice | None = None
    of_buildx: BuildxBuilder | None = None


def used_builders(text: str, variable: str, alias: bool, client: str) -> UsedBuilders:
    """The builders in what the facts' script printed of them: a line `context=NAME`, what
    `docker buildx inspect` says, and what it says of the context's builder where it is another.

    `variable` is the value of BUILDX_BUILDER, `alias` whether `docker build` is buildx's, `client`
    the client's version.
    """
    told = re.search(r"^context=(.*)$", text, re.MULTILINE)
    builders = list(parse_builders(text))
    if told is None or not builders:
        return UsedBuilders()
    used = builders[0]
    of_context = next((one for one in builders if one.name == told[1]), None)
    by_context: BuilderChoice = "context"
    other: BuilderChoice = "variable" if variable else "use"
    choice_of_buildx = by_context if used is of_context and not variable else other
    if alias or (variable and version_key(client) >= BUILDX_BUILDS):
        return UsedBuilders(used, choice_of_buildx, used)
    return UsedBuilders(of_context, by_context if of_context else None, used)


def parse_builders(text: str) -> Iterator[BuildxBuilder]:
    """The builders that `docker buildx inspect` (0.13 to 0.29) told of, one after the other; one
    whose driver it does not tell is left out."""
    for part in re.split(r"^(?=Name:.*\nDriver:)", text, flags=re.MULTILINE):
        head, _, rest = part.partition("\nNodes:")
        driver = _value(head, "Driver")
        if not driver:
            continue
        nodes = [node for node in re.split(r"^(?=Name:)", rest, flags=re.MULTILINE) if node.strip()]
        node = nodes[0] if nodes else ""
        version = _value(node, "BuildKit version") or _value(node, "Buildkit")
        yield BuildxBuilder(
            name=_value(head, "Name"),
            driver=driver,
            endpoint=_value(node, "Endpoint"),
            status=_value(node, "Status"),
            buildkit=version if version not in ("", _UNKNOWN_VERSION) else None,
            platforms=tuple(filter(None, _value(node, "Platforms").replace("*", "").split(", "))),
            gc=_policy(node),
            nodes=max(1, len(nodes)),
        )


def _value(text: str, name: str) -> str:
    found = re.search(rf"^{name}:[ \t]*(.*?)[ \t]*$", text, re.MULTILINE)
    return found[1] if found else ""


def _policy(text: str) -> tuple[str, ...]:
    """The rules of garbage collection, each as one sentence."""
    sentences: list[str] = []
    for part in re.split(r"GC Policy rule#\d+:", text)[1:]:
        pairs = re.findall(r"^\s*([A-Z][\w ]+):\s*(\S.*?)\s*$", part, re.MULTILINE)
        words = [f"{name.lower()} {value}" for name, value in pairs if name != "All"]
        if words:
            sentences.append(", ".join(words))
    return tuple(sentences)
