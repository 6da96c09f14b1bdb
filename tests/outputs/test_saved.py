"""What `docker save` prints, of each engine's shape: told by content, whatever it is called."""

from __future__ import annotations

import ast
import base64
import io
import json
import subprocess
import sys
import zlib
from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path

import pytest

from cachetui.outputs import program
from cachetui.outputs.remote.feed import Unreadable
from cachetui.outputs.remote.main import GREETING
from cachetui.outputs.remote.saved import MARK, alias, framed_parts, parts, read_files, read_image
from tests.outputs.tars import blocks, config, oci_archive, old_archive, sha, tar, zipped

BASE = tar(("bin", None), ("bin/sh", b"#!"))
APP = tar(("app", None), ("app/main", b"print()"), ("app/.wh.old", b""))
EMPTY = tar()
LAYERS = (BASE, APP, EMPTY, EMPTY)


def told(
    archive: bytes,
    layers: Iterable[bytes] = LAYERS,
    needed: Iterable[bytes] = LAYERS,
    skip: Iterable[str] = (),
) -> tuple[list[str], int]:
    """The marks of an image's lines, and how many lines are entries."""
    ids, wanted = [sha(one) for one in layers], {sha(one) for one in needed}
    lines = list(read_image(parts(blocks(archive)), ids, wanted, set(skip)))
    marks = [line[1:].decode() for line in lines if line[:1] == MARK]
    return marks, len(lines) - len(marks)


ARCHIVES = {
    "20.10": old_archive(LAYERS),
    "25": oci_archive(LAYERS),
    "containerd": oci_archive(LAYERS, [zipped(one) for one in LAYERS]),
}


@pytest.mark.parametrize("name", list(ARCHIVES))
def test_every_engines_archive_gives_the_same(name: str) -> None:
    marks, entries = told(ARCHIVES[name])
    ends = {mark.split("\t")[2]: mark.split("\t")[3:] for mark in marks if mark.startswith("end")}
    assert ends[sha(BASE)] == [str(len(BASE)), "2", "0", ""]
    assert ends[sha(APP)] == [str(len(APP)), "3", "0", ""]
    assert ends[sha(EMPTY)] == [str(len(EMPTY)), "0", "0", ""]
    (found,) = [mark.split("\t") for mark in marks if mark.startswith("config")]
    document = base64.b64decode(found[2])
    assert (sha(document), document) == (found[1], config(LAYERS))
    assert marks[-1] == "done"
    assert entries == 5


def test_layers_known_by_name_are_not_read() -> None:
    marks, entries = told(ARCHIVES["20.10"], needed=[APP], skip={f"{0:064x}"})
    assert f"layer\t{0:064x}" not in marks
    assert (marks[-1], entries) == ("done", 3)
    marks, entries = told(ARCHIVES["25"], needed=[APP], skip={sha(BASE), sha(EMPTY)})
    assert (marks[-1], entries) == ("done", 3)


def test_it_ends_as_soon_as_all_is_found() -> None:
    archive = ARCHIVES["25"] + b"never looked at" * 100
    assert told(archive, needed=[])[0][-1] == "done"


def test_what_is_not_there_is_not_done() -> None:
    other = tar(("other", b"x"))
    marks, _ = told(ARCHIVES["25"], layers=[BASE, other], needed=[BASE, other])
    assert "done" not in marks
    assert not any(mark.startswith("config") for mark in marks)


def test_a_layer_whose_first_name_looks_like_json() -> None:
    odd = tar(("{", b"x"), ("[", b"y"))
    marks, entries = told(oci_archive([odd]), [odd], [odd])
    assert (marks[-1], entries) == ("done", 2)


def test_the_configuration_of_another_platform_is_not_taken() -> None:
    other = config([APP], architecture="arm64")
    archive = tar(("blobs/sha256/0", other), ("blobs/sha256/1", config([BASE])), ("l", BASE))
    marks, _ = told(archive, [BASE], [BASE])
    assert marks[0].split("\t")[1] == sha(config([BASE]))


def test_a_broken_layer_is_told_and_the_next_is_read() -> None:
    broken = zipped(BASE)[:-20]
    marks, _ = told(tar(("a", broken), ("b", APP), ("c", config([APP]))), [APP], [APP])
    assert "its gzip data" in next(mark for mark in marks if mark.startswith("end\ta"))
    assert marks[-1] == "done"


