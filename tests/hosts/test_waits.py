"""Every wait in connecting has its time limit, and ends at once when it is called off."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from cachetui.config.settings import HostSettings
from cachetui.hosts.fan_out import run_on_all
from cachetui.hosts.machine import HostError
from cachetui.hosts.ssh import config_match, connections, prompts
from tests.hosts.conftest import Nobody, connector
from tests.hosts.sshd import Sshd, keygen, running, until


class Silent:
    """A place that takes connections and says nothing, or what it is told to say."""

    def __init__(self, address: str | Path, says: bytes = b"") -> None:
        if isinstance(address, Path):
            self._sock = socket.socket(socket.AF_UNIX)
            self._sock.bind(str(address))
            self._sock.listen(8)
            self.port = 0
        else:
            self._sock = socket.create_server((address, 0))
            self.port = int(self._sock.getsockname()[1])
        self.taken: list[socket.socket] = []
        self._says = says
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                self.taken.append(self._sock.accept()[0])
                self.taken[-1].sendall(self._says)
            except OSError:
                return

    def close(self) -> None:
        self._sock.close()
        for sock in self.taken:
            sock.close()


@dataclass
class Case:
    """What a wait needs: hosts' settings, ssh's configuration, whom to ask."""

    settings: HostSettings
    config: str = ""
    prompts: Nobody | None = None
    timeout: float = 1.0


class Asleep(Nobody):
    """A user who never answers."""

    def passphrase(self, path: str) -> str | None:
        self.asked.append(path)
        time.sleep(60)
        return None

    def unknown_host_key(self, host: str, key_type: str, fingerprint: str) -> bool:
        self.asked.append(f"{host} {key_type} {fingerprint}")
        time.sleep(60)
        return False


@pytest.fixture
def silent() -> Iterator[Silent]:
    made = Silent("127.0.0.1")
    yield made
    made.close()


def full_port() -> tuple[int, list[socket.socket]]:
    """A port whose backlog is full, so that it answers nobody; and what to keep until the end."""
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    sock.listen(0)
    port = int(sock.getsockname()[1])
    fill = [socket.socket() for _ in range(3)]
    for one in fill:
        one.setblocking(False)
        one.connect_ex(("127.0.0.1", port))
    return port, [sock, *fill]


WAITS = (
    "dns",
    "tcp",
    "banner",
    "key exchange",
    "login",
    "jump host",
    "behind a jump host",
    "proxy command",
    "stubborn proxy command",
    "agent that does not answer",
    "agent that takes no connection",
    "agent that does not sign",
    "passphrase",
    "unknown host key",
    "match exec",
    "key file",
    "known_hosts file",
)


@pytest.fixture(params=WAITS)
def case(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    sshd: Sshd,
    silent: Silent,
) -> Iterator[Case]:
    """Each thing that connecting waits for, and that does not come."""
    close: list[Callable[[], object]] = []
    what = request.param
    host = HostSettings(name="h", address="127.0.0.1", port=silent.port, user="me")
    made = Case(host)
    monkeypatch.setattr(prompts, "MOST_ANSWER_SECONDS", 1.0)
    monkeypatch.setattr(connections, "CONFIG_SECONDS", 1.0)
    if what == "dns":
        monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: time.sleep(30))
    elif what == "tcp":
        port, keep = full_port()
        made.settings = HostSettings(name="h", address="127.0.0.1", port=port)
        close += [sock.close for sock in keep]
    elif what == "key exchange":
        place = Silent("127.0.0.1", b"SSH-2.0-Silent\r\n")
        close.append(place.close)
        made.settings = HostSettings(name="h", address="127.0.0.1", port=place.port)
    elif what == "login":
        server = Sshd(
            tmp_path / "s", "AuthorizedKeysCommand /bin/sleep 60", "AuthorizedKeysCommandUser root"
        )
        server.authorized.write_text("")
        close.append(server.stop)
        made.settings = server.settings()
    elif what == "jump host":
        made.config = (
            f"Host gate\n HostName 127.0.0.1\n Port {silent.port}\nHost b\n ProxyJump gate\n"
        )
        made.settings = HostSettings(name="h", address="b")
    elif what == "behind a jump host":
        port, keep = full_port()
        close += [sock.close for sock in keep]
        made.config = (
            f"Host gate\n HostName 127.0.0.1\n Port {sshd.port}\n IdentityFile {sshd.login_key}\n"
            f" UserKnownHostsFile {sshd.known_hosts}\n"
            f"Host b\n HostName 127.0.0.1\n Port {port}\n ProxyJump gate\n"
        )
        made.settings = HostSettings(name="h", address="b")
    elif "proxy command" in what:
        trap = "trap '' TERM; " if "stubborn" in what else ""
        script = tmp_path / "proxy"
        script.write_text(f"{trap}sleep 60\n")
        made.config = f"ProxyCommand sh {script}\n"
        close.append(lambda: until(lambda: not running(str(script)), 15) or pytest.fail("left"))
    elif what == "agent that takes no connection":
        sock = socket.socket(socket.AF_UNIX)
        sock.bind(str(tmp_path / "agent"))
        sock.listen(0)
        fill = [socket.socket(socket.AF_UNIX) for _ in range(3)]
        for one in fill:
            one.setblocking(False)
            one.connect_ex(str(tmp_path / "agent"))
        monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "agent"))
        close += [one.close for one in [sock, *fill]]
    elif what == "agent that does not answer":
        place = Silent(tmp_path / "agent")
        monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "agent"))
        close.append(place.close)
    elif what == "agent that does not sign":
        blob = _wire(sshd.login_key)
        listed = b"\x0c" + (1).to_bytes(4, "big") + blob + (4).to_bytes(4, "big") + b"test"
        place = Silent(tmp_path / "agent", len(listed).to_bytes(4, "big") + listed)
        monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "agent"))
        close.append(place.close)
        made.settings = sshd.settings(identity_file=None)
    elif what == "passphrase":
        made.settings = sshd.settings(identity_file=keygen(tmp_path / "key", "ed25519", "sesame"))
        made.prompts = Asleep()
    elif what == "unknown host key":
        made.settings = sshd.settings(known_hosts=tmp_path / "none")
        made.prompts = Asleep()
    elif what == "match exec":
        monkeypatch.setattr(config_match, "EXEC_SECONDS", 30.0)
        made.config = 'Match exec "sleep 20"\n User x\n'
    elif what == "key file":
        os.mkfifo(tmp_path / "fifo")
        made.config = f"IdentityFile {tmp_path / 'fifo'}\n"
    elif what == "known_hosts file":
        os.mkfifo(tmp_path / "fifo")
        made.settings = sshd.settings(known_hosts=tmp_path / "fifo")
    yield made
    for end in close:
        end()


def _wire(key: Path) -> bytes:
    import base64

    blob = base64.b64decode(Path(f"{key}.pub").read_text().split()[1])
    return len(blob).to_bytes(4, "big") + blob


def connect(
    case: Case, tmp_path: Path, timeout: float, cancel: threading.Event | None
) -> HostError:
    """The error of connecting."""
    import msgspec

    config = tmp_path / "config"
    config.write_text(case.config)
    settings = msgspec.structs.replace(case.settings, connect_timeout=timeout)
    fleet = connector(case.prompts, config)
    with pytest.raises(HostError) as caught:
        fleet.connect(settings, cancel)
    fleet.close()
    return caught.value


@pytest.mark.fault("endless-wait")
def test_is_called_off(case: Case, tmp_path: Path) -> None:
    cancel = threading.Event()
    threading.Timer(0.4, cancel.set).start()
    begun = time.monotonic()
    error = connect(case, tmp_path, 300.0, cancel)
    assert error.kind == "cancelled"
    assert 0.3 < time.monotonic() - begun < 2.5


@pytest.mark.fault("endless-wait")
def test_has_a_limit(case: Case, tmp_path: Path) -> None:
    begun = time.monotonic()
    error = connect(case, tmp_path, 1.0, None)
    assert error.kind in ("unreachable", "login", "host-key")
    assert error.reason
    assert 0.5 < time.monotonic() - begun < 8


@pytest.mark.fault("jump-fails")
def test_a_dead_jump_host_is_tried_once_for_all(tmp_path: Path, silent: Silent) -> None:
    """Those who wait for another's attempt take its outcome: the time is that of one."""
    config = tmp_path / "config"
    config.write_text(
        f"Host gate\n HostName 127.0.0.1\n Port {silent.port}\nHost b*\n ProxyJump gate\n"
    )
    fleet = connector(config=config)
    hosts = [
        HostSettings(name=f"b{number}", address=f"b{number}", connect_timeout=1.0)
        for number in range(20)
    ]
    begun = time.monotonic()
    outcomes = run_on_all(hosts, fleet.connect, 20)
    assert time.monotonic() - begun < 5
    for outcome in outcomes:
        assert isinstance(outcome.error, HostError)
        assert outcome.error.name == outcome.item.name
        assert outcome.error.reason.startswith("jump host gate: port ")
    assert len(silent.taken) == 1


