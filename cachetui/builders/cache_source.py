"""Where a shared cache lies, as people write it: a reference, a folder, or `--cache-from`'s value.

Pure. What is taken of `type=…` is what BuildKit's importers of a registry and of a folder take
(buildx `util/buildflags/cache.go`).
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass

from cachetui.builders.cache_manifest import is_digest

_REFERENCE = re.compile(
    r"[A-Za-z0-9][A-Za-z0-9._-]*(:[0-9]+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*"
    r"(:[A-Za-z0-9_][A-Za-z0-9._-]{0,127})?(@sha256:[0-9a-f]{64})?",
    re.ASCII,
)
_MAX = 1024


class CacheSourceError(ValueError):
    """What names no cache that can be read: a sentence with what would."""


@dataclass(frozen=True, slots=True)
class CacheSource:
    """`name` is a reference, or with `local` an absolute path on the host. `digest` and `tag`
    choose among what a folder has."""

    name: str
    local: bool = False
    digest: str = ""
    tag: str = "latest"

    def blob(self, digest: str) -> str:
        """The reference of another blob of the same repository."""
        return f"{_repository(self.name)}@{digest}"


def cache_source(text: str) -> CacheSource:
    """The source that is named. Raises `CacheSourceError`."""
    if "=" in text.partition(",")[0]:
        return _of_option(text)
    if text.startswith("/"):
        return _folder(text)
    if text.startswith((".", "~")):
        raise CacheSourceError(f"{text} is read on the host, so it has to be an absolute path")
    return _reference(text)


def _of_option(text: str) -> CacheSource:
    try:
        words = next(csv.reader([text]), [])
    except csv.Error:
        words = []
    fields = {name.strip().lower(): value for name, _, value in (w.partition("=") for w in words)}
    kind = fields.get("type", "")
    if kind == "registry" and fields.get("ref"):
        return _reference(fields["ref"])
    if kind == "local" and fields.get("src"):
        digest = fields.get("digest", "")
        if digest and not is_digest(digest):
            raise CacheSourceError(f"digest={digest} is not sha256: and 64 hexadecimal digits")
        return _folder(fields["src"], digest, fields.get("tag") or "latest")
    if kind in ("registry", "local"):
        missing = "ref=REFERENCE" if kind == "registry" else "src=FOLDER"
        raise CacheSourceError(f"{text} lacks {missing}")
    raise CacheSourceError(
        f"{text} cannot be read on a host: name a reference, a folder, type=registry,ref=… or "
        "type=local,src=…"
    )


def _folder(path: str, digest: str = "", tag: str = "latest") -> CacheSource:
    if not path.startswith("/") or "\0" in path:
        raise CacheSourceError(f"{path} is read on the host, so it has to be an absolute path")
    return CacheSource(path.rstrip("/") or "/", local=True, digest=digest, tag=tag)


def _reference(text: str) -> CacheSource:
    if len(text) > _MAX or not _REFERENCE.fullmatch(text):
        raise CacheSourceError(
            f"{text[:80]!r} is neither the reference of a cache or image nor an absolute path"
        )
    return CacheSource(text)


def _repository(reference: str) -> str:
    """A reference without its tag and digest."""
    name = reference.partition("@")[0]
    folder, slash, last = name.rpartition("/")
    return folder + slash + last.partition(":")[0]
