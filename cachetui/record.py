"""What was observed: frozen, typed, serialised as JSON.

Nothing here computes a verdict. `Document` is the JSON that `cachetui run --format json`
prints and `cachetui schema` describes; its parts are what the store keeps.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import msgspec

SCHEMA = 1

Backend = Literal["legacy", "buildkit"]
StepStatus = Literal["hit", "miss", "failed", "not-needed", "not-reached", "unsupported"]
Timing = Literal["engine", "printed", "arrival"]
RunStatus = Literal["ok", "failed", "unsupported", "cancelled", "lost"]
HostStatus = Literal["ok", "unreachable", "failed", "skipped"]
OutputFormat = Literal["legacy", "plain", "rawjson"]


class Record(msgspec.Struct, frozen=True):
    """Base of every record; unknown fields of a newer version are ignored when read."""


@dataclass(frozen=True, slots=True)
class StepId:
    """Where a step stands in its Dockerfile: the same on both backends and all hosts.

    `stage_index` counts FROMs from 0 (-1: the ARGs before the first FROM); `index` counts the
    stage's instructions, FROM being 0; `trigger` counts the ONBUILD triggers that the stage's
    base image brings (they run right after FROM, so their `index` is 0), None for an
    instruction of the Dockerfile itself.
    """

    stage_index: int
    index: int
    trigger: int | None = None


class Step(Record, frozen=True, kw_only=True):
    """One instruction of the Dockerfile in a run.

    `line` is 1-based; `instruction` is as written, continuation lines joined. `seconds` is the
    time it was at work, None where nothing tells; `timing` says who measured it: the `engine`
    (timestamps), the engine's `printed` figure (0.1 s steps), or the `arrival` of its output
    here. `started` and `finished` are seconds since the run began. `same_as` names the step
    whose vertex this one shares (BuildKit builds equal steps once). `log_lines` counts the
    kept log; the text itself is in the store.
    """

    stage: str | None
    stage_index: int
    index: int
    trigger: int | None = None
    line: int
    instruction: str
    status: StepStatus
    seconds: float | None = None
    timing: Timing | None = None
    started: float | None = None
    finished: float | None = None
    same_as: tuple[int, int] | None = None
    error: str | None = None
    log_lines: int = 0

    @property
    def id(self) -> StepId:
        return StepId(self.stage_index, self.index, self.trigger)

    @property
    def keyword(self) -> str:
        """The instruction's name in upper case: RUN, COPY, …"""
        return self.instruction.split(None, 1)[0].upper() if self.instruction.strip() else ""

    @property
    def counts(self) -> bool:
        """Whether the step counts in a hit ratio: FROM and the ARGs before it never do."""
        can_hit = self.keyword != "FROM" and self.stage_index >= 0
        return can_hit and self.status in ("hit", "miss", "failed")


class Image(Record, frozen=True, kw_only=True):
    """What a run built: `id` as the host names it (its meaning depends on the image store),
    `layers` the uncompressed layer digests (comparable between stores), `bytes` its size."""

    id: str
    layers: tuple[str, ...]
    bytes: int


class MountUse(Record, frozen=True, kw_only=True):
    """A cache mount that a RUN step names: `id` is its own or the target (BuildKit's default)."""

    stage_index: int
    index: int
    target: str
    id: str
    sharing: str = "shared"


class Run(Record, frozen=True, kw_only=True):
    """One build of one scenario on one host.

    `id` names it in the store. `of` is the digest of what it was a run of (see `store`).
    `started_at` is seconds since the epoch, by our clock; `seconds` the wall time of the
    build's command. `hit_ratio` is hits over the steps that can hit, None when none can.
    `commands` are the shell commands that ran on the host, in order. `load` is the host's
    1-minute load average just before. `left_images` are image IDs that the run made and that
    could not be removed. `context_digest` is what it built where that was not the audit's own
    context, but one that the host keeps. `bases` maps a FROM's reference to the digest that
    BuildKit resolved it to and printed: it leaves no image behind that could be asked.
    """

    id: str
    audit: str
    host: str
    scenario: str
    repeat: int
    status: RunStatus
    reason: str | None = None
    stored: bool = False
    started_at: float
    seconds: float
    hit_ratio: float | None = None
    steps: tuple[Step, ...] = ()
    image: Image | None = None
    output_format: OutputFormat | None = None
    exit_status: int | None = None
    context_bytes: int | None = None
    commands: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    mounts: tuple[MountUse, ...] = ()
    left_images: tuple[str, ...] = ()
    load: float | None = None
    engine: str | None = None
    of: str = ""
    context_digest: str | None = None
    bases: dict[str, str] = {}

    @property
    def backend(self) -> Backend:
        return "legacy" if self.scenario.startswith("legacy") else "buildkit"


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


class HostFacts(Record, frozen=True, kw_only=True):
    """What a host told of itself, in one round trip. Sizes in bytes.

    `store` is the graph driver's name ("overlay2") or "containerd/<snapshotter>".
    `engine_id` is the daemon's own id: it tells an engine from its replacement.
    `load` is the 1-minute average. `df` maps Images, Containers, Volumes and Build Cache to
    bytes. `bases` maps a FROM's reference to the layers of that image on the host, None when
    the image is not there. `missing` says, for a backend that does not work, why and what to do.
    """

    engine: str
    api: str
    client: str
    buildx: str | None = None
    store: str
    engine_id: str = ""
    platform: str
    backends: tuple[Backend, ...]
    missing: dict[str, str] = {}
    cores: int | None = None
    memory_bytes: int | None = None
    load: float | None = None
    free_bytes: int | None = None
    df: dict[str, int] = {}
    bases: dict[str, tuple[str, ...] | None] = {}
    umask: str | None = None
    user: str | None = None
    cache_folder: str = ""

    @property
    def rawjson(self) -> bool:
        """Whether `--progress=rawjson` works: it came with buildx 0.13."""
        return self.buildx is not None and version_key(self.buildx) >= (0, 13)


