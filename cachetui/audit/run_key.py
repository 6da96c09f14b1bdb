"""What a run is a run *of*: the key under which a stored run answers for a new one. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import PurePath

import msgspec

from cachetui.config.settings import BuildSettings
from cachetui.context.build_context import Context
from cachetui.dockerfile.parse import Dockerfile
from cachetui.records.base import SCHEMA
from cachetui.records.digest import ValueHasher
from cachetui.records.document import BuildRecord
from cachetui.records.host import HostFacts
from cachetui.records.scenario import Planned


def build_record(
    build: BuildSettings, context: Context, dockerfile: Dockerfile, hasher: ValueHasher
) -> BuildRecord:
    """The build as it is kept: build-argument values as digests only."""
    inside = context.dockerfile.startswith("context/")
    name = "" if inside else PurePath(build.dockerfile).name
    if context.fetched is not None:
        name = context.fetched.dockerfile if context.fetched.dockerfile != "Dockerfile" else ""
    return BuildRecord(
        name=build.name,
        context_digest=context.digest,
        dockerfile=context.dockerfile.removeprefix("context/"),
        target=build.target,
        build_args={name: hasher.digest(value) for name, value in sorted(build.build_args.items())},
        network=build.network,
        docker_args=build.docker_args,
        named_contexts=tuple(sorted(build.named_contexts)),
        dockerfile_text=context.dockerfile_text,
        dockerfile_name=name,
        bases=tuple(stage.base for stage in dockerfile.stages),
        ignore_files=context.ignore_files,
        context_files=context.files,
        context_bytes=context.size,
        ignore=build.ignore,
        builder=build.builder,
        fetched=context.fetched.source if context.fetched else None,
    )


def run_of(
    build: BuildRecord,
    host: str,
    facts: HostFacts,
    planned: Planned,
    bases: Mapping[str, tuple[str, ...] | None] | None = None,
) -> str:
    """A digest over everything that decides what a controlled run shows.

    The build (context, Dockerfile, target, arguments, options), the host and its engine, the
    layers of the base images there, the scenario and which repeat. The build's name is not in
    it: the same folder is the same build by any name. Values of arguments are in it by their keyed
    digests: after another secret, a run with arguments is made again. A builder that is in no
    docker engine stands in for the engine's base images.
    """
    on: object = sorted((bases if bases is not None else facts.bases).items())
    if planned.backend == "buildkit" and facts.builder is not None and facts.builds_elsewhere:
        on = (facts.own_cache, facts.builder.buildkit)
    what = [
        SCHEMA,
        build.context_digest,
        build.dockerfile,
        build.target,
        sorted(build.build_args.items()),
        build.network,
        build.docker_args,
        host,
        facts.engine_id,
        facts.engine,
        facts.client,
        facts.buildx,
        facts.store,
        facts.platform,
        on,
        planned.scenario,
        planned.repeat,
    ]
    return hashlib.sha256(msgspec.json.encode(what)).hexdigest()