@pytest.mark.fault("endless-wait")
def test_waiting_for_another_s_attempt_is_called_off(tmp_path: Path, silent: Silent) -> None:
    config = tmp_path / "config"
    config.write_text(
        f"Host gate\n HostName 127.0.0.1\n Port {silent.port}\nHost b\n ProxyJump gate\n"
    )
    fleet = connector(config=config)
    settings = HostSettings(name="h", address="b", connect_timeout=300.0)
    cancels = [threading.Event(), threading.Event()]
    first = threading.Thread(
        target=lambda: run_on_all([1], lambda _: fleet.connect(settings, cancels[0]), 1)
    )
    first.start()
    assert until(lambda: silent.taken)
    threading.Timer(0.3, cancels[1].set).start()
    begun = time.monotonic()
    with pytest.raises(HostError, match="cancelled"):
        fleet.connect(settings, cancels[1])
    assert time.monotonic() - begun < 2
    cancels[0].set()
    first.join(5)
    assert not first.is_alive()
    assert len(silent.taken) == 1


@pytest.mark.fault("endless-wait")
def test_an_attempt_that_was_called_off_fails_nobody_else(tmp_path: Path, sshd: Sshd) -> None:
    """One host is cancelled while it opens the jump host that another waits for."""
    slow = tmp_path / "slow"
    slow.write_text(f'sleep 1; exec {sys.executable} -c "{PIPE}" 127.0.0.1 {sshd.port}\n')
    config = tmp_path / "config"
    login = f" IdentityFile {sshd.login_key}\n UserKnownHostsFile {tmp_path / 'kh'}\n"
    (tmp_path / "kh").write_text(f"k {Path(f'{sshd.host_keys[0]}.pub').read_text()}")
    config.write_text(
        f"Host gate\n HostKeyAlias k\n ProxyCommand sh {slow}\n{login}"
        f"Host b\n HostName 127.0.0.1\n HostKeyAlias k\n Port {sshd.port}\n ProxyJump gate\n{login}"
    )
    fleet = connector(config=config)
    settings = HostSettings(name="h", address="b")
    cancel = threading.Event()
    first = threading.Thread(
        target=lambda: run_on_all([1], lambda _: fleet.connect(settings, cancel), 1)
    )
    first.start()
    threading.Timer(0.7, cancel.set).start()
    time.sleep(0.3)
    machine = fleet.connect(settings)
    assert machine.run("echo there", timeout=20).text == "there\n"
    machine.close()
    fleet.close()
    first.join(20)


