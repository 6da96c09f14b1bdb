"""Ctrl-C ends every command with one exit code, and soon."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

SOON = 15.0
"""Seconds. Five are promised, and a loaded machine is late."""


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """Somebody who takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


@pytest.fixture
def hosts(silent: socket.socket, tmp_path: Path) -> Path:
    file = tmp_path / "hosts.toml"
    port = silent.getsockname()[1]
    file.write_text(f'[[hosts]]\nname = "a"\naddress = "127.0.0.1"\nport = {port}\n')
    return file


@pytest.mark.parametrize("command", ["hosts", "clean"])
def test_while_it_waits_for_a_host(
    command: str, hosts: Path, silent: socket.socket, tmp_path: Path
) -> None:
    words = [command, "--hosts", str(hosts)]
    if command == "clean":
        words += ["--store", str(tmp_path / "store")]
    process = subprocess.Popen(
        [sys.executable, "-m", "cachetui", *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        silent.settimeout(30)
        connection, _ = silent.accept()
        with connection:
            begun = time.monotonic()
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=30)
            assert time.monotonic() - begun < SOON
    finally:
        process.kill()
    assert process.returncode == 130, said
    assert "Traceback" not in said
