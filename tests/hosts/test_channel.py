"""Nothing is sent through a channel after its close, however late what was begun before comes.

sshd ends the whole connection for that, with all that runs in its other sessions.
"""

from __future__ import annotations

import contextlib
import threading
import time
from pathlib import Path

import paramiko
import pytest

from cachetui.config.settings import HostSettings
from cachetui.hosts.machine import HostError
from tests.hosts.conftest import connector
from tests.hosts.sshd import Sshd, until

DATA, END = 94, 96
"""Kinds of messages that go through a channel, by their numbers in RFC 4254."""


class Late:
    """Sends our messages of one kind when the library's own thread has had time for an answer."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, kind: int, wait: float = 0.3) -> None:
        self.kind, self.wait, self.sent = kind, wait, 0
        real = paramiko.Transport._send_user_message  # type: ignore[attr-defined]

        def send(transport: paramiko.Transport, message: paramiko.Message) -> None:
            if threading.current_thread() is not transport and message.asbytes()[0] == self.kind:
                self.sent += 1
                time.sleep(self.wait)
            real(transport, message)

        monkeypatch.setattr(paramiko.Transport, "_send_user_message", send)


@pytest.mark.fault("connection-dies", "max-sessions")
@pytest.mark.parametrize(("kind", "line"), [(END, "echo out"), (DATA, "exec <&-")])
def test_others_go_on(sshd: Sshd, monkeypatch: pytest.MonkeyPatch, kind: int, line: str) -> None:
    machine = connector().connect(sshd.settings())
    try:
        other: list[object] = []
        beside = threading.Thread(
            target=lambda: other.append(machine.run("sleep 2; echo whole", timeout=20).text)
        )
        beside.start()
        late = Late(monkeypatch, kind)
        for _ in range(3):
            machine.run(line, stdin=[b"x" * 1000] * 3, timeout=20)
        assert late.sent
        beside.join(20)
        assert other == ["whole\n"]
    finally:
        machine.close()


@pytest.mark.fault("connection-dies", "jump-fails")
def test_other_hosts_behind_a_jump_host_go_on(
    sshd: Sshd, own_sshd: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of them ends just as something is sent to it."""
    target = Sshd(tmp_path / "target")
    config = tmp_path / "config"
    config.write_text(
        "".join(
            f"Host {name}\n HostName 127.0.0.1\n Port {one.port}\n IdentityFile {one.login_key}\n"
            f" UserKnownHostsFile {one.known_hosts}\n{more}"
            for name, one, more in (
                ("bastion", own_sshd, ""),
                ("one", target, " ProxyJump bastion\n"),
                ("two", sshd, " ProxyJump bastion\n"),
            )
        )
    )
    fleet = connector(config=config)
    try:
        one, two = (fleet.connect(HostSettings(name=name, address=name)) for name in ("one", "two"))
        late = Late(monkeypatch, DATA)

        def send() -> None:
            with contextlib.suppress(HostError):
                one.run("cat", stdin=[b"x" * 1000] * 20, timeout=10)

        sending = threading.Thread(target=send)
        sending.start()
        assert until(lambda: late.sent > 3)
        target.stop()
        sending.join(20)
        late.kind = 0
        assert two.run("echo there", timeout=20).text == "there\n"
        assert (own_sshd.folder / "log").read_text().count("Accepted publickey") == 1
    finally:
        fleet.close()
        target.stop()
