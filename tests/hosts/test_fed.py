"""What is sent to a host, or read from it, ends on both sides where no word comes through."""

from __future__ import annotations

import os
import shlex
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from cachetui.context.build_context import Context, read_context
from cachetui.hosts import upload
from cachetui.hosts import watcher as watch
from cachetui.hosts.machine import HostError
from cachetui.hosts.ssh import machine as ssh
from tests.hosts.conftest import connector
from tests.hosts.sshd import Sshd, running, until
from tests.hosts.test_watcher import KNOWN, SHELLS, Started, shortened
from tests.link import Link

MANY = 300_000
"""More bytes than fit into a pipe and its feeder."""


def feed(name: str, command: str) -> Started:
    return Started(watch.script(command, watched=False), shell=shlex.join(KNOWN[name]))


@pytest.mark.parametrize("name", SHELLS)
class TestShell:
    def test_input_comes_as_it_is(self, name: str) -> None:
        started = feed(name, "cat; echo e >&2; exit 3")
        data = os.urandom(MANY)
        threading.Thread(target=lambda: (started.stdin.write(data), started.stdin.close())).start()
        out, err = started.stdout.read(), started.stderr.read()
        assert (out == data, err, started.process.wait(20)) == (True, b"e\n", 3)

    @pytest.mark.fault("network-gone")
    def test_a_long_silence_is_its_end(self, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        shortened(monkeypatch)
        started = feed(name, "cat; echo end")
        started.stdin.write(b"one\n")
        begun = time.monotonic()
        assert started.process.wait(20) == watch.STOPPED
        assert 2 < time.monotonic() - begun < 8
        assert started.end()[1] == b"one\nend\n"

    @pytest.mark.fault("network-gone")
    def test_little_by_little_is_no_silence(
        self, name: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        shortened(monkeypatch)
        started = feed(name, "cat; exit 3")
        for _ in range(12):
            started.stdin.write(b".")
            time.sleep(0.5)
        started.stdin.close()
        assert started.process.wait(20) == 3
        assert started.end()[1] == b"." * 12

    @pytest.mark.fault("network-gone")
    def test_a_command_may_take_its_time(self, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        shortened(monkeypatch)
        started = feed(name, "sleep 6; wc -c; exit 3")
        writing = threading.Thread(
            target=lambda: (started.stdin.write(b"x" * MANY), started.stdin.close())
        )
        writing.start()
        assert started.process.wait(20) == 3
        writing.join(5)
        assert started.end()[1].strip() == str(MANY).encode()


@pytest.fixture
def link() -> Iterator[Link]:
    if os.geteuid() != 0:
        pytest.skip("only root can pull a cable")
    with Link() as link:
        yield link


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some seconds of silence are long: for the host, and for us."""
    shortened(monkeypatch)
    monkeypatch.setattr(ssh, "BEAT_AFTER", 1.0)
    monkeypatch.setattr(ssh, "BEAT_LIMIT", 2.0)
    monkeypatch.setattr(watch, "BEAT_SECONDS", 0.5)


@pytest.mark.fault("network-gone")
@pytest.mark.usefixtures("silent")
@pytest.mark.parametrize("linked", [False, True])
def test_a_build_context_that_is_being_sent(link: Link, tmp_path: Path, linked: bool) -> None:
    """No half of it stays on the host, also where its files are those of an earlier one."""
    sshd = Sshd(tmp_path / "sshd", address=link.address)
    sending = threading.Event()
    there = tmp_path / "there"

    @dataclass(frozen=True)
    class Endless(Context):
        def tar_members(self, linked: Mapping[str, str] | None = None) -> Iterator[bytes]:
            yield from super().tar_members(linked)
            while True:
                sending.set()
                yield bytes(512)
                time.sleep(0.1)

    source = context(tmp_path / "b")
    (source / "big").write_bytes(os.urandom(MANY))
    whole = read_context(source)
    endless = Endless(**vars(whole))
    first = upload.context_folder(str(there), whole.digest)
    earlier, big = [first] if linked else [], upload.path_on_host(first, "context/big")

    def client() -> str:
        machine = connector().connect(sshd.settings(), threading.Event())
        for folder in earlier:
            upload.put_context(machine, folder, whole, on_sent=lambda _: None)
        folder = f"{there}/contexts/{'a' * 64}"
        with pytest.raises(HostError) as caught:
            upload.put_context(machine, folder, endless, on_sent=lambda _: None)
        return caught.value.reason

    try:
        reason = link.client(client)
        assert sending.wait(20)
        assert until(lambda: list(there.glob("contexts/.incoming-*")))
        if linked:
            assert until(lambda: os.stat(big).st_nlink == 2)
        link.down()
        assert "the host was silent" in reason()
        assert until(lambda: [*map(str, there.glob("contexts/*"))] == earlier, 15)
        assert not linked or os.stat(big).st_nlink == 1
        assert until(lambda: not running("dd\0bs=65536"), 15)
    finally:
        sshd.stop()


def context(folder: Path) -> Path:
    folder.mkdir()
    (folder / "Dockerfile").write_text("FROM base:1\n")
    return folder


@pytest.mark.fault("network-gone")
@pytest.mark.usefixtures("silent")
def test_an_image_that_is_being_read(link: Link, tmp_path: Path) -> None:
    """What prints without a pause is stuck when nobody takes it."""
    sshd = Sshd(tmp_path / "sshd", address=link.address)
    mark = f"mark-{tmp_path}"
    reading = threading.Event()

    def client() -> str:
        machine = connector().connect(sshd.settings(), threading.Event())
        with pytest.raises(HostError) as caught:
            machine.stream(f"yes {mark}", lambda *_: reading.set(), timeout=120)
        return caught.value.reason

    try:
        reason = link.client(client)
        assert reading.wait(20)
        link.down()
        assert "the host was silent" in reason()
        assert until(lambda: not running(mark), 15)
    finally:
        sshd.stop()
