"""Fixtures: a real sshd on loopback, and connectors that read no configuration of the machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cachetui.hosts.connect import Connector
from cachetui.hosts.ssh.prompts import SshPrompts
from tests.hosts.sshd import Sshd
from tests.lab import skip_reason
from tests.lab.packages import SYSTEM_PACKAGES, install


@pytest.fixture(scope="session", autouse=True)
def openssh() -> None:
    """Where the lab can run, what it installs is there before the first of these tests."""
    if skip_reason() is None:
        install(SYSTEM_PACKAGES)


@pytest.fixture(scope="session")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    """One sshd for all tests that do not change it."""
    server = Sshd(tmp_path_factory.mktemp("sshd"))
    yield server
    server.stop()


@pytest.fixture
def own_sshd(tmp_path: Path) -> Iterator[Sshd]:
    """An sshd of the test's own, to be changed, stopped and killed."""
    server = Sshd(tmp_path / "sshd")
    yield server
    server.stop()


@pytest.fixture(autouse=True)
def no_agent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Keep the tests from the agent and the keys of whoever runs them."""
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))


class Nobody:
    """An prompts that is asked for nothing: each question is kept, and refused."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def passphrase(self, path: str) -> str | None:
        self.asked.append(path)
        return None

    def unknown_host_key(self, host: str, key_type: str, fingerprint: str) -> bool:
        self.asked.append(f"{host} {key_type} {fingerprint}")
        return False


def connector(prompts: SshPrompts | None = None, config: Path | None = None) -> Connector:
    """A connector with no other configuration than the one given."""
    return Connector(prompts or Nobody(), ssh_config=config, system_config=None)
