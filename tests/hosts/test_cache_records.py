"""Build cache records of four real engines, and docker's sizes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cachetui.hosts.cache_records import (
    CacheRecord,
    cache_command,
    parse_builder_cache,
    parse_cache,
    parse_size,
)
from cachetui.hosts.machine import Completed

SIZES = {
    "0B": 0,
    "7B": 7,
    "1.2kB": 1200,
    "45.3MB": 45_300_000,
    "2.126GB": 2_126_000_000,
    "1TB": 10**12,
    "3.5PB": 3_500_000_000_000_000,
    "1.5KiB": 1536,
    "2 MiB": 2 * 1024**2,
    "240MB (100%)": 240_000_000,
    "1e+03kB": 1_000_000,
    "": None,
    "N/A": None,
    "12": None,
    "-1B": None,
    "kB": None,
    "1.2.3kB": None,
}


@pytest.mark.parametrize(("text", "size"), SIZES.items())
def test_size(text: str, size: int | None) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("name", ["old", "mid", "new", "ctd"])
def test_real_engines(name: str) -> None:
    file = Path(__file__).parent / "recordings" / f"{name}.json"
    rows = json.loads(file.read_text())["cache"]
    records = parse_cache(Completed(0, b"warning\n" + json.dumps(rows).encode() + b"\n", b""))
    assert records is not None
    assert len(records) == len(rows) > 3
    types = {record.type for record in records}
    assert types >= {"regular", "source.local", "exec.cachemount"}
    mount = next(record for record in records if record.type == "exec.cachemount")
    assert mount.description.startswith("cached mount ")
    assert mount.bytes > 0
    assert mount.last_used is not None
    assert mount.last_used.endswith(" ago")
    assert not mount.in_use


def test_words() -> None:
    row = {"ID": "a", "CacheType": "regular", "Size": "1kB", "InUse": "true", "Shared": True}
    record = CacheRecord("a", "regular", "", 1000, None, True, True)
    for text in (json.dumps([row]), json.dumps({"BuildCache": [row]})):
        assert parse_cache(Completed(0, text.encode(), b"")) == (record,)


@pytest.mark.parametrize(
    ("done", "records"),
    [
        (Completed(1, b"[]", b"no"), None),
        (Completed(0, b"", b""), None),
        (Completed(0, b"{", b""), None),
        (Completed(0, b"1", b""), None),
        (Completed(0, b"null", b""), ()),
        (Completed(0, b"[]", b""), ()),
        (Completed(0, b"[1]", b""), ()),
        (Completed(0, b'{"BuildCache":null}', b""), ()),
    ],
)
def test_nothing(done: Completed, records: tuple[CacheRecord, ...] | None) -> None:
    assert parse_cache(done) == records


def test_command() -> None:
    assert cache_command("sudo -n docker") == (
        "sudo -n docker system df -v --format '{{json .BuildCache}}'"
    )


OF_A_BUILDER = """\
ID:           b3gkl9pqf8l21mnq7irkmpxac
Created at:   2026-11-27 17:03:07.980999319 +0000 UTC
Mutable:      true
Reclaimable:  true
Shared:       false
Size:         3B
Description:  cached mount /c from exec /bin/sh -c echo hi > /c/x; echo hi > /yx with id "//c"
Usage count:  2
Last used:    7 seconds ago
Type:         exec.cachemount

ID:           uftj3pm1b5nes0z14doplmjp0
Parents:
 - jlqywksf00zp2un4typ301kim
Created at:   2026-11-27 17:03:08.233206074 +0000 UTC
Mutable:      false
Reclaimable:  true
Shared:       false
Size:         3B
Description:  mount / from exec /bin/sh -c echo hi > /c/x; echo hi > /yx
Usage count:  1
Last used:    8 seconds ago
Type:         regular

Shared:		102B
Private:	435B
Reclaimable:	537B
Total:		537B
"""
"""What `docker buildx du --verbose` printed of a builder of the driver remote (our lab: 0.29)."""


def test_the_records_of_a_builder() -> None:
    records = parse_builder_cache(Completed(0, OF_A_BUILDER.encode(), b""))
    assert records is not None
    mount, layer = records
    assert mount == CacheRecord(
        id="b3gkl9pqf8l21mnq7irkmpxac",
        type="exec.cachemount",
        description="cached mount /c from exec /bin/sh -c echo hi > /c/x; echo hi > /yx with id "
        '"//c"',
        bytes=3,
        last_used="7 seconds ago",
        created_at="2026-11-27 17:03:07.980999319 +0000 UTC",
        uses=2,
    )
    assert (layer.type, layer.shared, layer.in_use) == ("regular", False, False)
    shared = OF_A_BUILDER.replace("Shared:       false", "Shared:       true")
    assert [
        one.shared for one in parse_builder_cache(Completed(0, shared.encode(), b"")) or ()
    ] == [
        True,
        True,
    ]
    assert parse_builder_cache(Completed(0, b"Total: 0B\n", b"")) == ()
    assert parse_builder_cache(Completed(1, b"", b"no builder")) is None
