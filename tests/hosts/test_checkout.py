"""A checkout that a host keeps, read there, against the same folder read here."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from cachetui.context.build_context import read_context
from cachetui.hosts.checkout import read_checkout
from cachetui.hosts.local_machine import LocalMachine


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    root = tmp_path / "a check out"
    for name, text in {
        "Dockerfile": "FROM scratch\nCOPY . /\n",
        ".dockerignore": "*.log\n!kept.log\nnode_modules\n",
        "src/a file": "one\n",
        "src/run.sh": "#!/bin/sh\n",
        "noise.log": "x",
        "kept.log": "y",
        "node_modules/m/index.js": "z",
        "leer/.keep": "",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    (root / "src/run.sh").chmod(0o755)
    (root / "src/a file").chmod(0o664)
    (root / "src/link").symlink_to("../kept.log")
    return root


def test_it_is_what_would_be_sent_from_there(checkout: Path) -> None:
    found, entries = read_checkout(LocalMachine("h", {}, ("docker",)), str(checkout))
    sent = read_context(checkout, "Dockerfile")
    assert found.problem is None
    assert set(entries) == set(sent.entries)
    assert found.digest == sent.digest
    assert found.dockerfile_text == "FROM scratch\nCOPY . /\n"
    assert "!kept.log" in found.ignores["context/.dockerignore"]


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    found, entries = read_checkout(LocalMachine("h", {}, ("docker",)), f"{tmp_path}/none")
    assert entries == ()
    assert found.digest is None
    assert found.problem == f"there is no folder {tmp_path}/none"


def test_half_a_list_is_no_list(checkout: Path, tmp_path: Path) -> None:
    """Else files that could not be listed would be said to be missing there."""
    tools = tmp_path / "bin"
    tools.mkdir()
    real = shutil.which("find")
    (tools / "find").write_text(f"#!/bin/sh\n{real} . -maxdepth 1 -exec ls -ldn {{}} +\n" + FAIL)
    (tools / "find").chmod(0o755)
    env = {"PATH": f"{tools}:{os.environ['PATH']}"}
    found, entries = read_checkout(LocalMachine("h", env, ("docker",)), str(checkout))
    assert entries == ()
    assert found.digest is None
    assert found.problem == "not all of it can be listed: find: ./src: Permission denied"


FAIL = 'echo "find: ./src: Permission denied" >&2\nexit 1\n'
