"""A host as it was observed: what it is, what its caches held, how its part of an audit went."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from cachetui.records.backend import Backend
from cachetui.records.base import Record
from cachetui.records.image_settings import ImageSettings
from cachetui.records.versions import version_key

HostStatus = Literal["ok", "unreachable", "failed", "skipped"]


class CacheMount(Record, frozen=True, kw_only=True):
    """A cache mount record of an engine (`docker system df -v`, type exec.cachemount).

    The engine names a mount's target and command, not its id (lab: 20.10 to 28.5).
    `last_used` is the engine's own words.
    """

    id: str
    description: str
    bytes: int
    last_used: str | None = None
    in_use: bool = False


class ClientSettings(Record, frozen=True, kw_only=True):
    """What the docker client adds to a build by itself, by name; values as keyed digests, for they
    may be secrets (see `records.digest`). `proxies` are the build arguments that the `proxies` of
    its configuration become; `environment` are variables that change what is built, or by what."""

    proxies: dict[str, str] = msgspec.field(default_factory=dict)
    environment: dict[str, str] = msgspec.field(default_factory=dict)


class BuildxBuilder(Record, frozen=True, kw_only=True):
    """A builder of buildx, as `docker buildx inspect` tells of it.

    `driver` is docker, docker-container, remote or kubernetes. `endpoint`, `status`, `buildkit`
    (its version, None where it does not tell) and `platforms` are those of its first node of
    `nodes`; `gc` are the rules of its garbage collection, a sentence each.
    """

    name: str
    driver: str
    endpoint: str = ""
    status: str = ""
    buildkit: str | None = None
    platforms: tuple[str, ...] = ()
    gc: tuple[str, ...] = ()
    nodes: int = 1

    @property
    def of_docker(self) -> bool:
        """Whether it is the BuildKit inside a docker engine: that of a docker context."""
        return self.driver == "docker"

    @property
    def text(self) -> str:
        """ "ci (driver remote, BuildKit v0.25.2)"."""
        version = f", BuildKit {self.buildkit}" if self.buildkit else ""
        return f"{self.name} (driver {self.driver}{version})"


BuilderChoice = Literal["context", "use", "variable"]
"""What chose a builder: the docker context, `docker buildx use`, or BUILDX_BUILDER."""


class HostFacts(Record, frozen=True, kw_only=True):
    """What a host told of itself, in one round trip. Sizes in bytes.

    `store` is the graph driver's name ("overlay2") or "containerd/<snapshotter>".
    `engine_id` is the daemon's own id: it tells an engine from its replacement, and together with
    `engine_name`, its machine's name, from the copies of a machine that was cloned with it.
    `rootless`: it runs without root's rights, for one user.
    `load` is the 1-minute average. `booted_at` is when the host was started, in seconds since the
    epoch by its clock; None where /proc does not tell. `df` maps Images, Containers, Volumes and
    Build Cache to bytes. `bases` maps a FROM's reference to the layers of that image on the host,
    None when the image is not there. `missing` says, for a backend that does not work, why and
    what to do. `builder` is what `docker build` builds with there when it uses BuildKit, chosen by
    `builder_choice`; `buildx_builder` is what `docker buildx build`, bake and compose build with.
    Both are None where buildx does not tell. `bases`, `triggers` and `base_settings`
    are of docker's own images: they say nothing of what BuildKit builds on where it
    `builds_elsewhere`.
    """

    engine: str
    api: str
    client: str
    buildx: str | None = None
    store: str
    engine_id: str = ""
    engine_name: str = ""
    rootless: bool = False
    platform: str
    backends: tuple[Backend, ...]
    missing: dict[str, str] = msgspec.field(default_factory=dict)
    cores: int | None = None
    memory_bytes: int | None = None
    load: float | None = None
    booted_at: float | None = None
    free_bytes: int | None = None
    df: dict[str, int] = msgspec.field(default_factory=dict)
    bases: dict[str, tuple[str, ...] | None] = msgspec.field(default_factory=dict)
    triggers: dict[str, tuple[str, ...]] = msgspec.field(default_factory=dict)
    base_settings: dict[str, ImageSettings] = msgspec.field(default_factory=dict)
    umask: str | None = None
    user: str | None = None
    cache_folder: str = ""
    client_settings: ClientSettings | None = None
    builder: BuildxBuilder | None = None
    builder_choice: BuilderChoice | None = None
    buildx_builder: BuildxBuilder | None = None

    @property
    def same_engine(self) -> str:
        """Equal for two hosts if they are one engine; "" where the engine did not say."""
        return f"{self.engine_id}@{self.engine_name}" if self.engine_id else ""

    @property
    def builds_elsewhere(self) -> bool:
        """Whether BuildKit builds with a builder that is in no docker engine: docker has neither
        the images that it builds on nor those that it makes."""
        return self.builder is not None and not self.builder.of_docker

    @property
    def own_cache(self) -> tuple[str, ...]:
        """What the cache of a builder that is in no docker engine goes by; () of docker's own."""
        if self.builder is None or self.builder.of_docker:
            return ()
        return (self.builder.name, self.builder.driver, self.builder.endpoint)

    def triggers_of(self, backend: Backend) -> dict[str, tuple[str, ...]]:
        """The ONBUILD triggers of the base images that this builder builds on, as far as known."""
        return {} if backend == "buildkit" and self.builds_elsewhere else self.triggers

    @property
    def rawjson(self) -> bool:
        """Whether `--progress=rawjson` works: it came with buildx 0.13."""
        return self.buildx is not None and version_key(self.buildx) >= (0, 13)


