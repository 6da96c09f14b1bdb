"""A passphrase that is typed is nowhere afterwards, whether it was right or wrong."""

from __future__ import annotations

import os
import pty
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.audit.test_canaries_lab import Processes, everything_written
from tests.hosts.sshd import Sshd, keygen
from tests.sample_builds import folder

MARK = f"c4n4ry-{os.urandom(4).hex()}"
WRONG, RIGHT = f"{MARK}-wrong", f"{MARK}-right"


def typed(words: list[str], place: Path, answers: list[str]) -> bytes:
    """What a command of cachetui prints in a terminal; each passphrase it asks for is answered."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(place)
        environ = {**os.environ, "CACHETUI_STORE": str(place / "store"), "TERM": "xterm"}
        os.execve(sys.executable, [sys.executable, "-m", "cachetui", *words], environ)
    said, asked = b"", 0
    deadline = time.monotonic() + 60
    with suppress(OSError):  # the terminal is gone with the command
        while time.monotonic() < deadline and (data := os.read(terminal, 4096)):
            said += data
            if said.count(b"Passphrase for") > asked and answers:
                os.write(terminal, f"{answers.pop(0)}\n".encode())
                asked = said.count(b"Passphrase for")
    os.waitpid(pid, 0)
    os.close(terminal)
    return said


@pytest.mark.fault("secret-in-messages")
@pytest.mark.parametrize("answers", [[RIGHT], [WRONG, RIGHT], [WRONG, WRONG, WRONG]])
def test_it_is_printed_and_written_nowhere(tmp_path: Path, answers: list[str]) -> None:
    sshd = Sshd(tmp_path / "sshd")
    key = keygen(tmp_path / "key", passphrase=RIGHT)
    sshd.authorized.write_text(Path(f"{key}.pub").read_text())
    place = tmp_path / "place"
    folder(place / "app", "FROM scratch\n")
    (place / "hosts.toml").write_text(
        f'[[hosts]]\nname = "h"\naddress = "{sshd.address}"\nport = {sshd.port}\n'
        f'identity_file = "{key}"\nknown_hosts = "{sshd.known_hosts}"\ndocker = "no-such-docker"\n'
    )
    processes = Processes()
    right = answers[-1] == RIGHT
    try:
        with processes.watched():
            words = ["run", "app", "--hosts", "hosts.toml", "--log-file", "log"]
            said = typed(words, place, list(answers))
            said += typed(["hosts", "--hosts", "hosts.toml"], place, list(answers))
    finally:
        sshd.stop()
    expected = b"no command no-such-docker" if right else b"wrong passphrase"
    assert expected in said, said
    written = [data for _, data in everything_written(place)]
    assert len(written) > 5
    assert not [data for data in (said, *written, *processes.seen) if MARK.encode() in data]
