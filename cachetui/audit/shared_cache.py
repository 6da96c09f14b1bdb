"""A shared cache as a host sees it, and what it has of a build's steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from msgspec import structs

from cachetui.builders.cache_manifest import rfc3339_seconds
from cachetui.builders.cache_source import CacheSource, CacheSourceError, cache_source
from cachetui.builders.cache_steps import cached_steps
from cachetui.builders.docker_args import options
from cachetui.config.settings import HostSettings
from cachetui.dockerfile.parse import Dockerfile
from cachetui.hosts.found_cache import CachePart, FoundCache, ImageLayers
from cachetui.hosts.image_layers import read_image_layers
from cachetui.hosts.machine import HostError, Machine
from cachetui.hosts.shared_cache import read_cache
from cachetui.outputs.attribute import layer_makers
from cachetui.records.shared_cache import CachedStep, CacheLayer, SharedCache
from cachetui.records.step import StepId

BY_SHAPE = (
    "told by shape: by how keys stand on each other, and by the paths that COPY --from names; no "
    "key names its instruction, so another build of the same shape would look the same; --image "
    "names an image that was built with the cache, whose layers are surer"
)
BY_IMAGE = (
    "told by image: the step's layer in {image} has the digest of one of the cache's layers, and "
    "the image's history says which step made it"
)
OTHER_IMAGE = (
    "no layer that a step made in {image} is one of the cache's: it was built without "
    "it, from another Dockerfile, or with other results"
)
NO_PLATFORM = "a cache of this kind does not say for which platforms it is"


@dataclass(frozen=True, slots=True)
class BuildOfCache:
    """The build whose steps are looked for; `image` names an image on the host that was built
    with the cache, whose layers tell more."""

    dockerfile: Dockerfile
    target: str | None
    build_args: Mapping[str, str]
    image: str | None = None


def inspect_cache(
    machine: Machine, host: HostSettings, source: CacheSource, build: BuildOfCache | None
) -> SharedCache:
    """Read the cache on the host, which stays as it is. Raises `HostError` where there is none
    that can be read, `DockerfileError` for a target that the build does not have."""
    found = read_cache(machine, host, source)
    image = None
    if build is not None and build.image is not None:
        image = read_image_layers(machine, host, build.image)
    return record(found, machine.name, source.name, build, image)


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


def record(
    found: FoundCache,
    host: str,
    name: str,
    build: BuildOfCache | None,
    image: ImageLayers | None = None,
) -> SharedCache:
    """What was read as a record; `image` was built with the cache. Pure."""
    layers = {layer.digest: layer for part in found.parts for layer in _layers(part)}
    keys = [key for part in found.parts for key in part.graph.keys]
    dates = [created for key in keys for _, created in key.results if created is not None]
    steps = None
    if build is not None:
        steps = tuple(s for part in found.parts for s in _steps(part, build, image or part.image))
    notes = list(found.notes)
    if found.kind != "inline":
        notes.append(NO_PLATFORM)
    if steps is not None:
        notes += _how(found, steps, image)
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
    none: of an image by its history, which is the date that an import gives the result."""
    made: dict[int, float] = {}
    for key in part.graph.keys:
        for places, created in key.results:
            if created is not None:
                made[places[-1]] = min(created, made.get(places[-1], created))
    if part.image is not None:
        told = _history_dates(part.image)
        made |= {place: told[place] for place in made.keys() & told.keys()}
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


def _history_dates(image: ImageLayers) -> dict[int, float]:
    """When each layer was made, by its place, as far as the history tells."""
    entries = [one for one in image.history if not one.get("empty_layer")]
    if len(entries) != len(image.diff_ids):
        return {}
    dates = (rfc3339_seconds(str(one.get("created") or "")) for one in entries)
    return {place: date for place, date in enumerate(dates) if date is not None}


def _how(
    found: FoundCache, steps: Sequence[CachedStep], image: ImageLayers | None
) -> Iterator[str]:
    """How it was told which keys are which steps."""
    told = {step.told_by for step in steps}
    names = [image.name] if image else [part.image.name for part in found.parts if part.image]
    if "image" in told:
        yield BY_IMAGE.format(image=names[0])
    elif image is not None:
        yield OTHER_IMAGE.format(image=image.name)
    if "shape" in told:
        yield BY_SHAPE


def _steps(part: CachePart, build: BuildOfCache, image: ImageLayers | None) -> list[CachedStep]:
    file, target = build.dockerfile, build.target
    made: dict[StepId, str] = {}
    if image is not None:
        makers = layer_makers(image.diff_ids, image.history, file, target)
        made = {
            step: layer
            for step, layer in zip(makers, image.diff_ids, strict=True)
            if step is not None and step.index and step.trigger is None
        }
    steps = cached_steps(file, target, build.build_args, part.graph, part.layers, made)
    return [structs.replace(step, platform=part.platform) for step in steps]
