"""Layers in the store: sorted as a walk, one line a path, hard links alike, however they came."""

from __future__ import annotations

import itertools
import tarfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cachetui.outputs import layers as module
from cachetui.outputs.intake import Intake, Unpacker
from cachetui.outputs.layers import LayerError, LayerMeta, LayerWriter, add_alias, known, lines_of
from cachetui.outputs.remote.feed import Unreadable
from cachetui.outputs.remote.saved import MARK, mark, parts, read_image
from cachetui.store.database import Store
from tests.outputs.tars import oci_archive, read_layer, sha, tar


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def kept(store: Store, lines: list[bytes]) -> tuple[list[bytes], LayerMeta]:
    """Lines as they come out of the store."""
    digest = f"sha256:{sha(b''.join(lines))}"
    with store.spool() as folder:
        writer = LayerWriter(folder)
        for line in lines:
            writer.add(line)
        meta = writer.keep(store, LayerMeta(digest=digest, bytes=1, entries=0))
        assert list(folder.iterdir()) == []
    assert known(store, digest) == meta
    return list(lines_of(store, digest)), meta


def line(path: str, kind: str = "f", mode: str = "644") -> bytes:
    if kind in "wo":
        return f"{path}\t{kind}".encode()
    return f"{path}\t{kind}\t{mode}\t0\t0\t\t0\t\t\t".encode()


def test_a_folder_stands_right_before_what_is_in_it(store: Store) -> None:
    paths = ["a-b", "a", "a/c", "a.b", "a/b", "", "a/b/c", "b", "a b"]
    found, meta = kept(store, [line(path) for path in paths])
    assert [one.split(b"\t")[0].decode() for one in found] == [
        *("", "a", "a/b", "a/b/c", "a/c", "a b", "a-b", "a.b", "b")
    ]
    assert (meta.entries, meta.duplicates) == (9, 0)


def test_the_last_entry_of_a_path_holds(store: Store) -> None:
    given_lines = [line("x", mode="600"), line("y"), line("x", "w"), line("x", mode="644")]
    found, meta = kept(store, given_lines)
    assert found == [line("x", "w"), line("x"), line("y")] or found == [
        *(line("x"), line("x", "w"), line("y"))
    ]
    assert (meta.entries, meta.duplicates) == (3, 1)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(paths=st.lists(st.text("ab/-", min_size=1, max_size=4), max_size=40))
