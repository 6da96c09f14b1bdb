from __future__ import annotations

import msgspec
import pytest

from cachetui.compare.mounts import mount_rows
from cachetui.records.host import CacheMount
from tests import make_records as b


def test_a_mount_is_shown_cold_and_warm_on_each_host() -> None:
    rows = mount_rows(b.document())
    assert [row.host for row in rows] == ["old", "mid", "new", "ctd"]
    new = rows[2]
    assert (new.target, new.id, new.sharing, new.line) == (
        "/var/cache/pip",
        "/var/cache/pip",
        "shared",
        5,
    )
    assert (new.cold, new.warm) == (6.0, 2.4)
    assert new.saved == pytest.approx(3.6)
    assert new.bytes == 34_000_000
    assert new.last_used == "2 minutes ago"


def test_a_step_that_failed_has_no_seconds() -> None:
    document = b.document([b.run("new", "buildkit-cold", change={(0, 3): "failed"})])
    (row,) = mount_rows(document)
    assert (row.cold, row.warm, row.saved) == (None, None, None)


def test_records_are_matched_by_target_and_by_command_when_one_names_it() -> None:
    def record(description: str, size: int) -> CacheMount:
        return CacheMount(id=description, description=description, bytes=size)

    command = "pip install --prefix=/deps -r requirements.txt"
    records = (
        record(f"cached mount /var/cache/pip from exec /bin/sh -c {command}", 1),
        record(f"cached mount /var/cache/pip from exec /bin/sh -c   {command}", 2),
        record("cached mount /var/cache/pip from exec /bin/sh -c pip download x", 4),
        record(f"cached mount /var/cache/pip2 from exec /bin/sh -c {command}", 8),
    )
    document = b.document([b.run("new", "buildkit-cold")])
    host = b.host("new")

    def size(mounts: tuple[CacheMount, ...]) -> int | None:
        hosts = (msgspec.structs.replace(host, mounts=mounts),)
        (row,) = mount_rows(msgspec.structs.replace(document, hosts=hosts))
        return row.bytes

    assert size(records) == 3
    assert size(records[2:]) == 4
    assert size(records[3:]) is None


def test_a_build_without_mounts_has_no_rows() -> None:
    assert mount_rows(b.legacy_too()) == ()
