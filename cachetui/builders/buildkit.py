"""BuildKit.

Found in our lab on Docker Engine 20.10, 26.1 and 28.5 (graph driver and containerd store):

- `--no-cache` empties the cache mounts of the build's RUN steps (BuildKit
  `solver/llbsolver/vertex.go`), so every controlled run has a `BUILDKIT_CACHE_MOUNT_NS` of its
  audit: only the mounts of that namespace are touched.
- `--no-cache` results replace those that the user's next build would reuse, and extra host
  names are part of a RUN step's cache key: a unique `--add-host` gives the cold run's results
  keys of their own, the warm run the same name finds them again, and another name runs every
  RUN again with the mounts as they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cachetui.builders import ignored_modes
from cachetui.builders.audit_names import OUR_HOSTS, mount_namespace
from cachetui.builders.builder import Builder, BuilderProbe, StageTriggers, Unsupported
from cachetui.builders.plain_output import PlainParser
from cachetui.builders.rawjson_output import RawJsonParser
from cachetui.builders.vertices.rows import BuildKitRows
from cachetui.dockerfile.parse import Dockerfile, needed_stages
from cachetui.records.host import HostFacts
from cachetui.records.run import OutputFormat
from cachetui.records.scenario import BUILDKIT_MOUNTS_WARM, Planned
from cachetui.records.versions import version_key

BUILDKIT_ENGINE = (18, 9)
"""The first engine with BuildKit inside."""

BUILDX_ONLY = (23,)
"""From this client on, `docker build` reaches BuildKit through buildx only."""

_INSTALL = "install Docker's buildx plugin (docker-buildx-plugin or docker-buildx) on the host"


def _scenario_options(planned: Planned, audit: str) -> list[str]:
    name = f"r{planned.repeat}-{'b' if planned.kind == BUILDKIT_MOUNTS_WARM else 'a'}"
    namespace = f"BUILDKIT_CACHE_MOUNT_NS={mount_namespace(audit)}"
    host = f"{name}.{audit}{OUR_HOSTS}:127.0.0.1"
    return ["--build-arg", namespace, "--add-host", host]


def _output_format(facts: HostFacts) -> OutputFormat:
    return "rawjson" if facts.rawjson else "plain"


def _rows(
    dockerfile: Dockerfile,
    target: str | None,
    triggers: StageTriggers,
    build_args: Mapping[str, str],
) -> BuildKitRows:
    return BuildKitRows(dockerfile, needed_stages(dockerfile, target), triggers, build_args)


def _why_missing(probe: BuilderProbe) -> str:
    engine, client, buildx = probe.engine, probe.client, probe.buildx
    if version_key(engine) < BUILDKIT_ENGINE:
        return f"engine {engine} has no BuildKit; update docker to 18.09 or later"
    if buildx is not None and not buildx[1]:
        return ""
    if version_key(client) < BUILDX_ONLY:
        return ""
    if buildx is not None:
        return f"the client's buildx is broken ({buildx[1][:200]}); {_INSTALL}"
    return f"the docker client {client} needs buildx for BuildKit, and has none; {_INSTALL}"


def _obstacles(
    dockerfile: Dockerfile,
    target: str | None,
    build_args: Mapping[str, str],  # noqa: ARG001
) -> Iterator[Unsupported]:
    """References are matched in lower case, and an image's name has no capitals
    (`dockerfile2llb/convert.go`, dispatchStates.addState)."""
    for index in sorted(needed_stages(dockerfile, target)):
        stage = dockerfile.stages[index]
        if stage.base_stage is not None and stage.base != stage.base.lower():
            yield Unsupported(
                stage.instructions[0].line,
                f"BuildKit looks for an image {stage.base}, not the stage of that name, since it "
                f"has capitals; write FROM {stage.base.lower()}",
            )


BUILDKIT = Builder(
    name="buildkit",
    environment={"DOCKER_BUILDKIT": "1"},
    scenario_options=_scenario_options,
    output_format=_output_format,
    parsers={"plain": PlainParser, "rawjson": RawJsonParser},
    rows=_rows,
    why_missing=_why_missing,
    obstacles=_obstacles,
    deviations=ignored_modes.deviations,
    reads_syntax=True,
    sequential=False,
    has_cache_mounts=True,
    leaves_step_images=False,
    no_output=("--output=type=cacheonly",),
)
