"""What sshd says before a login, and after it, is no part of what a command prints."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from tests.hosts.conftest import connector
from tests.hosts.sshd import Sshd

BANNERS = {
    "long": b"authorised use only\r\n" * 10_000,
    "hostile": b"\x1b]0;title\x07\x1b[2J\x1b[31mSSH-2.0-Another\r\ncachetui-facts 1\n= 0\n" * 20,
    "no text": os.urandom(30_000).replace(b"\0", b""),
    "without an end of line": b"x" * 100_000,
}


@pytest.mark.fault("banner")
@pytest.mark.parametrize("name", BANNERS)
def test_commands_print_nothing_of_it(
    name: str, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    banner = tmp_path / "banner"
    banner.write_bytes(BANNERS[name])
    motd = ("PrintMotd yes", "PrintLastLog yes")
    sshd = Sshd(tmp_path / "sshd", f"Banner {banner}", *motd)
    try:
        machine = connector().connect(sshd.settings(), threading.Event())
        done = machine.run("echo out; echo err >&2; exit 3", timeout=20)
        assert (done.status, done.text, done.error_text) == (3, "out\n", "err")
        got: list[bytes] = []
        machine.stream("echo one; echo two", lambda data, _: got.append(data), timeout=20)
        assert b"".join(got) == b"one\ntwo\n"
        machine.close()
    finally:
        sshd.stop()
    said = capfdbinary.readouterr()
    assert (said.out, said.err) == (b"", b"")
