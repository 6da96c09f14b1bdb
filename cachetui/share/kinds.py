"""The kinds of cache that a build can export, and which host can export or import which. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from cachetui.records.host import HostFacts
from cachetui.records.scenario import EXPORT, IMPORT, Planned


@dataclass(frozen=True, slots=True)
class Kind:
    """`name` is what options and records call it; `via` is how it comes to other hosts, and `mode`
    which steps are exported."""

    name: str
    via: Literal["registry", "folder", "image"]
    mode: Literal["min", "max"]

    @property
    def export_run(self) -> Planned:
        """The run that exports it."""
        return Planned(f"buildkit-{EXPORT}{self.name}", 1)

    @property
    def import_run(self) -> Planned:
        """The run that has nothing but its import."""
        return Planned(f"buildkit-{IMPORT}{self.name}", 1)

    def export_words(self, ref: str, folder: str) -> tuple[str, ...]:
        """The options of `docker build` that export it."""
        if self.via == "image":
            # Not --cache-to type=inline: a client without buildx knows this alone.
            return ("--build-arg", "BUILDKIT_INLINE_CACHE=1")
        where = f"dest={folder}" if self.via == "folder" else f"ref={ref}"
        return ("--cache-to", f"type={self._type},{where},mode={self.mode}")

    def import_words(self, ref: str, folder: str, *, buildx: bool) -> tuple[str, ...]:
        """The options of `docker build` that import it."""
        if not buildx:
            return ("--cache-from", ref)
        where = f"src={folder}" if self.via == "folder" else f"ref={ref}"
        return ("--cache-from", f"type={self._type},{where}")

    @property
    def _type(self) -> str:
        return "local" if self.via == "folder" else "registry"


KINDS = (
    Kind("registry-max", "registry", "max"),
    Kind("registry-min", "registry", "min"),
    Kind("local-max", "folder", "max"),
    Kind("inline", "image", "min"),
)
KIND_NAMES = tuple(kind.name for kind in KINDS)


def kind_named(name: str) -> Kind:
    """Raises `KeyError`."""
    return {kind.name: kind for kind in KINDS}[name]


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why a host cannot export or import a kind, and what to do about it."""

    reason: str
    remedy: str


_NO_REGISTRY = Obstacle(
    "it goes through a registry, and none was given",
    "name a repository that may be written to: --registry registry.example.com/team/cache",
)
_CONTAINERD = (
    'turn on the containerd image store there ({"features": {"containerd-snapshotter": true}} in '
    "daemon.json; images and caches of the old store are then not seen), or build with a builder "
    "of its own: docker buildx create --driver docker-container --use"
)


def export_obstacle(kind: Kind, facts: HostFacts, registry: str | None) -> Obstacle | None:
    """Why the host cannot export this kind; None when it can."""
    if "buildkit" not in facts.backends:
        return _no_buildkit(facts)
    if kind.via != "image" and not facts.buildx:
        return Obstacle("the docker client there has no buildx", _INSTALL)
    if kind.via != "image" and not facts.store.startswith("containerd"):
        return Obstacle(
            f"its image store is a graph driver's ({facts.store}), with which docker exports "
            "inline caches only",
            _CONTAINERD,
        )
    return _NO_REGISTRY if kind.via != "folder" and registry is None else None


def import_obstacle(kind: Kind, facts: HostFacts, registry: str | None) -> Obstacle | None:
    """Why the host cannot import this kind; None when it can."""
    if "buildkit" not in facts.backends:
        return _no_buildkit(facts)
    if kind.via == "folder" and not facts.buildx:
        return Obstacle(
            "the docker client there has no buildx, which importing a folder needs", _INSTALL
        )
    return _NO_REGISTRY if kind.via != "folder" and registry is None else None


_INSTALL = "install Docker's buildx plugin there (docker-buildx-plugin or docker-buildx)"


def _no_buildkit(facts: HostFacts) -> Obstacle:
    why = facts.missing.get("buildkit", "BuildKit does not work on this host")
    return Obstacle(f"only BuildKit can share caches: {why}", "share between other hosts")
