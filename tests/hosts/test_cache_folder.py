"""A local cache in a folder of this machine: whole, damaged, missing, or none."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cachetui.builders.cache_source import CacheSource
from cachetui.config.settings import HostSettings
from cachetui.hosts import cache_folder
from cachetui.hosts.connect import Connector
from cachetui.hosts.found_cache import FoundCache
from cachetui.hosts.machine import HostError, Machine
from cachetui.hosts.shared_cache import read_cache

HOST = HostSettings(name="here", address="local")


@pytest.fixture
def machine() -> Iterator[Machine]:
    machine = Connector().connect(HOST)
    yield machine
    machine.close()


class Folder:
    """A cache of two layers, as BuildKit lays it out."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.blobs = path / "blobs" / "sha256"
        self.blobs.mkdir(parents=True)
        self.layers = [self.add(b"one" * 100), self.add(b"two" * 100)]
        names = [{"blob": layer["digest"]} for layer in self.layers]
        made = [{"layer": 1, "createdAt": "2026-10-02T10:00:00.5Z"}]
        records: list[Any] = [{}, {"inputs": [[{"link": 0}]], "layers": made}]
        self.config = self.add(json.dumps({"layers": names, "records": records}).encode())
        self.config["mediaType"] = "application/vnd.buildkit.cacheconfig.v0"
        self.manifest = self.add(
            json.dumps({"config": self.config, "layers": self.layers}).encode()
        )
        self.manifest["annotations"] = {"org.opencontainers.image.ref.name": "latest"}
        (path / "index.json").write_text(json.dumps({"manifests": [self.manifest]}))

    def add(self, data: bytes) -> dict[str, Any]:
        digest = hashlib.sha256(data).hexdigest()
        (self.blobs / digest).write_bytes(data)
        return {"digest": f"sha256:{digest}", "size": len(data)}

    def file(self, blob: dict[str, Any]) -> Path:
        return self.blobs / str(blob["digest"]).removeprefix("sha256:")


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "a cache's folder")


def read(machine: Machine, folder: Folder, **source: str) -> FoundCache:
    return read_cache(machine, HOST, CacheSource(str(folder.path), local=True, **source))


def error(machine: Machine, folder: Folder, **source: str) -> HostError:
    with pytest.raises(HostError) as caught:
        read(machine, folder, **source)
    assert caught.value.remedy
    return caught.value


def test_a_whole_one(machine: Machine, folder: Folder) -> None:
    found = read(machine, folder)
    assert (found.kind, found.digest) == ("local", folder.manifest["digest"])
    assert (found.problems, found.notes) == ((), ())
    [part] = found.parts
    assert [blob.bytes for blob in part.layers] == [300, 300]
    assert part.graph.keys[1].results == (((1,), 1790935200.5),)
    assert read(machine, folder, digest=folder.manifest["digest"]) == found


def test_a_tag_that_is_not_there(machine: Machine, folder: Folder) -> None:
    assert "no tag main; there are: latest" in error(machine, folder, tag="main").reason


def test_a_flipped_byte_in_a_layer(machine: Machine, folder: Folder) -> None:
    file = folder.file(folder.layers[0])
    file.write_bytes(b"X" + file.read_bytes()[1:])
    [problem] = read(machine, folder).problems
    assert problem.startswith("damaged, 1 of 2 layers: ")
    assert f"{folder.layers[0]['digest'][:19]} does not match its digest" in problem


def test_a_layer_cut_short_and_one_that_is_missing(machine: Machine, folder: Folder) -> None:
    file = folder.file(folder.layers[0])
    file.write_bytes(file.read_bytes()[:10])
    folder.file(folder.layers[1]).unlink()
    [problem] = read(machine, folder).problems
    assert problem.startswith("damaged, 2 of 2 layers: ")
    assert "has 10 bytes, not 300" in problem
    assert "is missing" in problem


@pytest.mark.parametrize("which", ["config", "manifest"])
def test_a_damaged_description(machine: Machine, folder: Folder, which: str) -> None:
    file = folder.file(getattr(folder, which))
    file.write_bytes(file.read_bytes()[:-1] + b" ")
    assert "is damaged" in error(machine, folder).reason
    file.unlink()
    assert "is cut short" in error(machine, folder).reason


def test_keys_that_name_layers_which_are_not_there(machine: Machine, folder: Folder) -> None:
    config = {**folder.config}
    manifest = folder.add(json.dumps({"config": config, "layers": folder.layers[:1]}).encode())
    (folder.path / "index.json").write_text(json.dumps({"manifests": [manifest]}))
    [problem] = read(machine, folder).problems
    assert "lacks 1 of the layers" in problem


def test_what_is_no_cache(machine: Machine, folder: Folder, tmp_path: Path) -> None:
    config = folder.add(b"{}")
    image = folder.add(json.dumps({"config": config, "layers": []}).encode())
    (folder.path / "index.json").write_text(json.dumps({"manifests": [image]}))
    assert "is an image, not a cache" in error(machine, folder).reason
    (folder.path / "index.json").write_text('{"manifests":[{"digest":"sha256:../../x"}]}')
    assert "no SHA-256 digest" in error(machine, folder).reason
    (folder.path / "index.json").unlink()
    assert "holds no cache" in error(machine, folder).reason
    folder.path = tmp_path / "-nowhere"
    assert "cannot be read" in error(machine, folder).reason


def test_a_file_without_end_is_not_read(machine: Machine, folder: Folder) -> None:
    (folder.path / "index.json").unlink()
    (folder.path / "index.json").symlink_to("/dev/zero")
    assert "holds no cache" in error(machine, folder).reason
    (folder.path / "index.json").unlink()
    os.mkfifo(folder.path / "index.json")
    assert "holds no cache" in error(machine, folder).reason


def test_a_file_too_large_is_read_within_limits(machine: Machine, folder: Folder) -> None:
    with (folder.path / "index.json").open("r+b") as file:
        file.truncate(1 << 36)
    assert "larger than 32 MiB" in error(machine, folder).reason


def test_checksums_that_take_too_long_are_left_out(
    machine: Machine, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache_folder, "SUM_SECONDS", 0.0)
    found = read(machine, folder)
    assert found.problems == ()
    assert found.notes == ("the content of its layers was not checked against their digests",)