PIPE = (
    "import os,socket,sys,threading as t;"
    "s=socket.create_connection((sys.argv[1],int(sys.argv[2])));"
    "f=lambda r,w:[w(d) for d in iter(lambda:r(65536),b'')];"
    "t.Thread(target=f,args=(s.recv,lambda d:os.write(1,d)),daemon=True).start();"
    "f(lambda n:os.read(0,n),s.sendall)"
)


def ring(aliases: list[str], sshd: Sshd) -> str:
    """Aliases of one address, each behind the next, the last behind the first."""
    return "".join(
        f"Host {alias}\n HostName 127.0.0.1\n Port {sshd.port}\n IdentityFile {sshd.login_key}\n"
        f" UserKnownHostsFile {sshd.known_hosts}\n"
        f" ProxyJump {aliases[(number + 1) % len(aliases)]}\n"
        for number, alias in enumerate(aliases)
    )


class TestCircles:
    @pytest.mark.fault("jump-circle")
    @pytest.mark.parametrize("length", [1, 2, 3, 4, 12])
    def test_of_aliases_of_one_address(self, sshd: Sshd, tmp_path: Path, length: int) -> None:
        aliases = [f"a{number}" for number in range(length)]
        config = tmp_path / "config"
        config.write_text(ring(aliases, sshd))
        fleet = connector(config=config)
        begun = time.monotonic()
        hosts = [HostSettings(name=alias, address=alias) for alias in aliases]
        for outcome in run_on_all(hosts, fleet.connect, 12):
            assert isinstance(outcome.error, HostError)
            assert "ProxyJump is circular or too long: " in outcome.error.reason
            assert f"{outcome.item.name} → " in outcome.error.reason
        assert time.monotonic() - begun < 3

    @pytest.mark.fault("jump-circle")
    def test_outside_of_the_circle(self, sshd: Sshd, tmp_path: Path) -> None:
        config = tmp_path / "config"
        config.write_text(ring(["a", "b"], sshd) + "Host c\n ProxyJump x,b\nHost x\n ProxyJump a\n")
        with pytest.raises(HostError, match="c → x → a → b → a"):
            connector(config=config).connect(HostSettings(name="c", address="c"))

    @pytest.mark.fault("jump-circle")
    def test_with_users_and_ports(self, tmp_path: Path) -> None:
        config = tmp_path / "config"
        config.write_text("Host a\n ProxyJump u@b:1\nHost b\n ProxyJump v@a:2\n")
        with pytest.raises(HostError, match="is circular"):
            connector(config=config).connect(HostSettings(name="a", address="a", user="w"))

    @pytest.mark.fault("jump-circle")
    def test_that_never_repeats(self, tmp_path: Path) -> None:
        config = tmp_path / "config"
        config.write_text("Host *\n ProxyJump x%n\n")
        with pytest.raises(HostError, match="circular or too long: a → xa → xxa"):
            connector(config=config).connect(HostSettings(name="a", address="a"))

    def test_one_address_twice_is_none(self, sshd: Sshd, tmp_path: Path) -> None:
        """What is 127.0.0.1 here is another machine behind a jump host."""
        config = tmp_path / "config"
        rest = ring(["a", "b", "c"], sshd)
        config.write_text(
            f"Host c\n ProxyJump none\n{rest}Host d\n ProxyJump b,b,c\n{ring(['d'], sshd)}"
        )
        fleet = connector(config=config)
        for alias in "abcd":
            machine = fleet.connect(HostSettings(name=alias, address=alias))
            assert machine.run("echo there", timeout=20).text == "there\n"
            machine.close()
        fleet.close()

    @pytest.mark.fault("jump-circle")
    def test_two_fleets_of_one_another(self, sshd: Sshd, tmp_path: Path) -> None:
        """Each is the other's jump host, at once: nobody waits for the other for ever."""
        config = tmp_path / "config"
        config.write_text(
            ring(["a", "b"], sshd).replace("ProxyJump a", "ProxyJump a2")
            + ring(["a2", "end"], sshd).replace("ProxyJump a2", "ProxyJump none")
            + "Host end\n ProxyJump none\n"
        )
        fleet = connector(config=config)
        hosts = [
            HostSettings(name=f"{alias}{n}", address=alias)
            for n in range(4)
            for alias in ("a", "b")
        ]
        outcomes = run_on_all(hosts, fleet.connect, 8)
        assert [outcome.error for outcome in outcomes] == [None] * 8
        fleet.close()