class BaseImage(Record, frozen=True, kw_only=True):
    """A base image on a host: `id` as the host names it (the legacy builder's cache goes by it),
    `created` the image's own date (ISO 8601), `digests` its `name@sha256:…` where it was pulled.
    `layers` and `settings` are None where they are in the host's facts alone."""

    ref: str
    id: str
    created: str | None = None
    digests: tuple[str, ...] = ()
    layers: tuple[str, ...] | None = None
    settings: ImageSettings | None = None


class CacheEntry(Record, frozen=True, kw_only=True):
    """A record of BuildKit's cache (`docker system df -v`). Times are seconds since the epoch."""

    type: str
    description: str
    bytes: int
    created: float | None = None
    last_used: float | None = None
    uses: int = 0


MAX_CHAINS = 60
"""Chains on base images of the build whose history is read, newest first: a tenth of a second each
at worst."""

MAX_OTHER_CHAINS = 20
"""The same for chains on other images."""

MAX_PULLED = 10
"""Images without a parent whose history is read, newest first."""


class LegacyChain(Record, frozen=True, kw_only=True):
    """Images that the legacy builder made one on the other, as `docker history` tells: `made_by`
    from the base image's child on; `base` is the ID of the image that the first stands on, `name`
    the first tag of the last, where that was asked for."""

    base: str
    image: str
    made_by: tuple[str, ...]
    created: str | None = None
    name: str | None = None


class Checkout(Record, frozen=True, kw_only=True):
    """The context that a host keeps itself (`context_on_host`), read there. `digest` is its
    manifest's, as `context.manifest_digest` makes it; the entries are in the store. `ignores`
    maps the paths of its ignore files to their texts. `problem` says why it could not be read."""

    path: str
    digest: str | None = None
    files: int = 0
    ignores: dict[str, str] = msgspec.field(default_factory=dict)
    dockerfile_text: str | None = None
    problem: str | None = None


class ForeignFile(Record, frozen=True, kw_only=True):
    """A file that the COPY at (`stage_index`, `index`) put into an image with bytes that no file
    has which it reads. `path` is absolute, in the image; `sha256` is hex, `mtime` whole seconds
    since the epoch. `source` is the path of the one file of the build context that has its name
    and size, None when there is no such file, and `source_sha256` and `source_mtime` are that
    file's."""

    stage_index: int
    index: int
    path: str
    size: int
    mtime: int
    sha256: str
    source: str | None = None
    source_sha256: str | None = None
    source_mtime: int | None = None


MAX_FOREIGN = 50


class OwnImage(Record, frozen=True, kw_only=True):
    """The image that a host's own build made (`image_on_host`), held against the host's checkout.
    `id` is what the host calls it, `backend` what built it. `compared` counts the files that its
    COPY steps wrote, `foreign` are at most `MAX_FOREIGN` of those that the checkout does not have.
    `problem` says why it could not be read or compared."""

    ref: str
    id: str | None = None
    backend: Backend | None = None
    compared: int = 0
    foreign: tuple[ForeignFile, ...] = ()
    problem: str | None = None


