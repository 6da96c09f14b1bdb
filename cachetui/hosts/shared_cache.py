"""Reads a shared cache on a host, as its engine would import it: nothing is built or changed.

A reference is read by `docker buildx imagetools inspect --raw` with the host's own login; asked for
by its digest, it gives a configuration too (our lab: buildx 0.13 and 0.29).
"""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from cachetui.builders.cache_manifest import (
    MAX_PLATFORMS,
    Blob,
    Index,
    Manifest,
    read_graph,
    read_image,
    read_manifest,
)
from cachetui.builders.cache_source import CacheSource
from cachetui.builders.client import client, last_line
from cachetui.builders.registry_words import RegistryTrouble, registry_trouble
from cachetui.config.settings import HostSettings
from cachetui.hosts.cache_folder import FolderReader
from cachetui.hosts.found_cache import (
    CachePart,
    FoundCache,
    ImageLayers,
    ordered,
    understood,
)
from cachetui.hosts.machine import HostError, Machine

ASK_SECONDS = 60.0

_Read = TypeVar("_Read")

_REACH = "check that it runs, and its name and port as this host sees them"
_TROUBLES: dict[RegistryTrouble, tuple[str, str]] = {
    "login": (
        "the registry does not let the host read {name}",
        "run docker login there, as the user that cachetui logs in as, and check the name",
    ),
    "tls": (
        "the host does not trust the registry of {name}",
        "give the host its certificate, or name it among insecure-registries of its daemon.json",
    ),
    "full": ("the registry of {name} is full", "free space on its disk"),
    "silent": ("the registry of {name} does not answer in time", _REACH),
    "unreachable": ("the host does not reach the registry of {name}", _REACH),
    "failing": ("the registry of {name} has an internal error", "check its log and its disk"),
    "missing": (
        "the registry has no {name}",
        "check name and tag; a cache exists once a build with --cache-to has ended. An image "
        "that is only on the host has to be pushed first",
    ),
}
"""What it means to who reads a cache → reason and remedy."""


def read_cache(machine: Machine, host: HostSettings, source: CacheSource) -> FoundCache:
    """The cache as the host sees it. Raises `HostError`, with a reason and remedy, where there is
    none that can be read."""
    if source.local:
        return FolderReader(machine, source).read()
    return _Registry(machine, host, source).read()


class _Registry:
    def __init__(self, machine: Machine, host: HostSettings, source: CacheSource) -> None:
        self.machine, self.host, self.source = machine, host, source
        self.client = client(host.docker, host.env)

    def read(self) -> FoundCache:
        self._check_buildx()
        data = self._raw(self.source.name)
        manifest = understood(self.machine.name, self.source.name, read_manifest, data)
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        if isinstance(manifest, Manifest) and manifest.cache:
            graph = self._read(manifest.config, read_graph)
            layers, problems = ordered(manifest, graph)
            return FoundCache("registry", digest, (CachePart(layers, graph),), problems)
        return self._image(manifest, digest)

    def _image(self, manifest: Manifest | Index, digest: str) -> FoundCache:
        """The inline caches of an image's platforms."""
        notes: tuple[str, ...] = ()
        images: list[tuple[Manifest | Index, str | None]] = (
            [(manifest, None)] if isinstance(manifest, Manifest) else []
        )
        if isinstance(manifest, Index):
            blobs = manifest.manifests[:MAX_PLATFORMS]
            if len(blobs) < len(manifest.manifests):
                notes = (f"only its first {MAX_PLATFORMS} platforms were read",)
            images = [(self._read(blob, read_manifest), blob.platform) for blob in blobs]
        parts = []
        for each, platform in images:
            if isinstance(each, Index) or each.cache:
                continue
            config = self._read(each.config, read_image)
            if config.graph is not None:
                layers = tuple(
                    replace(blob, diff_id=diff_id, platform=config.platform)
                    for blob, diff_id in zip(each.layers, config.diff_ids, strict=False)
                )
                image = ImageLayers(self.source.name, config.diff_ids, config.history)
                part = CachePart(layers, config.graph, platform or config.platform, image)
                parts.append(part)
        if not parts:
            raise HostError(
                self.machine.name,
                "shell",
                f"{self.source.name} is an image without a cache in it",
                "build and push it with --cache-to type=inline, or name a separate cache",
            )
        return FoundCache("inline", digest, tuple(parts), notes=notes)

    def _check_buildx(self) -> None:
        done = self.machine.run(f"{self.client} buildx version", timeout=ASK_SECONDS)
        if done.status == 0:
            return
        said = last_line(done.error_text, self.host.env)
        raise HostError(
            self.machine.name,
            "no-docker",
            f"there is no docker buildx, which reading a cache in a registry needs ({said})",
            "read it on a host that has it, or install docker-buildx-plugin there",
        )

    def _read(self, blob: Blob, reader: Callable[[bytes], _Read]) -> _Read:
        """A blob of the cache's own repository, read."""
        reference = self.source.blob(blob.digest)
        data = self._raw(reference)
        if hashlib.sha256(data).hexdigest() != blob.digest.removeprefix("sha256:"):
            raise HostError(
                self.machine.name,
                "shell",
                f"what the registry sends for {reference} does not match its digest",
                "export the cache again",
            )
        return understood(self.machine.name, reference, reader, data)

    def _raw(self, reference: str) -> bytes:
        command = f"{self.client} buildx imagetools inspect --raw {shlex.quote(reference)}"
        try:
            done = self.machine.run(command, timeout=ASK_SECONDS)
        except HostError as error:
            if error.kind != "timeout":
                raise
            raise HostError(
                error.name,
                "timeout",
                f"the registry of {reference} does not answer within {ASK_SECONDS:.0f} s",
                "check that it runs; a build that imports from it would wait as well",
            ) from None
        if done.status == 0:
            return done.stdout
        raise self._trouble(reference, last_line(done.error_text, self.host.env))

    def _trouble(self, reference: str, said: str) -> HostError:
        kind = registry_trouble(said)
        if kind is not None:
            reason, remedy = _TROUBLES[kind]
            if kind == "missing" and "@" in reference and reference != self.source.name:
                reason = "the registry has lost a part of " + self.source.name + ", {name}"
                remedy = "export the cache again; builds that import it go on without it"
            text = f"{reason.format(name=reference)}: {said}"
            return HostError(self.machine.name, "shell", text, remedy)
        return HostError(
            self.machine.name,
            "shell",
            f"{reference} cannot be read: {said}",
            f"run there: docker buildx imagetools inspect {reference}",
        )
