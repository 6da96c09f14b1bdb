"""A second reading of a context reads only what may have changed, and truth comes first."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cachetui.context.build_context import read_context
from cachetui.context.known_digests import REST_NS, KnownDigests
from cachetui.store import known_files
from cachetui.store.known_files import FOLDER, known_digests


@pytest.fixture
def context(tmp_path: Path) -> Path:
    folder = tmp_path / "context"
    (folder / "src").mkdir(parents=True)
    (folder / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    for number in range(5):
        (folder / "src" / f"f{number}").write_text(f"content {number}")
    (folder / os.fsdecode(b"caf\xe9")).write_text("no UTF-8")
    return folder


def read(folder: Path, data: bytes | None = b"", later: int = 0) -> tuple[str, KnownDigests]:
    """The digest of a reading `later` than it is (ns), that begins with what another noted."""
    known = KnownDigests(data or b"")
    known._rested += later
    return read_context(folder, known=known).digest, known


def rested(folder: Path) -> tuple[str, bytes]:
    """The digest, and what a reading notes when the files have rested."""
    digest, known = read(folder, later=2 * REST_NS)
    data = known.data()
    assert data is not None
    return digest, data


def test_nothing_is_read_again(context: Path) -> None:
    digest, data = rested(context)
    again, known = read(context, data)
    assert again == digest == read_context(context).digest
    # The one whose name is not UTF-8 is read each time.
    assert known.read == len("no UTF-8")
    assert known.data() is None


def test_what_has_not_rested_is_not_noted(context: Path) -> None:
    """It could be changed within the same tick of the clock, which nobody could see."""
    _, known = read(context)
    assert known.data() is None
    time_of_file = (context / "Dockerfile").stat().st_ctime_ns
    assert time_of_file > known._rested


def same_time(path: Path) -> None:
    before = path.stat()
    path.write_text(path.read_text().swapcase())
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_mtime_ns == before.st_mtime_ns


def another_in_its_place(path: Path) -> None:
    before = path.stat()
    new = path.with_name("new")
    new.write_text(path.read_text().swapcase())
    os.utime(new, ns=(before.st_atime_ns, before.st_mtime_ns))
    new.replace(path)


def longer(path: Path) -> None:
    path.write_text(path.read_text() * 2)


@pytest.mark.parametrize("change", [same_time, another_in_its_place, longer])
def test_what_changed_is_read_again_and_nothing_else(
    context: Path, change: Callable[[Path], None]
) -> None:
    digest, data = rested(context)
    time.sleep(0.02)  # a tick of the file system's clock
    change(context / "src" / "f1")
    now, known = read(context, data)
    assert now != digest
    assert now == read_context(context).digest
    assert known.read == (context / "src" / "f1").stat().st_size + len("no UTF-8")


@pytest.mark.parametrize(
    "damage", [lambda d: d[:-3], lambda d: d[:9] + b"x" + d[10:], lambda _: b"\x81"]
)
def test_what_is_damaged_is_not_believed(context: Path, damage: Callable[[bytes], bytes]) -> None:
    digest, data = rested(context)
    now, known = read(context, damage(data))
    assert now == digest
    assert known.read == sum(p.stat().st_size for p in context.rglob("*") if p.is_file())


def kept(store: Path) -> list[Path]:
    return sorted((store / FOLDER).iterdir()) if (store / FOLDER).is_dir() else []


def reading(store: Path, context: Path) -> KnownDigests:
    with known_digests(store, context) as known:
        known._rested += 2 * REST_NS
        read_context(context, known=known)
    return known


def test_it_is_kept_for_large_contexts_only(
    context: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading(tmp_path, context)
    assert kept(tmp_path) == []
    monkeypatch.setattr(known_files, "LEAST_FILES", 5)
    reading(tmp_path, context)
    (file,) = kept(tmp_path)
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    assert reading(tmp_path, context).read == len("no UTF-8")


def test_the_oldest_go(context: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_files, "LEAST_FILES", 1)
    reading(tmp_path, context)
    (first,) = kept(tmp_path)
    os.utime(first, ns=(0, 0))
    monkeypatch.setattr(known_files, "MOST_BYTES", first.stat().st_size * 3 // 2)
    reading(tmp_path, context / "src" / "..")  # the same folder: in its place
    assert kept(tmp_path) == [first]
    other = tmp_path / "other-with-a-longer-or-shorter-name"
    context.rename(other)
    reading(tmp_path, other)
    (second,) = kept(tmp_path)
    assert second != first


def test_where_it_cannot_be_kept_all_is_read(
    context: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known_files, "LEAST_FILES", 1)
    (tmp_path / FOLDER).write_text("in the way")
    reading(tmp_path, context)
    assert reading(tmp_path, context).read > 0
