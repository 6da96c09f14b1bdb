"""What a builder is: all that the rest of cachetui asks of it, in one value.

A new builder is a file with such a value, its parser and its rows, an entry in `registry` and in
`records.backend.Backend`, and its scenarios in `records.scenario`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from cachetui.builders.events import Parser
from cachetui.builders.step_rows import Rows
from cachetui.dockerfile.instruction import Instruction
from cachetui.dockerfile.parse import Dockerfile
from cachetui.records.backend import Backend
from cachetui.records.host import HostFacts
from cachetui.records.run import OutputFormat
from cachetui.records.scenario import Planned

StageTriggers = Mapping[int, tuple[Instruction, ...] | None]
"""The ONBUILD triggers that run in each stage, None where they are not known."""


@dataclass(frozen=True, slots=True)
class Unsupported:
    """What cannot be built: the Dockerfile's line and why."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class BuilderProbe:
    """What a host says that shows which builders it has. `buildx` is its (version, error) as the
    client tells, None without it; `legacy_said` is what the legacy builder said of a file whose
    first word it does not know. Values of `env` are kept out of messages."""

    engine: str
    client: str
    buildx: tuple[str, str] | None
    legacy_said: str
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Builder:
    """One of docker's builders.

    - `environment` makes docker's client take it.
    - `scenario_options` are the options of `docker build` that set a controlled scenario's run
      apart from the host's own caches; arguments: the run, the audit's id.
    - `output_format` is the richest output that a host's client can give; `parsers` has a maker
      for each format.
    - `rows` maps what is printed to steps; arguments: Dockerfile, target, the triggers of its
      stages, build arguments. Raises `DockerfileError` for an unknown target.
    - `why_missing` says why a host does not have the builder, "" when it does.
    - `obstacles` are what it fails at when it runs; arguments: Dockerfile, target, build
      arguments. `deviations` are what it builds otherwise than BuildKit, as (what, line);
      arguments: Dockerfile, target, the engine's version, build arguments.
    - `reads_syntax`: a `# syntax=` line decides who parses the file.
    - `sequential`: steps run one after the other, and each is printed; so a step that printed
      nothing was not reached, and one that did not end when the build failed is what failed.
    - `has_cache_mounts`: RUN steps can have cache mounts.
    - `no_output`: the options that keep a build that came to its end from making an image.
    - `leaves_step_images`: each step leaves an image on the host, whose ID is printed.
    """

    name: Backend
    environment: Mapping[str, str]
    scenario_options: Callable[[Planned, str], list[str]]
    output_format: Callable[[HostFacts], OutputFormat]
    parsers: Mapping[OutputFormat, Callable[[], Parser]]
    rows: Callable[[Dockerfile, str | None, StageTriggers, Mapping[str, str]], Rows]
    why_missing: Callable[[BuilderProbe], str]
    obstacles: Callable[[Dockerfile, str | None, Mapping[str, str]], Iterator[Unsupported]]
    deviations: Callable[
        [Dockerfile, str | None, str, Mapping[str, str]], Iterator[tuple[str, int]]
    ]
    reads_syntax: bool
    sequential: bool
    has_cache_mounts: bool
    leaves_step_images: bool
    no_output: tuple[str, ...] = ()