class BaseImage(Record, frozen=True, kw_only=True):
    """A base image on a host: `id` as the host names it (the legacy builder's cache goes by it),
    `created` the image's own date (ISO 8601), `digests` its `name@sha256:…` where it was pulled."""

    ref: str
    id: str
    created: str | None = None
    digests: tuple[str, ...] = ()


class CacheEntry(Record, frozen=True, kw_only=True):
    """A record of BuildKit's cache (`docker system df -v`). Times are seconds since the epoch."""

    type: str
    description: str
    bytes: int
    created: float | None = None
    last_used: float | None = None
    uses: int = 0


MOST_CHAINS = 60
"""Chains of a host whose history is read, newest first: a tenth of a second each at worst."""


class LegacyChain(Record, frozen=True, kw_only=True):
    """Images that the legacy builder made one on the other, as `docker history` tells: `made_by`
    from the base image's child on; `base` is the ID of the image that the first stands on."""

    base: str
    image: str
    made_by: tuple[str, ...]
    created: str | None = None


class Checkout(Record, frozen=True, kw_only=True):
    """The context that a host keeps itself (`context_on_host`), read there. `digest` is its
    manifest's, as `context.manifest_digest` makes it; the entries are in the store. `ignores`
    maps the paths of its ignore files to their texts. `problem` says why it could not be read."""

    path: str
    digest: str | None = None
    files: int = 0
    ignores: dict[str, str] = {}
    dockerfile_text: str | None = None
    problem: str | None = None


class HostEvidence(Record, frozen=True, kw_only=True):
    """What a host's caches and images were before an audit touched them. None: not asked, or not
    told. `at` is seconds since the epoch. `cache_bytes` is what BuildKit's cache held in all."""

    at: float
    bases: tuple[BaseImage, ...] = ()
    legacy: tuple[LegacyChain, ...] | None = None
    cache: tuple[CacheEntry, ...] | None = None
    cache_bytes: int | None = None
    checkout: Checkout | None = None
    gc: tuple[str, ...] = ()
    default_platform: str | None = None


class HostReport(Record, frozen=True, kw_only=True):
    """A host in an audit: what it is, how it went, and what the audit leaves behind there.

    `left_behind_bytes` is what the audit added to the host's disk and did not remove: build
    cache and context folder, None when it could not be measured.
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
    facts: HostFacts | None = None
    mounts: tuple[CacheMount, ...] = ()
    evidence: HostEvidence | None = None


class BuildRecord(Record, frozen=True, kw_only=True):
    """The build that was run. `build_args` maps a name to the sha256 of its value: values may be
    secrets and are never kept. `dockerfile_text` is what was built, so that an audit can be
    read without the folder it came from; `bases` are what its FROMs name, a stage each, ARGs
    put in; `ignore_files` maps the paths of its ignore files in the sent folder
    ("context/.dockerignore") to their texts; `ignore` are globs of paths whose differences in
    images do not matter."""

    name: str
    context_digest: str
    dockerfile: str
    target: str | None = None
    build_args: dict[str, str] = {}
    network: str = "default"
    docker_args: tuple[str, ...] = ()
    dockerfile_text: str = ""
    bases: tuple[str, ...] = ()
    ignore_files: dict[str, str] = {}
    context_files: int = 0
    context_bytes: int = 0
    ignore: tuple[str, ...] = ()


class Document(Record, frozen=True, kw_only=True):
    """An audit whole: the contract of `--format json`. `started_at` is seconds since the epoch."""

    schema: int = SCHEMA
    audit: str
    build: BuildRecord
    hosts: tuple[HostReport, ...]
    runs: tuple[Run, ...]
    started_at: float
    seconds: float
    version: str
    scenarios: tuple[str, ...]
    notes: tuple[str, ...] = ()


def to_json(value: Any) -> bytes:
    """JSON of a record; a lone surrogate (of a file name that is not UTF-8) becomes U+FFFD."""
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        return msgspec.json.encode(_mended(msgspec.to_builtins(value)))


def _mended(value: Any) -> Any:
    if isinstance(value, str):
        return "".join("\ufffd" if "\ud800" <= char <= "\udfff" else char for char in value)
    if isinstance(value, dict):
        return {_mended(key): _mended(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_mended(item) for item in value]
    return value


def version_key(version: str) -> tuple[int, ...]:
    """Numbers of a version such as "v0.13.1-desktop.1+deb" for comparing: (0, 13, 1)."""
    numbers: list[int] = []
    for part in version.strip().lstrip("v").split("."):
        digits = ""
        for char in part:
            if not char.isdigit():
                break
            digits += char
        if not digits:
            break
        numbers.append(int(digits))
        if digits != part:
            break
    return tuple(numbers)


def hit_ratio(steps: tuple[Step, ...]) -> float | None:
    """Hits over the steps that can hit (see `Step.counts`), None when there are none."""
    counted = [step for step in steps if step.counts]
    if not counted:
        return None
    return sum(step.status == "hit" for step in counted) / len(counted)
