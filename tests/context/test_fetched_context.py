"""Contexts that are no folder: one commit of a repository, a tarball of a file or URL."""

from __future__ import annotations

import functools
import gc
import http.server
import io
import os
import signal
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from cachetui.config.context_source import GitSource, git_source, name_of, why_not_fetched
from cachetui.context.build_context import Context
from cachetui.context.fetched_context import ARCHIVE, read_fetched
from cachetui.context.manifest import ContextError
from tests.git_server import commit, git, served
from tests.hosts.sshd import until

FILES = {"Dockerfile": "FROM base:1\nCOPY . /x\n", ".dockerignore": "a\n", "a": "a", "s/b": "b"}


@pytest.fixture
def root(tmp_path: Path) -> Iterator[str]:
    """The URL below which repositories of the folder `git` are served."""
    (tmp_path / "git").mkdir()
    with served(tmp_path / "git") as url:
        yield url


def members(context: Context) -> dict[str, tarfile.TarInfo]:
    """What docker gets on standard input."""
    assert context.fetched is not None
    with tarfile.open(context.fetched.archive) as tar:
        return {member.name: member for member in tar}


def test_one_commit_of_a_repository(tmp_path: Path, root: str) -> None:
    first = commit(tmp_path / "git/r", FILES)
    git(tmp_path / "git/r", "tag", "-m", "one", "v1")
    git(tmp_path / "git/r", "tag", "both")
    git(tmp_path / "git/r", "branch", "both")
    url = f"{root}/r/.git"
    commit(tmp_path / "git/r", {"a": "second"})
    last = git(tmp_path / "git/r", "rev-parse", "main")
    for ref, wanted in (("", last), ("main", last), ("v1", first), (first, first), ("both", first)):
        context = read_fetched(f"{url}#{ref}" if ref else url)
        assert context.fetched is not None
        assert context.fetched.source == f"{url}#{wanted}"
        assert any(f"{url}#{wanted}" in note for note in context.fetched.notes)
        found = members(context)
        assert sorted(found) == [".", ".dockerignore", "Dockerfile", "a", "s", "s/b"]
        assert {(each.uid, each.gid) for each in found.values()} == {(0, 0)}
        assert {found[name].mode for name in (".", "s")} == {0o755}
        sent = {entry.path for entry in context.entries}
        assert {"Dockerfile", "Dockerfile.dockerignore", "context/.dockerignore"} <= sent
        assert set(context.ignore_files) == {"Dockerfile.dockerignore", "context/.dockerignore"}


def test_the_same_commit_is_the_same_context(tmp_path: Path, root: str) -> None:
    commit(tmp_path / "git/r", FILES)
    one, two = (read_fetched(f"{root}/r/.git") for _ in range(2))
    assert one.digest == two.digest
    commit(tmp_path / "git/r", {"a": "other"})
    assert read_fetched(f"{root}/r/.git").digest != one.digest


def test_a_folder_of_it_with_its_submodules(tmp_path: Path, root: str) -> None:
    commit(tmp_path / "git/sub", {"deep": "text"})
    commit(tmp_path / "git/r", {f"in/{name}": text for name, text in FILES.items()})
    git(tmp_path / "git/r", "submodule", "add", "-q", f"{root}/sub/.git", "in/m")
    commit(tmp_path / "git/r", {"other": "x"})
    context = read_fetched(f"{root}/r/.git#main:in")
    assert {"m/deep", "m/.git", "a"} <= set(members(context))
    assert "other" not in members(context)
    assert context.fetched is not None
    assert any("submodules" in note for note in context.fetched.notes)


def test_a_submodule_of_this_machine_is_refused(tmp_path: Path, root: str) -> None:
    commit(tmp_path / "git/sub", {"deep": "text"})
    commit(tmp_path / "git/r", FILES)
    local = str(tmp_path / "git/sub")
    git(tmp_path / "git/r", "-c", "protocol.file.allow=always", "submodule", "add", "-q", local)
    commit(tmp_path / "git/r", {"other": "x"})
    with pytest.raises(ContextError, match="transport 'file' not allowed"):
        read_fetched(f"{root}/r/.git")