@pytest.mark.fault("jump-circle")
@pytest.mark.parametrize("words", [["hosts"], ["run", "build"]], ids=["hosts", "run"])
def test_an_interrupt_ends_the_command(words: list[str], tmp_path: Path, silent: Silent) -> None:
    """One Ctrl-C, while hosts wait for a jump host that says nothing."""
    home = tmp_path / "home"
    (home / ".ssh").mkdir()
    (home / ".ssh" / "config").write_text(
        f"Host gate\n HostName 127.0.0.1\n Port {silent.port}\nHost b*\n ProxyJump gate\n"
    )
    (tmp_path / "hosts.toml").write_text(
        "[defaults]\nconnect_timeout = 300\n"
        + "".join(f'[[hosts]]\nname = "b{n}"\naddress = "b{n}"\n' for n in range(3))
    )
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "Dockerfile").write_text("FROM scratch\nCOPY . .\n")
    process = subprocess.Popen(
        [sys.executable, "-m", "cachetui", *words, "--hosts", tmp_path / "hosts.toml"],
        cwd=tmp_path,
        env={**os.environ, "HOME": str(home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    assert until(lambda: silent.taken, 20)
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    try:
        said = process.communicate(timeout=5)[0].decode()
    finally:
        process.kill()
    assert process.returncode == 130, said
