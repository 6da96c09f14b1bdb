"""Hosts that are known by a certificate authority, at a real sshd whose key is signed."""

from __future__ import annotations

import base64
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cachetui.hosts.machine import HostError
from cachetui.hosts.ssh import host_certificate
from tests.hosts.conftest import Nobody, connector
from tests.hosts.sshd import Sshd, keygen


class Signed:
    """An sshd, an authority, and a known_hosts file that trusts the authority for the host."""

    def __init__(self, folder: Path, kind: str = "ed25519", of_authority: str = "ed25519") -> None:
        folder.mkdir()
        self.folder = folder
        self.authority = keygen(folder / "ca", of_authority)
        certificate = folder / "s" / f"host_{kind}-cert.pub"
        self.sshd = Sshd(folder / "s", f"HostCertificate {certificate}", kinds=(kind,))
        self.known = folder / "kh"
        self.trust(self.authority)

    def trust(self, *authorities: Path, names: str = "*") -> None:
        """Write the known_hosts file."""
        self.known.write_text(
            "".join(f"@cert-authority {names} {public(ca)}\n" for ca in authorities)
        )

    def sign(self, *options: str, names: str | None = "127.0.0.1", host: bool = True) -> None:
        """Sign the host's key, and have sshd read it."""
        self.sshd.stop()
        words: list[str | Path] = ["ssh-keygen", "-q", "-s", self.authority, "-I", "test"]
        words += ["-h"] if host else []
        words += ["-n", names] if names else []
        key = Path(f"{self.sshd.host_keys[0]}.pub")
        subprocess.run([*words, *options, key], check=True, timeout=30)
        self.sshd.start()

    def connect(self) -> str:
        """What a command prints there. Asks nobody."""
        prompts = Nobody()
        settings = self.sshd.settings(known_hosts=self.known)
        machine = connector(prompts).connect(settings)
        try:
            assert prompts.asked == []
            return machine.run("echo there", timeout=20).text
        finally:
            machine.close()

    def fails(self) -> str:
        with pytest.raises(HostError) as caught:
            self.connect()
        assert caught.value.kind == "host-key"
        assert "have its host key signed again" in caught.value.remedy
        return caught.value.reason


def public(key: Path) -> str:
    return " ".join(Path(f"{key}.pub").read_text().split()[:2])


@pytest.fixture
def signed(tmp_path: Path) -> Iterator[Callable[..., Signed]]:
    made: list[Signed] = []

    def make(*kinds: str) -> Signed:
        made.append(Signed(tmp_path / f"signed{len(made)}", *kinds))
        return made[-1]

    yield make
    for each in made:
        each.sshd.stop()


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
@pytest.mark.parametrize("of_authority", ["ed25519", "ecdsa", "rsa"])
def test_trusted(signed: Callable[..., Signed], kind: str, of_authority: str) -> None:
    host = signed(kind, of_authority)
    host.sign()
    assert host.connect() == "there\n"


@pytest.mark.fault("host-certificate")
def test_names_and_time(signed: Callable[..., Signed]) -> None:
    host = signed()
    host.sign(names="other,127.0.0.*")
    assert host.connect() == "there\n"
    host.sign(names="a.example.com,10.0.0.1")
    assert "its certificate is not for 127.0.0.1, only for a.example.com, 10.0.0.1" in host.fails()
    host.sign(names=None)
    assert "is not for 127.0.0.1, only for no name" in host.fails()
    host.sign("-V", "20200101:20210101")
    assert "its certificate expired on 2021-01-01 00:00 UTC" in host.fails()
    host.sign("-V", "20900101:20910101")
    assert "its certificate is not valid before 2090-01-01" in host.fails()
    host.sign("-V", "always:forever")
    assert host.connect() == "there\n"


@pytest.mark.fault("host-certificate")
def test_who_signed(signed: Callable[..., Signed], tmp_path: Path) -> None:
    host = signed()
    host.sign()
    other = keygen(tmp_path / "other")
    host.trust(other)
    assert "is not signed by an authority that known_hosts trusts for it" in host.fails()
    host.trust(other, host.authority)
    assert host.connect() == "there\n"
    host.trust(host.authority, names="10.*")
    with pytest.raises(HostError, match="its host key is not known"):
        host.connect()
    host.trust(host.authority, names=f"[127.0.0.1]:{host.sshd.port}")
    assert host.connect() == "there\n"


@pytest.mark.fault("host-certificate")
def test_what_is_revoked(signed: Callable[..., Signed]) -> None:
    host = signed()
    host.sign()
    trust = host.known.read_text()
    host.known.write_text(f"{trust}@revoked * {public(host.authority)}\n")
    with pytest.raises(HostError, match="its host key is not known"):
        host.connect()
    host.known.write_text(f"{trust}@revoked * {public(host.sshd.host_keys[0])}\n")
    with pytest.raises(HostError, match="its host key is revoked"):
        host.connect()


@pytest.mark.fault("host-certificate")
def test_another_kind_of_certificate(signed: Callable[..., Signed]) -> None:
    """One of a user, and one that is signed in a way that can be forged. sshd takes the first only
    as a file; so both are looked at here."""
    host = signed("ed25519", "rsa")
    trusted = {public(host.authority).split()[1]}
    key = Path(f"{host.sshd.host_keys[0]}.pub")
    for options, says in (
        (("-h", "-n", "a"), None),
        (("-n", "a"), "is a user certificate, not a host certificate"),
        (("-h", "-n", "a", "-t", "rsa-sha2-256"), None),
        (("-h", "-n", "a", "-t", "ssh-rsa"), "is signed with SHA-1 (ssh-rsa), which can be forged"),
        (("-n", "a", "-h", "-O", "critical:x@y"), "has critical options that are not known"),
    ):
        words = ["ssh-keygen", "-q", "-s", host.authority, "-I", "test", *options, key]
        subprocess.run(words, check=True, timeout=30)
        blob = base64.b64decode(Path(f"{host.sshd.host_keys[0]}-cert.pub").read_text().split()[1])
        assert host_certificate.refusal(blob, trusted, "a") == says
    for number in range(0, len(blob), 7):
        changed = blob[:number] + bytes([blob[number] ^ 1]) + blob[number + 1 :]
        assert host_certificate.refusal(changed, trusted, "a") is not None
        assert host_certificate.refusal(blob[:number], trusted, "a") is not None


def test_a_known_key_needs_no_certificate(signed: Callable[..., Signed]) -> None:
    host = signed()
    host.sign(names="other")
    host.known.write_text(host.known.read_text() + host.sshd.known_hosts.read_text())
    assert host.connect() == "there\n"


@pytest.mark.fault("host-certificate")
def test_a_changed_key_with_a_certificate(signed: Callable[..., Signed], tmp_path: Path) -> None:
    """The authority vouches for the new key, whatever the old one was."""
    host = signed()
    host.sign()
    old = f"[127.0.0.1]:{host.sshd.port} {public(keygen(tmp_path / 'old'))}\n"
    host.known.write_text(host.known.read_text() + old)
    assert host.connect() == "there\n"


def test_no_certificate(signed: Callable[..., Signed]) -> None:
    assert "by a certificate authority, and its certificate is not shown" in signed().fails()
