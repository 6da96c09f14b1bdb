"""A git repository that is served on a loopback address, as `git://`."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tests.lab.sshd import free_port

_ADDRESS = "127.0.0.1"
_READY_SECONDS = 20.0


def git(folder: Path, *words: str) -> str:
    """What git prints in a folder, as a user with no settings of their own."""
    env = {
        **{name: value for name, value in os.environ.items() if not name.startswith("GIT_")},
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_CONFIG_NOSYSTEM": "1",
    }
    who = ("-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "init.defaultBranch=main")
    done = subprocess.run(
        ["git", *who, "-C", str(folder), *words],
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def commit(repository: Path, files: Mapping[str, str], message: str = "files") -> str:
    """Write and commit files in a repository, which is made where there is none; the commit."""
    repository.mkdir(parents=True, exist_ok=True)
    if not (repository / ".git").is_dir():
        git(repository, "init", "-q")
    for name, text in files.items():
        (repository / name).parent.mkdir(parents=True, exist_ok=True)
        (repository / name).write_text(text)
    git(repository, "add", "-A")
    git(repository, "commit", "-q", "-m", message)
    return git(repository, "rev-parse", "HEAD")


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """While the body runs, repositories below the folder are at the URL that is given."""
    port = free_port(_ADDRESS)
    words = [f"--base-path={folder}", f"--listen={_ADDRESS}", f"--port={port}", "--export-all"]
    server = subprocess.Popen(
        ["git", "daemon", "--reuseaddr", *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _wait(port)
        yield f"git://{_ADDRESS}:{port}"
    finally:
        os.killpg(server.pid, 15)
        server.wait(10)


def _wait(port: int) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while True:
        try:
            socket.create_connection((_ADDRESS, port), 1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return
