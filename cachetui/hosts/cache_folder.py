"""Reads a cache that was exported with `type=local`: a folder on a host, as an OCI layout.

Its small files are read whole and within limits; of its layers only size and checksum, on the host.
"""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Callable, Iterable
from typing import TypeVar

from cachetui.builders.cache_manifest import (
    MAX_BYTES,
    Blob,
    Manifest,
    folder_manifest,
    read_graph,
    read_manifest,
)
from cachetui.builders.cache_source import CacheSource
from cachetui.hosts.found_cache import EXPORT_AGAIN, CachePart, FoundCache, ordered, understood
from cachetui.hosts.machine import HostError, Machine

ASK_SECONDS = 60.0
SUM_SECONDS = 120.0
"""For the checksums of all layers: 50 GB on a fast disk."""
SHOWN = 5
"""Damaged layers that are named."""

_Read = TypeVar("_Read")


class FolderReader:
    """One reading of a folder. A build takes the entry of `source.digest`, else of `source.tag`."""

    def __init__(self, machine: Machine, source: CacheSource) -> None:
        self.machine, self.source = machine, source

    def read(self) -> FoundCache:
        """The cache in the folder. Raises `HostError` where there is none that can be read."""
        index = self._file("index.json")
        digest = self.source.digest or self._understood(
            "index.json", lambda data: folder_manifest(data, self.source.tag), index
        )
        manifest = self._blob(digest, read_manifest)
        if not isinstance(manifest, Manifest) or not manifest.cache:
            raise self._error("is an image, not a cache", "name a folder of --cache-to type=local")
        graph = self._blob(manifest.config.digest, read_graph)
        layers, problems = ordered(manifest, graph)
        damaged, notes = self._check(manifest.layers)
        part = CachePart(layers, graph)
        return FoundCache("local", digest, (part,), (*problems, *damaged), notes)

    def _blob(self, digest: str, reader: Callable[[bytes], _Read]) -> _Read:
        path = f"blobs/sha256/{digest.removeprefix('sha256:')}"
        data = self._file(path)
        if hashlib.sha256(data).hexdigest() != digest.removeprefix("sha256:"):
            raise self._error(f"is damaged: {path} does not match its digest", EXPORT_AGAIN)
        return self._understood(path, reader, data)

    def _understood(self, path: str, reader: Callable[[bytes], _Read], data: bytes) -> _Read:
        return understood(self.machine.name, f"{self.source.name}/{path}", reader, data)

    def _file(self, path: str) -> bytes:
        """A file of the folder, up to one byte more than may be."""
        folder = shlex.quote(self.source.name)
        # What is a pipe or the like has no end, or nobody who writes it.
        done = self.machine.run(
            f"cd -- {folder} || exit 3; test -f {path} || exit 4; "
            f"exec head -c {MAX_BYTES + 1} {path}",
            timeout=ASK_SECONDS,
        )
        if done.status == 0:
            return done.stdout
        said = done.error_text.splitlines()[-1:] or [f"exit status {done.status}"]
        if done.status == 3:
            raise self._error(f"cannot be read: {said[0]}", "name a folder that is on this host")
        if done.status == 4 and path == "index.json":
            raise self._error("holds no cache: it has no index.json", "check the path")
        if done.status == 4:
            raise self._error(f"is cut short: {path} is missing", EXPORT_AGAIN)
        raise self._error(
            f"cannot be read: {said[0]}", "make it readable for the user that cachetui logs in as"
        )

    def _check(self, layers: tuple[Blob, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """What is wrong with the layers' files, and what could not be looked at."""
        sizes = self._each(layers, "stat -c %s", ASK_SECONDS)
        if sizes is None:
            return (), ("its layers were not checked: stat fails there, or takes too long",)
        wrong = [
            f"{blob.digest[:19]} "
            + (
                f"has {sizes[blob.digest]} bytes, not {blob.bytes}"
                if blob.digest in sizes
                else "is missing"
            )
            for blob in layers
            if sizes.get(blob.digest) != str(blob.bytes)
        ]
        whole = tuple(blob for blob in layers if sizes.get(blob.digest) == str(blob.bytes))
        sums = self._each(whole, "sha256sum", SUM_SECONDS)
        notes: tuple[str, ...] = ()
        if sums is None:
            notes = ("the content of its layers was not checked against their digests",)
        wrong += [
            f"{blob.digest[:19]} does not match its digest"
            for blob in whole
            if sums is not None and sums.get(blob.digest) != blob.digest.removeprefix("sha256:")
        ]
        if not wrong:
            return (), notes
        shown = ", ".join(wrong[:SHOWN]) + (", …" if len(wrong) > SHOWN else "")
        return (
            f"damaged, {len(wrong)} of {len(layers)} layers: {shown}; a build that needs one of "
            "them retries for about 50 s, then runs the step: export the cache again",
        ), notes

    def _each(self, layers: Iterable[Blob], command: str, seconds: float) -> dict[str, str] | None:
        """By layer the first word that a command prints of its file; None where it takes too
        long, or does not run."""
        names = "".join(f"{blob.digest.removeprefix('sha256:')}\n" for blob in layers)
        folder = shlex.quote(f"{self.source.name}/blobs/sha256")
        tool = command.partition(" ")[0]
        try:
            done = self.machine.run(
                f"cd -- {folder} && command -v {tool} >/dev/null || exit 3; "
                f'while read -r f; do echo "$f $({command} "$f" 2>/dev/null)"; done',
                stdin=names.encode(),
                timeout=seconds,
            )
        except HostError as error:
            if error.kind != "timeout":
                raise
            return None
        if done.status != 0:
            return None
        rows = (line.split() for line in done.text.splitlines())
        return {f"sha256:{row[0]}": row[1] for row in rows if len(row) > 1}

    def _error(self, what: str, remedy: str) -> HostError:
        return HostError(self.machine.name, "shell", f"{self.source.name} {what}", remedy)
