"""Gathering by every way gives the same, nothing is read twice, and what fails says why."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import msgspec
import pytest

from cachetui.audit.redact import Redactor
from cachetui.hosts.machine import HostError
from cachetui.outputs.contents import ImageContents, Way, local_copies
from cachetui.outputs.difference import Entry
from cachetui.outputs.fetch import fetch_file, fetch_from_copy, fetch_here
from cachetui.outputs.gather_contents import gather_contents
from cachetui.outputs.layers import known, lines_of, lose_copy
from cachetui.outputs.remote.copies import Copies
from cachetui.store.database import Store
from tests.outputs.fakedocker import FakeHost
from tests.outputs.tars import oci_archive, old_archive, sha, tar, zipped

BASE = tar(("bin", None), ("bin/sh", b"#!" * 1000), *((f"bin/{i}", b"x") for i in range(50)))
APP = tar(("app", None), ("app/main", b"print('hello')\n"), ("bin/.wh.sh", b""))
LAYERS = (BASE, APP)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def lines(store: Store, contents: ImageContents) -> list[list[bytes]]:
    return [list(lines_of(store, digest)) for digest in contents.digests]


def copies_of(store: Store, layer: bytes) -> tuple[tuple[str, str], ...]:
    meta = known(store, f"sha256:{sha(layer)}")
    assert meta is not None
    return meta.copies


def without(contents: ImageContents) -> ImageContents:
    """What is the same whatever way an image was read."""
    layers = tuple(msgspec.structs.replace(layer, aliases=()) for layer in contents.layers)
    return msgspec.structs.replace(
        contents, way="store", wire_bytes=0, seconds=0.0, layers=layers, copied_bytes=0
    )


@pytest.mark.parametrize("shape", ["old", "oci", "containerd"])
def test_all_ways_give_the_same(tmp_path: Path, shape: str) -> None:
    archive = {
        "old": old_archive(LAYERS),
        "oci": oci_archive(LAYERS),
        "containerd": oci_archive(LAYERS, [zipped(one) for one in LAYERS]),
    }[shape]
    host = FakeHost(tmp_path / "host")
    host.image("app", LAYERS, archive)
    found = []
    ways: tuple[Way, ...] = ("python", "tar", "stream")
    for way in ways:
        store = Store(tmp_path / way)
        contents = gather_contents(host.machine(), host.settings, "app", store, way=way)
        assert contents.way == way
        found.append((without(contents), lines(store, contents)))
    assert found[0] == found[1] == found[2]
    contents = found[0][0]
    assert contents.digests == (f"sha256:{sha(BASE)}", f"sha256:{sha(APP)}")
    assert contents.bytes == len(BASE) + len(APP)
    assert [layer.entries for layer in contents.layers] == [52, 3]
    assert contents.config["config"] == {"Env": ["PATH=/bin"]}


def test_the_way_is_what_the_host_can(tmp_path: Path) -> None:
    for name, options, expected in (
        ("a", {}, "python"),
        ("b", {"python": False}, "stream"),
        ("c", {"python": False, "picky": False}, "stream"),
    ):
        host = FakeHost(tmp_path / name, **options)  # type: ignore[arg-type]
        host.image("app", LAYERS)
        store = Store(tmp_path / f"store-{name}")
        assert gather_contents(host.machine(), host.settings, "app", store).way == expected


def test_known_layers_do_not_travel_without_python(tmp_path: Path, store: Store) -> None:
    first = FakeHost(tmp_path / "first")
    first.image("base", [BASE])
    gather_contents(first.machine(), first.settings, "base", store)
    host = FakeHost(tmp_path / "second", python=False)
    host.image("app", LAYERS)
    contents = gather_contents(host.machine(), host.settings, "app", store)
    assert contents.way == "tar"
    assert contents.wire_bytes < len(BASE)


def test_nothing_is_read_that_is_known(tmp_path: Path, store: Store) -> None:
    one, two = FakeHost(tmp_path / "one"), FakeHost(tmp_path / "two")
    for host in (one, two):
        host.image("app", LAYERS)
    first = gather_contents(one.machine(), one.settings, "app", store)
    again = gather_contents(two.machine(), two.settings, "app", store)
    assert (again.way, again.wire_bytes, two.saves) == ("store", 0, 0)
    assert without(first) == without(again)


def test_a_known_layer_of_another_image_is_skipped_by_its_name(
    tmp_path: Path, store: Store
) -> None:
    host = FakeHost(tmp_path / "host")
    host.image("base", [BASE])
    gather_contents(host.machine(), host.settings, "base", store)
    host.image("app", LAYERS)
    contents = gather_contents(host.machine(), host.settings, "app", store)
    assert contents.way == "python"
    alone = gather_contents(host.machine(), host.settings, "app", Store(tmp_path / "other"))
    assert contents.wire_bytes < alone.wire_bytes - 300


def test_a_name_that_lies_costs_a_second_look_only(tmp_path: Path, store: Store) -> None:
    """A layer under the name that another one had on another host."""
    host = FakeHost(tmp_path / "host")
    host.image("base", [BASE], old_archive([BASE]))
    gather_contents(host.machine(), host.settings, "base", store)
    host.image("app", [APP, BASE], old_archive([APP, BASE]))
    contents = gather_contents(host.machine(), host.settings, "app", store)
    assert contents.digests == (f"sha256:{sha(APP)}", f"sha256:{sha(BASE)}")
    assert host.saves == 3


class TestTrouble:
    """Every failure is a `HostError` with the reason."""

    def refused(self, host: FakeHost, store: Store, way: Way | None = None) -> str:
        with pytest.raises(HostError) as caught:
            gather_contents(host.machine(), host.settings, "app", store, way=way)
        assert caught.value.kind == "shell"
        return str(caught.value)

    def test_no_such_image(self, tmp_path: Path, store: Store) -> None:
        assert "No such image: app" in self.refused(FakeHost(tmp_path / "host"), store)

    @pytest.mark.parametrize("way", ["python", "stream"])
    def test_a_save_that_fails(self, tmp_path: Path, store: Store, way: Way) -> None:
        host = FakeHost(tmp_path / "host")
        host.image("app", LAYERS)
        (host.folder / "app.tar").unlink()
        assert "no save of app" in self.refused(host, store, way)

    @pytest.mark.fault("images")
    @pytest.mark.parametrize("way", ["python", "stream", "tar"])
    def test_an_archive_cut_short(self, tmp_path: Path, store: Store, way: Way) -> None:
        host = FakeHost(tmp_path / "host")
        archive = oci_archive(LAYERS)
        host.image("app", LAYERS, archive[: len(archive) // 3])
        assert "could not be read" in self.refused(host, store, way)

    @pytest.mark.parametrize("way", ["python", "stream"])
    def test_a_broken_gzip(self, tmp_path: Path, store: Store, way: Way) -> None:
        host = FakeHost(tmp_path / "host")
        packed = [zipped(BASE), zipped(APP)[:-30]]
        host.image("app", LAYERS, oci_archive(LAYERS, packed))
        said = self.refused(host, store, way)
        assert f"layer {sha(APP)[:12]} could not be read" in said
        assert "gzip data" in said

    @pytest.mark.fault("images")
    def test_a_layer_that_is_not_what_the_image_says(self, tmp_path: Path, store: Store) -> None:
        host = FakeHost(tmp_path / "host")
        other = tar(("app/main", b"another"))
        host.image("app", LAYERS, oci_archive(LAYERS, [BASE, other]))
        assert "nothing with its digest" in self.refused(host, store)

    @pytest.mark.fault("images")
    def test_a_damaged_tar_in_a_layer(self, tmp_path: Path, store: Store) -> None:
        host = FakeHost(tmp_path / "host")
        bad = tar(("a", b"x"))[:1024] + b"\xff" * 512
        host.image("app", [bad])
        assert "a damaged header at byte 1024 after a" in self.refused(host, store)

    def test_a_host_without_docker(self, tmp_path: Path, store: Store) -> None:
        host = FakeHost(tmp_path / "host")
        (host.bin / "docker").unlink()
        assert "docker" in self.refused(host, store)

    def test_answers_that_are_not_dockers(self, tmp_path: Path, store: Store) -> None:
        host = FakeHost(tmp_path / "host")
        for text in ("nonsense", '{"Id": "x"}', '{"Id": "x", "RootFS": {"Layers": ["md5:1"]}}'):
            (host.folder / "app.json").write_text(text)
            assert "docker image inspect" in self.refused(host, store)

    def test_cancelled(self, tmp_path: Path, store: Store) -> None:
        host = FakeHost(tmp_path / "host")
        host.image("app", LAYERS)
        cancel = threading.Event()
        cancel.set()
        with pytest.raises(HostError) as caught:
            gather_contents(host.machine(), host.settings, "app", store, cancel=cancel)
        assert caught.value.kind == "cancelled"


@pytest.mark.fault("secret-printed")
def test_secrets_are_taken_out_before_anything_is_kept(tmp_path: Path, store: Store) -> None:
    host = FakeHost(tmp_path / "host")
    secret = "hunter2-secret"
    history = [{"created_by": f"|1 TOKEN={secret} /bin/sh -c x"}, {"created_by": "y"}]
    host.image("app", LAYERS, history=history, config={"Env": [f"TOKEN={secret}"]})
    redactor = Redactor({"TOKEN": secret})
    contents = gather_contents(host.machine(), host.settings, "app", store, redact=redactor.text)
    assert contents.config["config"] == {"Env": ["TOKEN=[build-arg TOKEN]"]}
    store.close()
    for path in (tmp_path / "store").rglob("*"):
        assert not path.is_file() or secret.encode() not in path.read_bytes()


def entry(layer: bytes, content: bytes, stored_as: str | None = None) -> Entry:
    return Entry(
        type="f",
        mode="644",
        uid=0,
        gid=0,
        size=len(content),
        mtime="0",
        sha256=sha(content),
        link=None,
        xattrs=None,
        layer=f"sha256:{sha(layer)}",
        stored_as=stored_as,
    )


@pytest.mark.parametrize("python", [True, False])
class TestFetch:
    """The one file that someone opens."""

    content = b"print('hello')\n"

    def test_from_the_image(self, tmp_path: Path, store: Store, python: bool) -> None:
        host = FakeHost(tmp_path / "host", python=python)
        host.image("app", LAYERS)
        one = entry(APP, self.content)
        found = fetch_file(host.machine(), host.settings, "app", store, "app/main", one)
        assert (found.data, found.size, found.complete) == (self.content, 15, True)
        found = fetch_file(host.machine(), host.settings, "app", store, "app/main", one, limit=5)
        assert (found.data, found.size, found.complete) == (b"print", 15, False)
        other = fetch_file(
            host.machine(),
            host.settings,
            "app",
            store,
            "shown",
            entry(APP, self.content, "app/main"),
        )
        assert other.data == self.content

    def test_what_cannot_be_had(self, tmp_path: Path, store: Store, python: bool) -> None:
        host = FakeHost(tmp_path / "host", python=python)
        host.image("app", LAYERS)
        for path, one, why in (
            ("none", entry(APP, self.content), "could not be read"),
            ("app/main", entry(APP, b"something else!"), "not what it was"),
            ("app/main", entry(b"", self.content), "has no layer"),
        ):
            with pytest.raises(HostError, match=why):
                fetch_file(host.machine(), host.settings, "app", store, path, one)

    def test_from_a_copy_when_the_image_is_gone(
        self, tmp_path: Path, store: Store, python: bool
    ) -> None:
        host = FakeHost(tmp_path / "host")
        host.image("app", LAYERS)
        folder = str(tmp_path / "copies")
        base = f"sha256:{sha(BASE)}"
        contents = gather_contents(
            host.machine(), host.settings, "app", store, copy_to=folder, base=[base]
        )
        assert contents.copied_bytes == len(APP)
        assert copies_of(store, APP) == (("fake", folder),)
        assert copies_of(store, BASE) == ()
        host.forget()
        if not python:
            (host.bin / "python3").unlink()
        one = entry(APP, self.content)
        found = fetch_from_copy(host.machine(), host.settings, folder, "app/main", one)
        assert found is not None
        assert found.data == self.content
        (Path(folder) / f"{sha(APP)}.tar").unlink()
        assert fetch_from_copy(host.machine(), host.settings, folder, "app/main", one) is None


def test_copies_are_bounded(tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    from cachetui.outputs import program

    monkeypatch.setattr(program, "COPY_BYTES", len(APP))
    host = FakeHost(tmp_path / "host")
    host.image("app", LAYERS, old_archive(LAYERS))
    folder = tmp_path / "copies"
    contents = gather_contents(host.machine(), host.settings, "app", store, copy_to=str(folder))
    assert contents.copied_bytes == len(APP)
    assert [path.name for path in folder.iterdir()] == [f"{sha(APP)}.tar"]


class TestCopies:
    """The folder of copies: bounded, the oldest go first, nothing unfinished stays."""

    def copy(self, folder: Path, content: bytes, most: int, *, end: bool = True) -> bool:
        copies = Copies(str(folder), [sha(content)], [], most)
        copies.begin("name")(content)
        kept = end and copies.end(sha(content))
        copies.drop()
        return kept

    def names(self, folder: Path) -> set[str]:
        return {path.name for path in folder.iterdir()}

    def test_the_oldest_make_room(self, tmp_path: Path) -> None:
        for age, content in enumerate((b"newest", b"older", b"oldest")):
            assert self.copy(tmp_path, content, 100)
            os.utime(tmp_path / f"{sha(content)}.tar", (1000 - age, 1000 - age))
        assert self.copy(tmp_path, b"another", 18)
        assert self.names(tmp_path) == {f"{sha(c)}.tar" for c in (b"another", b"newest", b"older")}
        assert not self.copy(tmp_path, b"larger than all", 10)

    def test_one_that_is_there_is_replaced(self, tmp_path: Path) -> None:
        assert self.copy(tmp_path, b"same", 100)
        assert self.copy(tmp_path, b"same", 100)
        assert self.names(tmp_path) == {f"{sha(b'same')}.tar"}

    def test_nothing_unfinished_stays(self, tmp_path: Path) -> None:
        assert not self.copy(tmp_path, b"half", 100, end=False)
        assert self.names(tmp_path) == set()
        (tmp_path / ".part-1-1").write_bytes(b"abandoned")
        os.utime(tmp_path / ".part-1-1", (1, 1))
        (tmp_path / ".part-2-2").write_bytes(b"another's, under way")
        self.copy(tmp_path, b"x", 100, end=False)
        assert self.names(tmp_path) == {".part-2-2"}


def test_what_is_streamed_is_copied_here(tmp_path: Path, store: Store) -> None:
    host = FakeHost(tmp_path / "host", python=False, picky=False)
    host.image("app", LAYERS)
    base = f"sha256:{sha(BASE)}"
    contents = gather_contents(
        host.machine(), host.settings, "app", store, copy_to="/none", base=[base]
    )
    assert (contents.way, contents.copied_bytes) == ("stream", 0)
    assert copies_of(store, APP) == (("", ""),)
    one = entry(APP, TestFetch.content)
    found = fetch_here(local_copies(store), "app/main", one)
    assert found is not None
    assert found.data == TestFetch.content
    (local_copies(store) / f"{sha(APP)}.tar").write_bytes(BASE)
    assert fetch_here(local_copies(store), "app/main", one) is None


def test_a_layer_whose_copy_was_missed_is_read_again(tmp_path: Path, store: Store) -> None:
    host = FakeHost(tmp_path / "host")
    host.image("app", LAYERS)
    folder = str(tmp_path / "copies")
    for saves in (1, 1):
        gather_contents(host.machine(), host.settings, "app", store, copy_to=folder)
        assert host.saves == saves
    (Path(folder) / f"{sha(APP)}.tar").unlink()
    lose_copy(store, f"sha256:{sha(APP)}")
    gather_contents(host.machine(), host.settings, "app", store)
    assert host.saves == 1  # who keeps no copies needs none
    gather_contents(host.machine(), host.settings, "app", store, copy_to=folder)
    assert host.saves == 2
    assert copies_of(store, APP) == (("fake", folder),)


def test_no_copies_where_there_can_be_none(tmp_path: Path, store: Store) -> None:
    host = FakeHost(tmp_path / "host")
    host.image("app", LAYERS)
    contents = gather_contents(host.machine(), host.settings, "app", store, copy_to="/proc/none")
    assert (contents.copied_bytes, contents.way) == (0, "python")
    assert copies_of(store, APP) == ()