def test_an_archive_cut_short() -> None:
    with pytest.raises(Unreadable):
        told(ARCHIVES["25"][: len(ARCHIVES["25"]) // 2])


@pytest.mark.fault("images")
def test_json_that_nests_too_deeply_is_no_configuration() -> None:
    deep = b"[" * 200_000
    assert (
        told(tar(("a", deep), ("b", config([BASE])), ("c", BASE)), [BASE], [BASE])[0][-1] == "done"
    )


def test_aliases() -> None:
    assert alias(b"blobs/sha256/abc") == "abc"
    assert alias(b"123/layer.tar") == "123"
    assert alias(b"layer.tar") == "layer.tar"


def test_framed_parts() -> None:
    data = b"a/b\t3\nabcname\ttab\t0\nlast\t2\nxy"
    found = [
        (name, size, b"".join(map(bytes, c))) for name, size, c in framed_parts(blocks(data, 2))
    ]
    assert found == [(b"a/b", 3, b"abc"), (b"name\ttab", 0, b""), (b"last", 2, b"xy")]
    for bad in (b"a", b"a\tx\n", b"a\t-1\n", b"x" * 5000):
        with pytest.raises(Unreadable):
            list(framed_parts([bad]))


def test_files_are_taken_out_of_their_layer_only() -> None:
    other = tar(("app/main", b"another"))
    archive = oci_archive([other, APP])
    lines = list(read_files(parts(blocks(archive)), sha(APP), [b"app/main", b"none"], set(), 4))
    words = [line[1:].decode().split("\t") for line in lines]
    assert words == [["file", "app/main", "7", base64.b64encode(b"prin").decode()], ["done"]]


def run_program(request: dict[str, object], *python: str) -> tuple[bytes, list[bytes]]:
    """Run the program as a host would; what stood before its greeting, and its lines."""
    command = program.program_command(request)
    if python:
        command = command.replace("exec python3", f"exec {python[0]}")
    done = subprocess.run(["sh", "-c", command], capture_output=True, check=False, timeout=60)
    before, _, packed = done.stdout.partition(GREETING)
    assert done.returncode == 0, done.stderr
    return before, zlib.decompress(packed).splitlines()


@pytest.mark.parametrize("name", list(ARCHIVES))
def test_the_program_says_what_we_would(name: str, tmp_path: Path) -> None:
    path = tmp_path / "save.tar"
    path.write_bytes(ARCHIVES[name])
    ids = [sha(one) for one in LAYERS]
    copies = tmp_path / "copies"
    request = program.image_request(f"cat {path}", ids, ids, [], [sha(APP)], str(copies))
    _, lines = run_program(request)
    here = list(read_image(parts(blocks(ARCHIVES[name])), ids, set(ids)))
    told_there = [
        line for line in lines if not line.startswith((MARK + b"copied", MARK + b"saved"))
    ]
    assert told_there == here
    assert lines[-1] == MARK + b"saved\t0\t\t"
    (copy,) = copies.iterdir()
    assert (copy.name, copy.read_bytes()) == (f"{sha(APP)}.tar", APP)
    assert copies.stat().st_mode & 0o777 == 0o700


def test_the_program_tells_what_docker_says(tmp_path: Path) -> None:
    request = program.image_request("echo No such image >&2; exit 3", [], [], [])
    assert run_program(request)[1] == [MARK + b"saved\t3\tNo such image\t"]
    path = tmp_path / "save.tar"
    path.write_bytes(ARCHIVES["25"][:5000])
    request = program.image_request(f"cat {path}", ["0"], ["0"], [])
    assert b"too early" in run_program(request)[1][-1]


def test_the_program_is_python_3_6() -> None:
    """Its syntax here; other interpreters run it where there are any (`docs/outputs.md`)."""
    folder = files("cachetui.outputs.remote")
    for name in program._MODULES:
        text = (folder / f"{name}.py").read_text()
        tree = ast.parse(text, feature_version=(3, 6))
        imported = {
            (node.module or "").split(".")[0]
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom)
        }
        imported |= {
            one.name
            for node in ast.walk(tree)
            if isinstance(node, ast.Import)
            for one in node.names
        }
        assert imported <= {*sys.stdlib_module_names, "cachetui", "zstandard", "compression"}


OLD = sorted(Path.home().glob(".pyenv/versions/3.[6-9].*/bin/python3"))


@pytest.mark.parametrize("python", OLD, ids=lambda path: path.parts[-3])
def test_older_pythons_run_it(python: Path, tmp_path: Path) -> None:
    path = tmp_path / "save.tar"
    path.write_bytes(ARCHIVES["containerd"])
    ids = [sha(one) for one in LAYERS]
    _, lines = run_program(program.image_request(f"cat {path}", ids, ids, []), str(python))
    assert MARK + b"done" in lines


def test_streaming_holds_back_what_docker_says() -> None:
    command = program.stream_command("sh -c 'echo data; echo oops >&2; exit 4'")
    done = subprocess.run(["sh", "-c", command], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (4, b"")
    assert done.stdout == b"data\n" + program.FAILED + b"4: oops"
    command = program.stream_command("echo data")
    done = subprocess.run(["sh", "-c", command], capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (0, b"data\n")


def test_tar_picks_files_out_of_a_stream(tmp_path: Path) -> None:
    path = tmp_path / "save.tar"
    path.write_bytes(ARCHIVES["25"])
    save = f"cat {path}"
    listed = subprocess.run(
        ["sh", "-c", program.list_command(save)], capture_output=True, check=True
    )
    (manifest,) = json.loads(listed.stdout)
    command = program.pick_command(save, [manifest["Config"], manifest["Layers"][1]])
    picked = subprocess.run(["sh", "-c", command], capture_output=True, check=True).stdout
    lines = list(read_image(framed_parts([picked]), [sha(one) for one in LAYERS], {sha(APP)}))
    assert lines[-1] == MARK + b"done"


def test_nothing_of_the_program_can_be_read_as_shell() -> None:
    command = program.program_command({"save": "x", "odd": "'\n\\$(reboot)`CACHETUI-PROGRAM"})
    body = command.split("\n")
    assert body[-2] == "CACHETUI-PROGRAM"
    assert body.count("CACHETUI-PROGRAM") == 1
    assert io.StringIO(command).readline().endswith("<<'CACHETUI-PROGRAM'\n")
