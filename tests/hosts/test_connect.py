"""Connecting to a real sshd, and every way in which that fails: its sentence and its remedy."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cachetui.config.settings import HostSettings
from cachetui.hosts import connect
from cachetui.hosts.fan_out import run_on_all
from cachetui.hosts.machine import HostError
from cachetui.hosts.ssh import machine as ssh
from tests.hosts.conftest import Nobody, connector
from tests.hosts.sshd import Sshd, free_port, keygen, running, until


def works(settings: HostSettings, config: Path | None = None, prompts: object = None) -> None:
    """Connect and run a command."""
    machine = connector(prompts, config).connect(settings)  # type: ignore[arg-type]
    try:
        assert machine.run("echo $((6 * 7))", timeout=20).text == "42\n"
    finally:
        machine.close()


def fails(settings: HostSettings, config: Path | None = None, prompts: object = None) -> HostError:
    """The error of connecting; no text of it may hold the environment."""
    with pytest.raises(HostError) as caught:
        connector(prompts, config).connect(settings)  # type: ignore[arg-type]
    error = caught.value
    assert error.name == settings.name
    assert error.reason
    assert "\n" not in error.reason + error.remedy
    return error


class Listener:
    """A port that takes connections and does what it is told to with each."""

    def __init__(self, serve: Callable[[socket.socket], None]) -> None:
        self._sock = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._sock.getsockname()[1])
        self.connections: list[socket.socket] = []
        self._serve = serve
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._sock.accept()
            except OSError:
                return
            self.connections.append(sock)
            self._serve(sock)

    def close(self) -> None:
        self._sock.close()
        for sock in self.connections:
            sock.close()


@pytest.fixture
def listen() -> Iterator[Callable[[Callable[[socket.socket], None]], HostSettings]]:
    """Makes listeners, and closes them."""
    made: list[Listener] = []

    def make(serve: Callable[[socket.socket], None]) -> HostSettings:
        made.append(Listener(serve))
        return HostSettings(
            name="h", address="127.0.0.1", port=made[-1].port, user="me", connect_timeout=1.0
        )

    make.made = made  # type: ignore[attr-defined]
    yield make
    for listener in made:
        listener.close()


def test_connect(sshd: Sshd) -> None:
    works(sshd.settings())


@pytest.mark.fault("unreachable")
def test_refused() -> None:
    port = free_port("127.0.0.1")
    error = fails(HostSettings(name="h", address="127.0.0.1", port=port))
    assert error.kind == "unreachable"
    assert error.reason == f"port {port} of 127.0.0.1 refuses connections"
    assert "check that sshd runs" in error.remedy


@pytest.mark.fault("unreachable")
def test_bad_name() -> None:
    error = fails(HostSettings(name="h", address="no-such-host.invalid", connect_timeout=15))
    assert error.kind == "unreachable"
    assert "no-such-host.invalid" in error.reason
    assert "hosts.toml" in error.remedy or "name server" in error.remedy


@pytest.mark.fault("unreachable")
def test_no_answer() -> None:
    # A backlog that is full drops further connections.
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen(0)
        port = sock.getsockname()[1]
        fill = [socket.socket() for _ in range(3)]
        for one in fill:
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
        begun = time.monotonic()
        error = fails(HostSettings(name="h", address="127.0.0.1", port=port, connect_timeout=0.5))
        assert time.monotonic() - begun < 3
        for one in fill:
            one.close()
    assert error.reason == f"port {port} of 127.0.0.1 does not answer within 0.5 s"
    assert "connect_timeout" in error.remedy


@pytest.mark.fault("unreachable")
def test_no_banner(listen: Callable[..., HostSettings]) -> None:
    begun = time.monotonic()
    error = fails(listen(lambda _: None))
    assert error.kind == "unreachable"
    assert "accepted the connection but sent nothing within 1 s" in error.reason
    assert time.monotonic() - begun < 4


@pytest.mark.fault("unreachable")
def test_banner_and_then_silence(listen: Callable[..., HostSettings]) -> None:
    error = fails(listen(lambda sock: sock.sendall(b"SSH-2.0-Silent\r\n")))
    assert "stopped answering during the SSH handshake for 1 s" in error.reason


@pytest.mark.fault("unreachable")
def test_another_protocol(listen: Callable[..., HostSettings]) -> None:
    def serve(sock: socket.socket) -> None:
        sock.sendall(b"HTTP/1.1 400 Bad\x1b[2JRequest\r\n\r\n")
        sock.close()

    error = fails(listen(serve))
    assert 'does not speak SSH: it sent "HTTP/1.1 400 Bad?[2JRequest"' in error.reason
    assert "port" in error.remedy


@pytest.mark.fault("max-startups")
def test_dropped_connections_are_tried_again(
    listen: Callable[..., HostSettings], sshd: Sshd
) -> None:
    count = 0

    def serve(sock: socket.socket) -> None:
        nonlocal count
        count += 1
        if count < 3:
            sock.close()
            return
        onward = socket.create_connection((sshd.address, sshd.port))
        for one, other in ((sock, onward), (onward, sock)):
            threading.Thread(target=pump, args=(one, other), daemon=True).start()

    place = listen(serve)
    known = Path(f"{sshd.known_hosts}.{place.port}")
    host_key = Path(f"{sshd.host_keys[0]}.pub").read_text()
    known.write_text(f"[127.0.0.1]:{place.port} {host_key}")
    works(sshd.settings(port=place.port, known_hosts=known))
    assert count == 3


def pump(one: socket.socket, other: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := one.recv(65536):
            other.sendall(data)
        other.shutdown(socket.SHUT_WR)


@pytest.mark.fault("max-startups")
def test_a_burst_of_connections(own_sshd: Sshd) -> None:
    """sshd drops some of a burst by default (MaxStartups 10:30:100); none of it may show."""
    fleet = connector()

    def work(number: int) -> str:
        machine = fleet.connect(own_sshd.settings(name=f"h{number}"))
        try:
            return machine.run(f"echo {number}", timeout=60).text
        finally:
            machine.close()

    outcomes = run_on_all(range(40), work, 40)
    assert [outcome.error for outcome in outcomes] == [None] * 40
    assert [outcome.value for outcome in outcomes] == [f"{number}\n" for number in range(40)]


@pytest.mark.fault("max-startups")
def test_dropped_for_good(
    listen: Callable[..., HostSettings], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connect, "TRIES", 3)
    settings = listen(lambda sock: sock.close())
    error = fails(settings)
    assert "closed the connection before the SSH handshake" in error.reason
    assert "MaxStartups" in error.remedy
    assert len(listen.made[0].connections) == 3  # type: ignore[attr-defined]


@pytest.mark.fault("endless-wait")
def test_connecting_can_be_called_off(listen: Callable[..., HostSettings]) -> None:
    cancel = threading.Event()
    threading.Timer(0.3, cancel.set).start()
    settings = listen(lambda _: None)
    begun = time.monotonic()
    with pytest.raises(HostError, match="cancelled") as caught:
        connector().connect(HostSettings(name="h", address="127.0.0.1", port=settings.port), cancel)
    assert caught.value.kind == "cancelled"
    assert time.monotonic() - begun < 2


@pytest.mark.fault("endless-wait")
def test_a_failed_connection_leaves_no_thread(listen: Callable[..., HostSettings]) -> None:
    fails(listen(lambda _: None))
    assert until(
        lambda: (
            not [
                thread
                for thread in threading.enumerate()
                if not thread.daemon and thread is not threading.main_thread()
            ]
        ),
        2,
    )


@pytest.mark.fault("host-key")
class TestHostKey:
    """known_hosts, against what a real sshd offers."""

    def test_unknown(self, sshd: Sshd, tmp_path: Path) -> None:
        prompts = Nobody()
        file = tmp_path / "known hosts"
        error = fails(sshd.settings(known_hosts=file), prompts=prompts)
        shown = fingerprint_of(sshd.host_keys[0])
        assert error.kind == "host-key"
        assert shown in error.reason
        assert f"ssh-keyscan -p {sshd.port} 127.0.0.1 >> '{file}'" in error.remedy
        assert prompts.asked == [f"[127.0.0.1]:{sshd.port} ssh-ed25519 {shown}"]

    def test_the_remedy_works(self, sshd: Sshd, tmp_path: Path) -> None:
        settings = sshd.settings(known_hosts=tmp_path / "known")
        command = fails(settings).remedy.split(": ", 1)[1]
        subprocess.run(["sh", "-c", command], check=True, timeout=30, stderr=subprocess.DEVNULL)
        works(settings)

    def test_accepted_by_the_user(self, sshd: Sshd, tmp_path: Path) -> None:
        class Trusting(Nobody):
            def unknown_host_key(self, *_: str) -> bool:
                return True

        file = tmp_path / "new" / "known"
        works(sshd.settings(known_hosts=file), prompts=Trusting())
        works(sshd.settings(known_hosts=file))
        assert file.stat().st_mode & 0o777 == 0o600
        assert len(file.read_text().splitlines()) == 1

    def test_changed(self, sshd: Sshd, tmp_path: Path) -> None:
        other = Path(f"{keygen(tmp_path / 'other')}.pub").read_text()
        file = tmp_path / "known"
        file.write_text(f"# first line\n[127.0.0.1]:{sshd.port} {other}")
        prompts = Nobody()
        error = fails(sshd.settings(known_hosts=file), prompts=prompts)
        assert error.kind == "host-key"
        assert "has changed" in error.reason
        assert f"{file}:2" in error.reason
        assert f"ssh-keygen -R '[127.0.0.1]:{sshd.port}' -f {file}" in error.remedy
        assert prompts.asked == []
        command = error.remedy.split(": ", 1)[1].split("run: ", 1)[-1]
        subprocess.run(["sh", "-c", command], check=True, timeout=30, capture_output=True)
        works(sshd.settings(known_hosts=file))

    def test_only_another_type_known(self, sshd: Sshd, tmp_path: Path) -> None:
        other = Path(f"{keygen(tmp_path / 'other', 'ecdsa')}.pub").read_text()
        file = tmp_path / "known"
        file.write_text(f"[127.0.0.1]:{sshd.port} {other}")
        error = fails(sshd.settings(known_hosts=file))
        assert "a key of another type" in error.reason
        assert "changed" not in error.reason
        assert f"ecdsa-sha2-nistp256, {file}:1" in error.reason

    def test_the_known_type_is_asked_for(self, tmp_path: Path) -> None:
        server = Sshd(tmp_path / "s", kinds=("ed25519", "ecdsa", "rsa"))
        try:
            for host_key in server.host_keys:
                key = Path(f"{host_key}.pub").read_text()
                server.known_hosts.write_text(f"[127.0.0.1]:{server.port} {key}")
                works(server.settings())
        finally:
            server.stop()

    def test_revoked(self, sshd: Sshd, tmp_path: Path) -> None:
        file = tmp_path / "known"
        file.write_text(f"{sshd.known_hosts.read_text()}@revoked * {key_of(sshd)}\n")
        error = fails(sshd.settings(known_hosts=file))
        assert error.reason == f"its host key is revoked in {file}:2"

    def test_authority(self, sshd: Sshd, tmp_path: Path) -> None:
        file = tmp_path / "known"
        file.write_text(f"@cert-authority * {key_of(sshd)}\n")
        error = fails(sshd.settings(known_hosts=file))
        assert "by a certificate authority, and its certificate is not shown" in error.reason

    def test_hashed(self, sshd: Sshd, tmp_path: Path) -> None:
        file = tmp_path / "known"
        shutil.copy(sshd.known_hosts, file)
        subprocess.run(["ssh-keygen", "-H", "-f", file], check=True, capture_output=True)
        assert "127.0.0.1" not in file.read_text()
        works(sshd.settings(known_hosts=file))


def key_of(sshd: Sshd) -> str:
    return " ".join(Path(f"{sshd.host_keys[0]}.pub").read_text().split()[:2])


def fingerprint_of(key: Path) -> str:
    said = subprocess.run(["ssh-keygen", "-lf", f"{key}.pub"], capture_output=True, check=True)
    return said.stdout.decode().split()[1]


@pytest.mark.fault("login")
class TestLogin:
    """Keys, files and agents, against what a real sshd accepts."""

    def test_wrong_key(self, sshd: Sshd, tmp_path: Path) -> None:
        key = keygen(tmp_path / "wrong")
        error = fails(sshd.settings(identity_file=key))
        assert error.kind == "login"
        assert f"tried: {key}" in error.reason
        assert "ssh-copy-id" in error.remedy

    def test_no_key(self, sshd: Sshd) -> None:
        error = fails(sshd.settings(identity_file=None))
        assert "there is no key to log in as" in error.reason
        assert "identity_file" in error.remedy

    def test_key_file_missing(self, sshd: Sshd, tmp_path: Path) -> None:
        error = fails(sshd.settings(identity_file=tmp_path / "none"))
        assert error.kind == "login"
        assert error.reason == (
            f"the identity_file {tmp_path / 'none'} cannot be used: no such file or directory"
        )

    def test_key_file_is_none(self, sshd: Sshd, tmp_path: Path) -> None:
        (tmp_path / "text").write_text("hello")
        error = fails(sshd.settings(identity_file=tmp_path / "text"))
        assert "it holds no private key" in error.reason
        (tmp_path / "text").write_text(
            "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n"
        )
        assert "cannot be read" in fails(sshd.settings(identity_file=tmp_path / "text")).reason

    def test_default_key(self, sshd: Sshd, tmp_path: Path) -> None:
        folder = tmp_path / "home" / ".ssh"
        folder.mkdir()
        shutil.copy(sshd.login_key, folder / "id_ed25519")
        works(sshd.settings(identity_file=None))

    @pytest.mark.parametrize(
        ("kind", "options"),
        [
            ("ed25519", ()),
            ("ecdsa", ("-b", "384")),
            ("rsa", ("-b", "2048")),
            ("rsa", ("-b", "2048", "-m", "PEM")),
            ("rsa", ("-b", "2048", "-m", "PKCS8")),
            ("ecdsa", ("-m", "PEM")),
        ],
    )
    @pytest.mark.parametrize("passphrase", ["", "opène sesame"])
    def test_kinds(
        self, own_sshd: Sshd, tmp_path: Path, kind: str, options: tuple[str, ...], passphrase: str
    ) -> None:
        class Knowing(Nobody):
            def passphrase(self, path: str) -> str | None:
                self.asked.append(path)
                return "wrong" if len(self.asked) == 1 else passphrase

        key = keygen(tmp_path / "key", kind, passphrase, *options)
        own_sshd.authorized.write_text(Path(f"{key}.pub").read_text())
        Path(f"{key}.pub").unlink()
        prompts = Knowing()
        works(own_sshd.settings(identity_file=key), prompts=prompts)
        assert len(prompts.asked) == (2 if passphrase else 0)

    def test_encrypted_and_nobody_to_ask(self, sshd: Sshd, tmp_path: Path) -> None:
        key = keygen(tmp_path / "key", "ed25519", "sesame")
        error = fails(sshd.settings(identity_file=key))
        assert error.kind == "login"
        assert "is encrypted, and no passphrase was given" in error.reason
        assert error.remedy == f"give the key to an agent first: ssh-add {key}"

    def test_wrong_passphrase(self, sshd: Sshd, tmp_path: Path) -> None:
        class Guessing(Nobody):
            def passphrase(self, path: str) -> str | None:
                self.asked.append(path)
                return "hunter2"

        key = keygen(tmp_path / "key", "ed25519", "sesame")
        prompts = Guessing()
        error = fails(sshd.settings(identity_file=key), prompts=prompts)
        assert "wrong passphrase for" in error.reason
        assert "hunter2" not in f"{error} {error.reason} {error.remedy}"
        assert len(prompts.asked) == 3

    def test_passphrase_is_asked_once_for_a_fleet(self, own_sshd: Sshd, tmp_path: Path) -> None:
        class Knowing(Nobody):
            def passphrase(self, path: str) -> str | None:
                self.asked.append(path)
                time.sleep(0.2)
                return "sesame"

        key = keygen(tmp_path / "key", "ed25519", "sesame")
        own_sshd.authorized.write_text(Path(f"{key}.pub").read_text())
        prompts = Knowing()
        fleet = connector(prompts)
        settings = own_sshd.settings(identity_file=key)
        threads = [threading.Thread(target=lambda: fleet.connect(settings).close()) for _ in "abcd"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert prompts.asked == [str(key)]

    def test_cancel_while_another_host_s_user_is_asked(self, sshd: Sshd, tmp_path: Path) -> None:
        answer = threading.Event()

        class Slow(Nobody):
            def passphrase(self, path: str) -> str | None:
                self.asked.append(path)
                answer.wait(30)
                return None

        key = keygen(tmp_path / "key", "ed25519", "sesame")
        prompts = Slow()
        fleet = connector(prompts)
        settings = sshd.settings(identity_file=key)
        first = threading.Thread(target=lambda: run_on_all([settings], fleet.connect, 1))
        first.start()
        assert until(lambda: prompts.asked)
        cancel = threading.Event()
        threading.Timer(0.3, cancel.set).start()
        begun = time.monotonic()
        with pytest.raises(HostError) as caught:
            fleet.connect(settings, cancel)
        assert caught.value.kind == "cancelled"
        assert time.monotonic() - begun < 5
        answer.set()
        first.join(20)

    def test_encrypted_default_key_is_not_asked_for_in_vain(
        self, sshd: Sshd, tmp_path: Path
    ) -> None:
        folder = tmp_path / "home" / ".ssh"
        folder.mkdir()
        keygen(folder / "id_ecdsa", "ecdsa", "sesame")
        shutil.copy(sshd.login_key, folder / "id_rsa")
        prompts = Nobody()
        works(sshd.settings(identity_file=None), prompts=prompts)
        assert prompts.asked == []

    def test_passwords_only(self, tmp_path: Path) -> None:
        server = Sshd(tmp_path / "s", "PubkeyAuthentication no", "KbdInteractiveAuthentication yes")
        try:
            error = fails(server.settings())
            assert "does not accept keys for the user" in error.reason
            assert "PubkeyAuthentication yes" in error.remedy
        finally:
            server.stop()

    def test_more_than_a_key(self, tmp_path: Path) -> None:
        server = Sshd(
            tmp_path / "s",
            "PubkeyAuthentication yes",
            "AuthenticationMethods publickey,password",
            passwords=True,
        )
        try:
            error = fails(server.settings())
            assert "requires more than a key: password" in error.reason
        finally:
            server.stop()

    def test_too_many_keys(self, tmp_path: Path) -> None:
        server = Sshd(tmp_path / "s", "MaxAuthTries 1")
        folder = tmp_path / "home" / ".ssh"
        folder.mkdir()
        for kind in ("ed25519", "ecdsa", "rsa"):
            keygen(folder / f"id_{kind}", kind)
        try:
            error = fails(server.settings(identity_file=None))
            assert "closed the connection after one key" in error.reason
            assert "identity_file" in error.remedy
        finally:
            server.stop()


def listens(place: Path) -> bool:
    """Whether something takes connections at a socket; its path is there a moment before."""
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(str(place)) == 0


@pytest.fixture
def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Path], None]]:
    """A real ssh-agent of the test's own; call it with a key to add."""
    if shutil.which("ssh-agent") is None:
        pytest.skip("needs ssh-agent")
    place = tmp_path / "agent.sock"
    process = subprocess.Popen(
        ["ssh-agent", "-D", "-a", place], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    assert until(lambda: listens(place))
    monkeypatch.setenv("SSH_AUTH_SOCK", str(place))

    def add(key: Path) -> None:
        subprocess.run(["ssh-add", "-q", key], check=True, timeout=20, stdin=subprocess.DEVNULL)

    yield add
    process.terminate()
    process.wait(10)


@pytest.mark.fault("agent")
class TestAgent:
    @pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
    def test_agent(
        self, own_sshd: Sshd, tmp_path: Path, agent: Callable[[Path], None], kind: str
    ) -> None:
        key = keygen(tmp_path / "key", kind)
        own_sshd.authorized.write_text(Path(f"{key}.pub").read_text())
        agent(key)
        key.unlink()
        works(own_sshd.settings(identity_file=None))

    def test_encrypted_file_that_the_agent_holds(
        self, sshd: Sshd, tmp_path: Path, agent: Callable[[Path], None]
    ) -> None:
        agent(sshd.login_key)
        key = tmp_path / "key"
        shutil.copy(sshd.login_key, key)
        subprocess.run(["ssh-keygen", "-q", "-p", "-N", "sesame", "-f", key], check=True)
        prompts = Nobody()
        works(sshd.settings(identity_file=key), prompts=prompts)
        assert prompts.asked == []

    def test_identities_only(
        self, sshd: Sshd, tmp_path: Path, agent: Callable[[Path], None]
    ) -> None:
        agent(sshd.login_key)
        config = tmp_path / "config"
        config.write_text("IdentitiesOnly yes\n")
        wrong = keygen(tmp_path / "wrong")
        error = fails(sshd.settings(identity_file=wrong), config)
        assert error.reason.endswith(f"tried: {wrong}")
        config.write_text(f"IdentitiesOnly yes\nIdentityFile {sshd.login_key}.pub\n")
        works(sshd.settings(identity_file=None), config)

    def test_identity_agent(
        self,
        sshd: Sshd,
        tmp_path: Path,
        agent: Callable[[Path], None],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        agent(sshd.login_key)
        place = os.environ["SSH_AUTH_SOCK"]
        monkeypatch.delenv("SSH_AUTH_SOCK")
        config = tmp_path / "config"
        config.write_text(f"IdentityAgent {place}\n")
        works(sshd.settings(identity_file=None), config)

    def test_dead_agent(self, sshd: Sshd, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "gone"))
        works(sshd.settings())


PIPE = """
import os, socket, sys, threading
sock = socket.create_connection((sys.argv[1], int(sys.argv[2])))
def pump(read, write):
    while data := read(65536):
        write(data)
back = (sock.recv, lambda data: os.write(1, data))
threading.Thread(target=pump, args=back, daemon=True).start()
pump(lambda size: os.read(0, size), sock.sendall)
"""


class TestWay:
    """What ~/.ssh/config says of the way to a host."""

    def config(self, tmp_path: Path, sshd: Sshd, bastion: Sshd, more: str = "") -> Path:
        file = tmp_path / "config"
        (tmp_path / "hosts.d").mkdir(exist_ok=True)
        (tmp_path / "hosts.d" / "one").write_text(
            f"Host target\n HostName 127.0.0.1\n Port {sshd.port}\n HostKeyAlias target-key\n"
        )
        file.write_text(
            f"Include hosts.d/*\n"
            f"Host bastion*\n HostName 127.0.0.1\n Port {bastion.port}\n"
            f" IdentityFile {bastion.login_key}\n UserKnownHostsFile {bastion.known_hosts}\n"
            f"Host target\n IdentityFile {sshd.login_key}\n UserKnownHostsFile {tmp_path / 'kh'}\n"
            f"{more}\n"
        )
        (tmp_path / "kh").write_text(f"target-key {key_of(sshd)}\n")
        return file

    def test_include_and_alias(self, sshd: Sshd, own_sshd: Sshd, tmp_path: Path) -> None:
        config = self.config(tmp_path, sshd, own_sshd)
        works(HostSettings(name="h", address="target", user=sshd.settings().user), config)

    def test_jump(self, sshd: Sshd, own_sshd: Sshd, tmp_path: Path) -> None:
        config = self.config(tmp_path, sshd, own_sshd, " ProxyJump bastion")
        fleet = connector(config=config)
        machines = [
            fleet.connect(HostSettings(name=f"h{number}", address="target")) for number in range(2)
        ]
        for machine in machines:
            assert machine.run("echo $SSH_CONNECTION", timeout=20).text.startswith("127.0.0.1 ")
        # One connection to the jump host serves both.
        log = (own_sshd.folder / "log").read_text()
        assert log.count("Accepted publickey") == 1
        data = os.urandom(1_000_000) * 8
        assert machines[0].run("cat", stdin=[data], timeout=60).stdout == data
        fleet.close()
        with pytest.raises(HostError) as caught:
            machines[1].run("true", timeout=20)
        assert caught.value.kind == "lost"

    def test_two_jumps(self, sshd: Sshd, own_sshd: Sshd, tmp_path: Path) -> None:
        config = self.config(tmp_path, sshd, own_sshd, " ProxyJump bastion,bastion2")
        works(HostSettings(name="h", address="target"), config)

    @pytest.mark.fault("jump-fails")
    def test_jump_cannot_reach(self, sshd: Sshd, own_sshd: Sshd, tmp_path: Path) -> None:
        config = self.config(tmp_path, sshd, own_sshd, " ProxyJump bastion")
        port = free_port("127.0.0.1")
        error = fails(HostSettings(name="h", address="target", port=port), config)
        assert f"the jump host cannot reach port {port} of 127.0.0.1" in error.reason

    @pytest.mark.fault("jump-fails")
    def test_jump_with_an_unknown_key(self, sshd: Sshd, own_sshd: Sshd, tmp_path: Path) -> None:
        config = self.config(tmp_path, sshd, own_sshd, " ProxyJump bastion")
        own_sshd.known_hosts.write_text("")
        error = fails(HostSettings(name="h", address="target"), config)
        assert error.kind == "host-key"
        assert error.reason.startswith("jump host bastion: its host key is not known")

    @pytest.mark.fault("jump-fails")
    def test_unknown_key_behind_a_jump(self, sshd: Sshd, own_sshd: Sshd, tmp_path: Path) -> None:
        config = self.config(tmp_path, sshd, own_sshd, " ProxyJump bastion")
        (tmp_path / "kh").write_text("")
        error = fails(HostSettings(name="h", address="target"), config)
        assert f"ssh -o UserKnownHostsFile={tmp_path / 'kh'} target true" in error.remedy

    @pytest.mark.fault("jump-fails")
    def test_jump_forbidden(self, sshd: Sshd, tmp_path: Path) -> None:
        bastion = Sshd(tmp_path / "b", "AllowTcpForwarding no")
        try:
            config = self.config(tmp_path, sshd, bastion, " ProxyJump bastion")
            error = fails(HostSettings(name="h", address="target"), config)
            assert "does not allow forwarding" in error.reason
            assert "AllowTcpForwarding" in error.remedy
        finally:
            bastion.stop()

    @pytest.mark.fault("jump-circle")
    def test_jump_in_a_circle(self, sshd: Sshd, own_sshd: Sshd, tmp_path: Path) -> None:
        more = " ProxyJump bastion\nHost bastion\n ProxyJump bastion"
        error = fails(
            HostSettings(name="h", address="target"), self.config(tmp_path, sshd, own_sshd, more)
        )
        assert "is circular" in error.reason

    def test_proxy_command(self, sshd: Sshd, own_sshd: Sshd, tmp_path: Path) -> None:
        script = tmp_path / "pipe.py"
        script.write_text(PIPE)
        more = f" ProxyCommand {sys.executable} {script} %h %p"
        config = self.config(tmp_path, sshd, own_sshd, more)
        works(HostSettings(name="h", address="target"), config)
        assert until(lambda: not running(str(script)), 15)

    def test_broken_configuration(self, tmp_path: Path) -> None:
        config = tmp_path / "config"
        config.write_text("Port none\n")
        error = fails(HostSettings(name="h", address="target"), config)
        assert error.kind == "unreachable"
        assert "Port none is not a port" in error.reason


class TestLost:
    """Connections that die while a command runs."""

    def stream(self, sshd: Sshd, mark: str, harm: Callable[[], None]) -> HostError:
        machine = connector().connect(sshd.settings())
        began = threading.Event()

        def act() -> None:
            began.wait(10)
            harm()

        threading.Thread(target=act, daemon=True).start()
        with pytest.raises(HostError) as caught:
            machine.stream(
                f"echo ready; sh -c 'sleep 60; : {mark}'", lambda *_: began.set(), timeout=30
            )
        machine.close()
        return caught.value

    @pytest.mark.fault("connection-dies")
    def test_session_killed(self, own_sshd: Sshd) -> None:
        mark = "mark-session-killed"

        def harm() -> None:
            os.kill(own_sshd.children()[0], signal.SIGKILL)

        begun = time.monotonic()
        error = self.stream(own_sshd, mark, harm)
        assert error.kind == "lost"
        assert "the connection broke while a command ran" in error.reason
        assert time.monotonic() - begun < 5
        assert until(lambda: not running(mark), 15)

    @pytest.mark.fault("connection-dies")
    def test_sshd_stopped(self, own_sshd: Sshd, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(ssh, "BEAT_AFTER", 0.3)
        monkeypatch.setattr(ssh, "BEAT_LIMIT", 0.7)
        stopped: list[int] = []

        def harm() -> None:
            for pid in own_sshd.children():
                if b"sshd" in Path(f"/proc/{pid}/cmdline").read_bytes():
                    os.kill(pid, signal.SIGSTOP)
                    stopped.append(pid)

        begun = time.monotonic()
        error = self.stream(own_sshd, "mark-sshd-stopped", harm)
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)
        assert error.kind == "lost"
        assert "the host was silent for" in error.reason
        assert time.monotonic() - begun < 6
        assert until(lambda: not running("mark-sshd-stopped"), 15)

    def test_silence_is_no_death(self, own_sshd: Sshd, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(ssh, "BEAT_AFTER", 0.1)
        monkeypatch.setattr(ssh, "BEAT_LIMIT", 0.4)
        machine = connector().connect(own_sshd.settings())
        assert machine.stream("sleep 2", lambda *_: None, timeout=20) == 0
        machine.close()

    @pytest.mark.fault("connection-dies")
    def test_after_it_died(self, own_sshd: Sshd) -> None:
        machine = connector().connect(own_sshd.settings())
        own_sshd.stop()
        for _ in range(2):
            with pytest.raises(HostError) as caught:
                machine.run("true", timeout=20)
            assert caught.value.kind == "lost"

    @pytest.mark.fault("max-sessions")
    def test_no_more_sessions(self, tmp_path: Path) -> None:
        server = Sshd(tmp_path / "s", "MaxSessions 0")
        try:
            machine = connector().connect(server.settings())
            with pytest.raises(HostError, match="sshd refused to open a session"):
                machine.run("true", timeout=20)
            machine.close()
        finally:
            server.stop()


def test_importing_hosts_imports_no_paramiko() -> None:
    code = (
        "import sys, cachetui.hosts, cachetui.hosts.connect, cachetui.hosts.facts, "
        "cachetui.hosts.fan_out, cachetui.hosts.cache_records; assert 'paramiko' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
