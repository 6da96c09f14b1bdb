"""An engine's build cache records, and the sizes that docker prints for people."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from cachetui.hosts.machine import Completed
from cachetui.records.host_json import loads

_UNITS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5, "e": 6}
_SIZE = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?)\s*([kmgtpe]?)(i?)b\b", re.IGNORECASE)


def parse_size(text: str) -> int | None:
    """Bytes of "1.2kB" (decimal, as docker prints) or "1.2KiB"; None for anything else."""
    size = _SIZE.match(text)
    if size is None:
        return None
    base = 1024 if size[3] else 1000
    scale: int = base ** _UNITS[size[2].lower()]
    return round(float(size[1]) * scale)


@dataclass(frozen=True, slots=True)
class CacheRecord:
    """One record of BuildKit's cache. `type` is `regular`, `exec.cachemount`, `source.local`, …;
    `last_used` the engine's own words ("3 minutes ago"), None when it never was; `shared` means
    that an image has its bytes too. `created_at` and `last_used_at` are dates as docker has them,
    `uses` how often it was used; `parents` are the ids of the records that it stands on."""

    id: str
    type: str
    description: str
    bytes: int
    last_used: str | None = None
    in_use: bool = False
    shared: bool = False
    created_at: str | None = None
    last_used_at: str | None = None
    uses: int = 0
    parents: tuple[str, ...] = ()


def cache_command(client: str) -> str:
    """The shell command that lists the records; `client` is the docker client as shell text.

    It measures volumes and images as well, so it can take minutes on a host that has many.
    """
    return f"{client} system df -v --format '{{{{json .BuildCache}}}}'"


def parse_cache(done: Completed) -> tuple[CacheRecord, ...] | None:
    """The records, None where docker did not list them."""
    if done.status != 0:
        return None
    for line in done.text.splitlines():
        try:
            rows = loads(line)
        except ValueError:
            continue
        if isinstance(rows, dict):
            rows = rows.get("BuildCache")
        if rows is None:
            return ()
        if isinstance(rows, list):
            return tuple(_record(row) for row in rows if isinstance(row, dict))
    return None


def builder_cache_command(client: str) -> str:
    """The same for a builder that is not in docker's engine, whose cache docker does not list:
    that which `docker build` uses."""
    return f"{client} buildx du --verbose"


def parse_builder_cache(done: Completed) -> tuple[CacheRecord, ...] | None:
    """The records in what `docker buildx du --verbose` printed (0.13 to 0.29), None where it
    failed. It tells no date of the last use."""
    if done.status != 0:
        return None
    # The first of each: sums follow the last record.
    blocks = (dict(reversed(_FIELD.findall(block))) for block in _BLOCK.split(done.text))
    return tuple(_of_builder(fields) for fields in blocks if "ID" in fields)


_FIELD = re.compile(r"^([A-Z][\w ]*):[ \t]*(.*?)[ \t]*$", re.MULTILINE)
_BLOCK = re.compile(r"^(?=ID:)", re.MULTILINE)


def _of_builder(fields: dict[str, str]) -> CacheRecord:
    return CacheRecord(
        id=fields["ID"],
        type=fields.get("Type", ""),
        description=fields.get("Description", ""),
        bytes=parse_size(fields.get("Size", "")) or 0,
        last_used=fields.get("Last used") or None,
        in_use=fields.get("Reclaimable") == "false",
        shared=fields.get("Shared") == "true",
        created_at=fields.get("Created at") or None,
        uses=int(uses) if (uses := fields.get("Usage count", "")).isdigit() else 0,
    )


def _record(row: dict[str, Any]) -> CacheRecord:
    """A row; all its values are text, and booleans may come as such."""
    return CacheRecord(
        id=str(row.get("ID", "")),
        type=str(row.get("CacheType", "")),
        description=str(row.get("Description", "")),
        bytes=parse_size(str(row.get("Size", ""))) or 0,
        last_used=str(row.get("LastUsedSince", "")) or None,
        in_use=str(row.get("InUse", "")).lower() == "true",
        shared=str(row.get("Shared", "")).lower() == "true",
        created_at=str(row.get("CreatedAt", "")) or None,
        last_used_at=str(row.get("LastUsedAt", "")) or None,
        uses=int(uses) if (uses := str(row.get("UsageCount", ""))).isdigit() else 0,
        parents=(parent,) if (parent := str(row.get("Parent", "") or "")) else (),
    )