def test_sorting_in_files_is_sorting(
    paths: list[str], store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [line(path, mode=f"{number:o}") for number, path in enumerate(paths)]
    whole, _ = kept(store, lines)
    monkeypatch.setattr(module, "CHUNK", 3)
    assert kept(store, lines)[0] == whole
    assert {one.split(b"\t")[0] for one in whole} == {one.split(b"\t")[0] for one in lines}


def test_hard_links_are_alike_whichever_name_comes_first(store: Store) -> None:
    """Which of its names a file is stored under is up to who packs it."""
    results = set()
    for first, *others in itertools.permutations(["b", "a", "c"]):
        links = [
            (other, {"type": tarfile.LNKTYPE, "linkname": first, "mode": 0o600}) for other in others
        ]
        data = tar((first, {"content": b"bytes", "mode": 0o600}), *links)
        found, _ = kept(store, read_layer(data)[0])
        plain = tuple(b"\t".join(one.split(b"\t")[:10]) for one in found)
        results.add(plain)
        stored = {one.split(b"\t")[0]: one.split(b"\t")[10:] for one in found}
        assert stored.pop(first.encode()) == []
        assert set(map(tuple, stored.values())) == {(first.encode(),)}
    (same,) = results
    assert [one.split(b"\t")[1] for one in same] == [b"f", b"h", b"h"]
    assert all(sha(b"bytes").encode() in one for one in same)


def test_hard_links_to_nothing_or_to_each_other_stay(store: Store) -> None:
    lines = [b"a\th\t644\t0\t0\t\t0\t\tb\t", b"b\th\t644\t0\t0\t\t0\t\ta\t"]
    assert kept(store, lines)[0] == lines
    lone = [b"a\th\t644\t0\t0\t\t0\t\tlower/file\t"]
    assert kept(store, lone)[0] == lone


def test_a_hard_link_that_a_file_replaced_is_none(store: Store) -> None:
    data = tar(("b", b"one"), ("a", {"type": tarfile.LNKTYPE, "linkname": "b"}), ("a", b"another"))
    found, meta = kept(store, read_layer(data)[0])
    assert [one.split(b"\t")[1] for one in found] == [b"f", b"f"]
    assert meta.duplicates == 1


def test_what_is_damaged_is_told(store: Store, tmp_path: Path) -> None:
    _, meta = kept(store, [line(f"file{number}") for number in range(10_000)])
    key = f"layer:1:{meta.digest}"
    data = store.blob(key)
    assert data is not None
    whole = data.read()
    data.close()
    for damaged in (whole[:-10], whole[:50] + b"xxxx" + whole[54:]):
        store.keep_blob(key, damaged)
        with pytest.raises(LayerError, match="damaged"):
            list(lines_of(store, meta.digest))
    store.keep_blob(f"layer-meta:1:{meta.digest}", b"{}")
    assert known(store, meta.digest) is None
    with pytest.raises(LayerError, match="not in the store"):
        list(lines_of(Store(tmp_path / "other"), meta.digest))


def test_aliases_are_remembered_within_bounds(store: Store) -> None:
    _, meta = kept(store, [])
    for number in range(40):
        add_alias(store, meta, f"name{number}")
        found = known(store, meta.digest)
        assert found is not None
        meta = found
    assert len(meta.aliases) == 32
    assert meta.aliases[-1] == "name39"


class TestIntake:
    def intake(self, store: Store, folder: Path, *needed: str) -> Intake:
        folder.mkdir(exist_ok=True)
        return Intake(store, folder, needed)

    def test_layers_that_are_needed_are_kept_the_others_dropped(
        self, store: Store, tmp_path: Path
    ) -> None:
        one, two = tar(("a", b"1"), ("b", None)), tar(("c", b"2"))
        intake = self.intake(store, tmp_path / "spool", sha(one))
        archive = oci_archive([one, two])
        for each in read_image(parts([archive]), [sha(one), sha(two)], {sha(one), sha(two)}):
            intake.take(each)
        assert intake.done
        assert set(intake.kept) == {sha(one)}
        assert intake.kept[sha(one)].aliases == (sha(one),)
        assert known(store, f"sha256:{sha(two)}") is None
        assert [x.split(b"\t")[0] for x in lines_of(store, f"sha256:{sha(one)}")] == [b"a", b"b"]

    @pytest.mark.parametrize(
        "line",
        [
            mark("end", "x"),
            mark("end", "alias", "d", "size", "1", "0", ""),
            mark("config", "x", "no base64!"),
            mark("saved", "x"),
        ],
    )
    def test_lines_that_are_not_ours(self, store: Store, tmp_path: Path, line: bytes) -> None:
        with pytest.raises(Unreadable, match="not understood"):
            self.intake(store, tmp_path / "spool", "d").take(line)

    def test_a_stream_that_is_not_ours(self) -> None:
        taken: list[bytes] = []
        unpacker = Unpacker(taken.append)
        unpacker.output(b"motd\ncachetui outputs 1\n", 0.0)
        assert unpacker.talk == b"motd\n"
        with pytest.raises(Unreadable, match="damaged"):
            unpacker.output(b"not zlib", 0.0)
        silent = Unpacker(taken.append)
        for _ in range(100):
            silent.output(b"x" * 10_000, 0.0)
        assert len(silent.talk) <= 1 << 17
        assert taken == []
        assert MARK == b"\x01"