def test_the_users_hooks_and_line_endings_have_no_part(
    tmp_path: Path, root: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit(tmp_path / "git/r", FILES)
    hook = tmp_path / "hooks/post-checkout"
    hook.parent.mkdir()
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    hook.chmod(0o755)
    config = tmp_path / "config"
    config.write_text(f"[core]\nhooksPath = {hook.parent}\nautocrlf = true\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    context = read_fetched(f"{root}/r/.git")
    assert context.dockerfile_text == FILES["Dockerfile"]
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("end", "dockerfile", "why"),
    [
        ("/r/.git#nope", "Dockerfile", "has no branch, tag or commit nope; git ls-remote"),
        (f"/r/.git#{'a' * 40}", "Dockerfile", "has no commit a{40}"),
        ("/r/.git#main:nope", "Dockerfile", "that commit has no folder nope"),
        ("/r/.git#main:a", "Dockerfile", "that commit has no folder a"),
        ("/r/.git#main:out", "Dockerfile", "that commit has no folder out"),
        ("/r/.git#main:../x", "Dockerfile", "leaves the repository"),
        ("/r/.git#--upload-pack=x", "Dockerfile", "none begins with -"),
        ("/r/.git?ref=main", "Dockerfile", "has a query"),
        ("/r/.git#main:s", "Dockerfile", "has no Dockerfile at Dockerfile; name it with -f"),
        ("/r/.git", "/etc/passwd", "is not in .*give its path in there"),
        ("/r/.git", "../Dockerfile", "is not in"),
        ("/r/.git", "link", "is a link to a file outside it"),
        ("/none/.git", "Dockerfile", "cannot be cloned: fatal: "),
        ("/empty/.git", "Dockerfile", "has no commit yet"),
    ],
)
def test_what_is_wrong_is_told(
    tmp_path: Path, root: str, end: str, dockerfile: str, why: str
) -> None:
    repository = tmp_path / "git/r"
    commit(repository, FILES)
    (repository / "out").symlink_to("/")
    (repository / "link").symlink_to("/etc/passwd")
    commit(repository, {"more": ""})
    (tmp_path / "git/empty").mkdir()
    git(tmp_path / "git/empty", "init", "-q")
    with pytest.raises(ContextError, match=why):
        read_fetched(f"{root}{end}", dockerfile)


def test_without_git(tmp_path: Path, root: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ContextError, match="has no git; install git, or name the folder"):
        read_fetched(f"{root}/r/.git")


class _WantsLogin(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(401)
        self.send_header("WWW-Authenticate", 'Basic realm="x"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def web(tmp_path: Path) -> Iterator[str]:
    """The URL of the folder `web`."""
    (tmp_path / "web").mkdir()
    handler = functools.partial(_Quiet, directory=str(tmp_path / "web"))
    with _serving(handler) as url:
        yield url


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


class _serving:
    """A web server on a loopback address."""

    def __init__(self, handler: object) -> None:
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)  # type: ignore[arg-type]
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)

    def __enter__(self) -> str:
        self.thread.start()
        return f"http://127.0.0.1:{self.server.server_port}"

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


def test_a_repository_that_wants_a_login_asks_nobody() -> None:
    with (
        _serving(_WantsLogin) as url,
        pytest.raises(ContextError, match="requires a login, and git has none for it here"),
    ):
        read_fetched(f"{url}/r.git")


def ssh_that(monkeypatch: pytest.MonkeyPatch, folder: Path, script: str) -> None:
    """Have git reach servers by this script; its last argument is what the server would run."""
    program = folder / "ssh"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("GIT_SSH_COMMAND", str(program))
    monkeypatch.setenv("GIT_SSH_VARIANT", "ssh")


@pytest.mark.parametrize(
    "url", ["ssh://me@git.example.com:2222{}#main:s", "git@git.example.com:{}#main:s"]
)
def test_a_repository_behind_ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    known = commit(tmp_path / "repo", {"s/Dockerfile": "FROM base:1\n", "other": "x"})
    ssh_that(
        monkeypatch,
        tmp_path,
        f'echo "$*" >{tmp_path}/asked; shift $(($# - 1)); exec sh -c "$1"',
    )
    context = read_fetched(url.format(tmp_path / "repo"))
    assert context.fetched is not None
    assert context.fetched.source == url.format(tmp_path / "repo").replace("main", known)
    assert {entry.path for entry in context.entries if entry.kind == "file"} >= {
        "context/Dockerfile"
    }
    asked = (tmp_path / "asked").read_text()
    assert ("-p 2222 me@" if "2222" in url else "git@") + "git.example.com" in asked


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("Host key verification failed.", "ssh does not know the key of that host here; connect"),
        (
            "@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\n"
            "Host key verification failed.",
            "ssh here knows another key of that host; find out why",
        ),
        (
            "ssh: Could not resolve hostname git.example.com: Name or service not known",
            "cannot be cloned: ssh: Could not resolve hostname git.example.com: Name or",
        ),
        (
            "ssh: connect to host git.example.com port 22: Connection refused",
            "cannot be cloned: ssh: connect to host git.example.com port 22: Connection refused",
        ),
        ("git@git.example.com: Permission denied (publickey).", "requires a login"),
    ],
)
def test_why_ssh_does_not_reach_a_repository_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, told: str
) -> None:
    (tmp_path / "said").write_text(f"{said}\n")
    ssh_that(monkeypatch, tmp_path, f"cat {tmp_path}/said >&2; exit 255")
    for ref in ("", "#main", "#" + "a" * 40):
        with pytest.raises(ContextError) as error:
            read_fetched(f"git@git.example.com:team/app.git{ref}")
        assert str(error.value).startswith("git@git.example.com:team/app.git")
        assert told in str(error.value)


