"""The legacy builder, which knows neither cache mounts nor names of hosts in its cache: a cold run
of it is undone by removing the images that it made."""

from __future__ import annotations

from collections.abc import Mapping

from cachetui.builders.builder import Builder, BuilderProbe, StageTriggers
from cachetui.builders.client import last_line
from cachetui.builders.legacy_limits import deviations, obstacles
from cachetui.builders.legacy_output import LegacyParser
from cachetui.builders.legacy_rows import LegacyRows
from cachetui.dockerfile.parse import Dockerfile, resolve_target


def _rows(
    dockerfile: Dockerfile,
    target: str | None,
    triggers: StageTriggers,
    build_args: Mapping[str, str],  # noqa: ARG001
) -> LegacyRows:
    return LegacyRows(dockerfile, resolve_target(dockerfile, target), triggers)


def _why_missing(probe: BuilderProbe) -> str:
    """The legacy builder's refusal is the engine's answer to a context that was sent whole.
    BuildKit's names its own steps and its solver."""
    said = probe.legacy_said
    refused = "unknown instruction: cachetui" in said.lower()
    buildkit = "failed to solve" in said or "[internal]" in said
    if refused and not buildkit:
        return ""
    if buildkit:
        return "docker build uses BuildKit even with DOCKER_BUILDKIT=0: it has no legacy builder"
    said = last_line(said, probe.env) or "it said nothing"
    return f"the legacy builder does not work: {said}"


LEGACY = Builder(
    name="legacy",
    environment={"DOCKER_BUILDKIT": "0"},
    scenario_options=lambda *_: ["--force-rm"],
    output_format=lambda _: "legacy",
    parsers={"legacy": LegacyParser},
    rows=_rows,
    why_missing=_why_missing,
    obstacles=obstacles,
    deviations=deviations,
    reads_syntax=False,
    sequential=True,
    has_cache_mounts=False,
    leaves_step_images=True,
)