class HostEvidence(Record, frozen=True, kw_only=True):
    """What a host's caches and images were before an audit touched them. None: not asked, or not
    told. `at` is seconds since the epoch. `cache_bytes` is what BuildKit's cache held in all.
    `bases_after` are the base images when the runs had ended: a build can pull them. `pulled` are
    images that a legacy builder made on a base image and this engine did not: it has none of those
    in between."""

    at: float
    bases: tuple[BaseImage, ...] = ()
    bases_after: tuple[BaseImage, ...] | None = None
    legacy: tuple[LegacyChain, ...] | None = None
    pulled: tuple[LegacyChain, ...] = ()
    cache: tuple[CacheEntry, ...] | None = None
    cache_bytes: int | None = None
    checkout: Checkout | None = None
    image: OwnImage | None = None
    gc: tuple[str, ...] = ()
    default_platform: str | None = None


class HostReport(Record, frozen=True, kw_only=True):
    """A host in an audit: what it is, how it went, and what the audit leaves behind there.

    `left_behind_bytes` is what the audit added to the host's disk and did not remove, its build
    context apart; None when it could not be measured. With `left_behind_at_most` it is no more
    than that: BuildKit's cache does not tell whose a record is. `left_behind_images` are those
    of steps that stay, as others use them or they may be others'. `context_there`: the build
    context that was sent is there for later audits. `not_asked_since` is when the
    host could no longer be asked for what is left, in seconds since the epoch; None where it was.
    `same_engine_as` names the host that is the same engine under another name: that one alone is
    compared.
    """

    name: str
    status: HostStatus
    reason: str | None = None
    remedy: str | None = None
    engine: str | None = None
    buildx: str | None = None
    store: str | None = None
    backends: tuple[Backend, ...] = ()
    left_behind_bytes: int | None = None
    left_behind_at_most: bool = False
    left_behind_images: int = 0
    context_there: bool = False
    not_asked_since: float | None = None
    same_engine_as: str | None = None
    facts: HostFacts | None = None
    mounts: tuple[CacheMount, ...] = ()
    evidence: HostEvidence | None = None

    def as_known_to(self, backend: Backend) -> HostReport:
        """The same with the base images that this builder builds on: none is known where they are
        not docker's."""
        if self.facts is None or backend != "buildkit" or not self.facts.builds_elsewhere:
            return self
        facts = msgspec.structs.replace(self.facts, bases={}, triggers={}, base_settings={})
        evidence = self.evidence and msgspec.structs.replace(
            self.evidence, bases=(), bases_after=None
        )
        return msgspec.structs.replace(self, facts=facts, evidence=evidence)

    def base_before(self, ref: str) -> BaseImage | None:
        """What a base image's name was there before the runs; `layers` are those of the facts."""
        images = self.evidence.bases if self.evidence else ()
        image = next((image for image in images if image.ref == ref), None)
        layers = self.facts.bases.get(ref) if self.facts else None
        return msgspec.structs.replace(image, layers=layers) if image else None

    def base_after(self, ref: str) -> BaseImage | None:
        """The same as it was read last: after the runs, where that was done."""
        after = self.evidence.bases_after if self.evidence else None
        if after is None:
            return self.base_before(ref)
        return next((image for image in after if image.ref == ref), None)

    def base_layers(self, ref: str) -> tuple[str, ...] | None:
        """The layers of a base image as they were read last; None where it is not there."""
        if self.evidence is not None and self.evidence.bases_after is not None:
            image = self.base_after(ref)
            return image.layers if image else None
        return self.facts.bases.get(ref) if self.facts else None

    def base_settings(self, ref: str) -> ImageSettings | None:
        """What a base image sets, as it was read last; None where that is not known."""
        if self.evidence is not None and self.evidence.bases_after is not None:
            image = self.base_after(ref)
            return image.settings if image else None
        return self.facts.base_settings.get(ref) if self.facts else None


def known_of(facts: HostFacts | None) -> dict[str, Any]:
    """The fields of a report that say what was asked of a host; None: it could not be asked."""
    return {
        "engine": facts.engine if facts else None,
        "buildx": facts.buildx if facts else None,
        "store": facts.store if facts else None,
        "backends": facts.backends if facts else (),
        "facts": facts,
    }
