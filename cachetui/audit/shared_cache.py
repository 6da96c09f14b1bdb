"""A shared cache as a host sees it, and what it has of a build's steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from msgspec import structs

from cachetui.builders.cache_source import CacheSource, CacheSourceError, cache_source
from cachetui.builders.cache_steps import cached_steps
from cachetui.builders.docker_args import options
from cachetui.config.settings import HostSettings
from cachetui.dockerfile.parse import Dockerfile
from cachetui.hosts.found_cache import CachePart, FoundCache
from cachetui.hosts.machine import HostError, Machine
from cachetui.hosts.shared_cache import read_cache
from cachetui.records.shared_cache import CachedStep, CacheLayer, SharedCache

HOW = (
    "which keys are these steps was told by how keys stand on each other, and by the paths that "
    "COPY --from names; no key names its instruction, so another build of the same shape would "
    "look the same"
)
NO_PLATFORM = "a cache of this kind does not say for which platforms it is"


@dataclass(frozen=True, slots=True)
class BuildOfCache:
    """The build whose steps are looked for."""

    dockerfile: Dockerfile
    target: str | None
    build_args: Mapping[str, str]


def inspect_cache(
    machine: Machine, host: HostSettings, source: CacheSource, build: BuildOfCache | None
) -> SharedCache:
    """Read the cache on the host, which stays as it is. Raises `HostError` where there is none
    that can be read, `DockerfileError` for a target that the build does not have."""
    return record(read_cache(machine, host, source), machine.name, source.name, build)


def imported_caches(
    machine: Machine, host: HostSettings, docker_args: Sequence[str], build: BuildOfCache
) -> tuple[SharedCache, ...]:
    """The caches that `--cache-from` names among the options, as far as the host can read them
    without a build. Raises `HostError` where the host is gone."""
    found: list[SharedCache] = []
    for option in options(docker_args):
        if option.name != "cache-from":
            continue
        try:
            found.append(inspect_cache(machine, host, cache_source(option.value), build))
        except CacheSourceError:
            continue  # such as type=s3, which only a build reads
        except HostError as error:
            if error.kind not in ("shell", "timeout", "no-docker"):
                raise
    return tuple(found)


def record(found: FoundCache, host: str, name: str, build: BuildOfCache | None) -> SharedCache:
    """What was read as a record. Pure."""
    layers = {layer.digest: layer for part in found.parts for layer in _layers(part)}
    keys = [key for part in found.parts for key in part.graph.keys]
    dates = [created for key in keys for _, created in key.results if created is not None]
    steps = None if build is None else tuple(s for part in found.parts for s in _steps(part, build))
    notes = list(found.notes)
    if found.kind != "inline":
        notes.append(NO_PLATFORM)
    if steps and any(step.held != "unknown" for step in steps):
        notes.append(HOW)
    return SharedCache(
        name=name,
        host=host,
        kind=found.kind,
        digest=found.digest,
        platforms=tuple(part.platform for part in found.parts if part.platform is not None),
        layers=tuple(layers.values()),
        keys=len(keys),
        results=sum(bool(key.results) for key in keys),
        bytes=sum(layer.bytes or 0 for layer in layers.values()),
        oldest=min(dates, default=None),
        newest=max(dates, default=None),
        problems=found.problems,
        notes=tuple(notes),
        steps=steps,
    )


def _layers(part: CachePart) -> list[CacheLayer]:
    """The layers, each with the date of the first result that ends with it where the manifest has
    none."""
    made: dict[int, float] = {}
    for key in part.graph.keys:
        for places, created in key.results:
            if created is not None:
                made[places[-1]] = min(created, made.get(places[-1], created))
    return [
        CacheLayer(
            digest=blob.digest,
            diff_id=blob.diff_id,
            bytes=blob.bytes,
            created=made.get(place) if blob.created is None else blob.created,
            platform=part.platform,
        )
        for place, blob in enumerate(part.layers)
    ]


def _steps(part: CachePart, build: BuildOfCache) -> list[CachedStep]:
    steps = cached_steps(build.dockerfile, build.target, build.build_args, part.graph, part.layers)
    return [structs.replace(step, platform=part.platform) for step in steps]
