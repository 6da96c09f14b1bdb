"""The context as it is read and as its tar unpacks again."""

from __future__ import annotations

import io
import os
import socket
import subprocess
import tarfile
from pathlib import Path

import pytest

from cachetui.context.build_context import Context, read_context
from cachetui.context.manifest import ContextError


def folder(root: Path, **files: str) -> Path:
    root.mkdir(exist_ok=True)
    for name, text in {"Dockerfile": "FROM base:1\n", **files}.items():
        path = root / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def sent(context: Context) -> set[str]:
    return {e.path for e in context.entries if e.kind != "dir"}


def unpack(context: Context, to: Path) -> Path:
    to.mkdir()
    with tarfile.open(fileobj=io.BytesIO(b"".join(context.tar_members()))) as tar:
        # An attribute, because Debian 12's Python (3.11.2) has no `filter` argument yet.
        tar.extraction_filter = lambda member, _path: member
        tar.extractall(to)
    return to


def test_manifest_and_tar_agree(tmp_path: Path) -> None:
    root = folder(tmp_path / "c", a="1", sub__b="22", **{"x" * 150: "long name"})
    (root / "sub" / "b").chmod(0o4751)
    (root / "sub").chmod(0o2750)
    (root / "s").symlink_to("nowhere/else")
    os.link(root / "a", root / "z-hard")
    os.mkfifo(root / "pipe")
    context = read_context(root)
    again = read_context(unpack(context, tmp_path / "out") / "context")
    assert again.entries == context.entries
    assert again.digest == context.digest
    kinds = {e.path: e.kind for e in context.entries}
    assert kinds["context/z-hard"] == "link"
    assert kinds["context/s"] == "symlink"
    assert kinds["context/pipe"] == "fifo"


def test_mode_and_content_and_name_change_the_digest_but_times_do_not(tmp_path: Path) -> None:
    root = folder(tmp_path / "c", a="1")
    first = read_context(root).digest
    os.utime(root / "a", (1, 1))
    assert read_context(root).digest == first
    (root / "a").chmod(0o600)
    by_mode = read_context(root).digest
    (root / "a").write_text("2")
    by_content = read_context(root).digest
    (root / "a").rename(root / "b")
    assert len({first, by_mode, by_content, read_context(root).digest}) == 4


def test_dockerignore_as_docker(tmp_path: Path) -> None:
    root = folder(tmp_path / "c", a="1", logs__x="1", logs__keep="1", deep__n__y="1", b="1")
    (root / ".dockerignore").write_text("# note\n*\n!a\n!logs/keep\n!deep\n")
    assert sent(read_context(root)) == {
        "context/a",
        "context/logs/keep",
        "context/deep/n/y",
        "context/Dockerfile",  # sent although ignored: docker needs it
        "context/.dockerignore",
    }


def test_what_only_one_backend_ignores_is_sent(tmp_path: Path) -> None:
    root = folder(tmp_path / "c", legacy="1", buildkit="1", neither="1")
    (root / ".dockerignore").write_text("buildkit\nneither\n")
    (root / "Dockerfile.dockerignore").write_text("legacy\nneither\n")
    files = sent(read_context(root))
    assert {"context/legacy", "context/buildkit"} <= files
    assert "context/neither" not in files


def test_dockerfile_from_elsewhere_goes_beside_the_context(tmp_path: Path) -> None:
    root = folder(tmp_path / "c")
    other = tmp_path / "other.Dockerfile"
    other.write_text("FROM other\n")
    context = read_context(root, "../other.Dockerfile")
    assert context.dockerfile == "Dockerfile"
    assert context.dockerfile_text == "FROM other\n"
    assert (unpack(context, tmp_path / "out") / "Dockerfile").read_text() == "FROM other\n"


def test_a_file_that_changes_is_not_sent_as_it_was(tmp_path: Path) -> None:
    root = folder(tmp_path / "c", a="before")
    context = read_context(root)
    (root / "a").write_text("after!")
    with pytest.raises(ContextError, match="changed while it was being sent"):
        b"".join(context.tar_members())


def test_odd_names_survive(tmp_path: Path) -> None:
    root = folder(tmp_path / "c")
    for name in (b"\xff\xfe", b"a b\nc", "é…".encode()):
        with open(os.path.join(os.fsencode(root), name), "w") as file:
            file.write("x")
    context = read_context(root)
    again = read_context(unpack(context, tmp_path / "out") / "context")
    assert again.digest == context.digest


def test_sockets_are_left_out_and_said(tmp_path: Path) -> None:
    root = folder(tmp_path / "c")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(root / "s"))
        context = read_context(root)
    assert context.left_out == ("s",)


@pytest.mark.parametrize(
    ("prepare", "says"),
    [
        (lambda root: (root / "Dockerfile").unlink(), "no Dockerfile at"),
        (lambda root: (root / "Dockerfile").write_bytes(b"\xff\xfe"), "not UTF-8"),
        (lambda root: (root / ".dockerignore").write_text("[a\n"), r"\.dockerignore"),
    ],
)
def test_errors_name_the_place(tmp_path: Path, prepare: object, says: str) -> None:
    root = folder(tmp_path / "c")
    prepare(root)  # type: ignore[operator]
    with pytest.raises(ContextError, match=says):
        read_context(root)


def test_a_missing_folder_and_a_file_for_a_folder(tmp_path: Path) -> None:
    with pytest.raises(ContextError, match="does not exist"):
        read_context(tmp_path / "none")
    (tmp_path / "f").write_text("")
    with pytest.raises(ContextError, match="is a file"):
        read_context(tmp_path / "f")


def test_a_dockerfile_from_standard_input_is_refused(tmp_path: Path) -> None:
    root = folder(tmp_path / "c")
    with pytest.raises(ContextError, match="cannot come from standard input"):
        read_context(root, "-")
    (root / "-").write_text("FROM base:1\n")
    assert read_context(root, "-").dockerfile == "context/-"


def test_a_dockerfile_that_each_host_would_fetch_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ContextError, match="is a URL, which each host would fetch"):
        read_context(folder(tmp_path / "c"), "https://example.com/Dockerfile")


def test_a_dockerfile_s_text_is_sent_beside_the_context(tmp_path: Path) -> None:
    root = folder(tmp_path / "c", a="1")
    context = read_context(root, inline="FROM base:1\n# ä\n")
    sent = unpack(context, tmp_path / "out")
    assert (sent / context.dockerfile).read_text("utf-8") == "FROM base:1\n# ä\n"
    assert context.dockerfile == "Dockerfile"
    assert context.digest != read_context(root, inline="FROM base:2\n# ä\n").digest


@pytest.mark.parametrize("nanoseconds", [0, 1, 999_999_999, 1_760_000_000_123_456_789])
def test_times_keep_their_nanoseconds(tmp_path: Path, nanoseconds: int) -> None:
    root = folder(tmp_path / "c", a="1", **{"x" * 150: "a long name"})
    for name in ("a", "x" * 150):
        os.utime(root / name, ns=(nanoseconds, nanoseconds))
    out = tmp_path / "out"
    out.mkdir()
    sent_tar = b"".join(read_context(root).tar_members()) + b"\0" * 1024
    subprocess.run(["tar", "-xpf", "-", "-C", str(out)], input=sent_tar, check=True)
    for name in ("a", "x" * 150):
        assert (out / "context" / name).stat().st_mtime_ns == nanoseconds