def tar_of(file: Path, **owner: int) -> Path:
    with tarfile.open(file, "w:gz") as tar:
        for name, text in FILES.items():
            info = tarfile.TarInfo(f"./{name}")
            info.size = len(text)
            for field, value in owner.items():
                setattr(info, field, value)
            tar.addfile(info, io.BytesIO(text.encode()))
    return file


def test_a_tarball(tmp_path: Path, web: str, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tar_of(tmp_path / "web/t.tgz", uid=1000)
    of_file = read_fetched(str(file))
    of_url = read_fetched(f"{web}/t.tgz?token=secret")
    with file.open("rb") as opened:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(opened))
        of_stdin = read_fetched("-")
    assert of_file.digest == of_url.digest == of_stdin.digest
    assert {each.uid for each in members(of_file).values()} == {1000}
    assert list(of_file.ignore_files) == ["Dockerfile.dockerignore"]  # the legacy builder has none
    assert of_url.fetched is not None
    assert of_url.fetched.source.startswith(f"{web}/t.tgz?… (sha256:")
    assert read_fetched(str(tar_of(tmp_path / "o.tgz", uid=0))).digest != of_file.digest
    sent = b"".join(of_file.tar_members()) + b"\0" * 1024
    with tarfile.open(fileobj=io.BytesIO(sent)) as tar:
        assert ARCHIVE in tar.getnames()


def test_what_is_wrong_with_a_tarball_is_told(tmp_path: Path, web: str) -> None:
    (tmp_path / "web/page").write_text("<html>")
    for source, why in (
        (f"{web}/none.tgz", "cannot be fetched on this machine: HTTP Error 404.*name the file"),
        (f"{web}/page", "is not a tarball"),
        ("http://127.0.0.1:1/x.tgz", "cannot be fetched on this machine"),
        (str(tmp_path / "none.tgz"), "does not exist"),
        (str(tar_of(tmp_path / "t.tgz")), "has no Dockerfile at other"),
    ):
        with pytest.raises(ContextError, match=why):
            read_fetched(source, "other")


def test_our_folder_goes_with_the_context(tmp_path: Path) -> None:
    context = read_fetched(str(tar_of(tmp_path / "t.tgz")))
    assert context.fetched is not None
    archive = context.fetched.archive
    assert archive.is_file()
    del context
    gc.collect()
    assert until(lambda: not archive.parent.exists(), 60)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL, None])
def test_our_folder_goes_with_the_process(tmp_path: Path, how: signal.Signals | None) -> None:
    file = tar_of(tmp_path / "t.tgz")
    code = (
        "import sys, time\nfrom cachetui.context.fetched_context import read_fetched\n"
        f"context = read_fetched({str(file)!r})\nprint(context.fetched.archive, flush=True)\n"
        "sys.stdin.read()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    archive = Path(process.stdout.readline().strip())
    assert archive.is_file()
    if how is not None:
        os.kill(process.pid, how)
    process.communicate(timeout=20)
    assert process.returncode == (-how if how is not None else 0)
    assert until(lambda: not archive.parent.exists(), 60)


def test_references_are_taken_apart() -> None:
    assert git_source("github.com/a/b") == GitSource("https://github.com/a/b")
    assert git_source("git@h:a/b.git#v1:x/y/") == GitSource("git@h:a/b.git", "v1", "x/y")
    names = {name_of(text) for text in ("git@h:a/b.git#v1:x", "https://h/b.tar.gz?x", "./b.tgz")}
    assert names == {"b"}
    for text in ("https://token@h/b.git", "https://u:p@h/b.tgz", "ssh://u:p@h/b.git"):
        assert "credential" in why_not_fetched(text)
    assert why_not_fetched("ssh://git@h/b.git") == ""
