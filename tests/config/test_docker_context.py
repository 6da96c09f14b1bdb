"""Contexts of docker as hosts, read from the files of docker's client."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from cachetui.config.hosts_toml import load
from cachetui.config.settings import HostSettings
from cachetui.config.toml_table import ConfigError


def loaded(
    monkeypatch: pytest.MonkeyPatch, folder: Path, endpoint: str, more: str = ""
) -> HostSettings:
    """The host of a hosts.toml that names the context "ci"."""
    monkeypatch.setenv("DOCKER_CONFIG", str(folder))
    meta = folder / "contexts" / "meta" / hashlib.sha256(b"ci").hexdigest()
    meta.mkdir(parents=True)
    text = json.dumps({"Name": "ci", "Endpoints": {"docker": {"Host": endpoint}}})
    (meta / "meta.json").write_text(text if endpoint else "[")
    file = folder / "hosts.toml"
    file.write_text(
        f'[defaults]\nuser = "all"\n[[hosts]]\nname = "a"\naddress = "context:ci"\n{more}'
    )
    return load(file).hosts[0]


def test_a_context_over_ssh_is_a_host(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    host = loaded(monkeypatch, tmp_path, "ssh://me@ci.example.com:2222")
    assert (host.address, host.user, host.port) == ("ci.example.com", "me", 2222)


def test_keys_of_the_host_hold_over_the_context(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    host = loaded(monkeypatch, tmp_path, "ssh://me@ci.example.com", 'user = "you"\nport = 1\n')
    assert (host.address, host.user, host.port) == ("ci.example.com", "you", 1)


def test_what_the_context_does_not_say_is_of_the_defaults(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    host = loaded(monkeypatch, tmp_path, "ssh://ci.example.com")
    assert (host.user, host.port) == ("all", None)


@pytest.mark.parametrize(
    ("endpoint", "said"),
    [
        ("tcp://10.0.0.1:2376", "is reached over tcp, and cachetui works over ssh"),
        ("unix:///var/run/docker.sock", 'is of this machine; write address = "local"'),
        ("npipe:////./pipe/docker_engine", "is reached over npipe"),
        ("ssh://ci:no", "has a port that is not a number"),
        ("ssh://[::1", "has an address that cannot be read"),
        ("", "cannot be read from .*meta.json"),
        ("ssh://me:pw@ci", "has a password in its address"),
        ("ssh://me@ci?a=b", r"has an address with a \? or #"),
    ],
)
def test_what_cannot_be_a_host_says_why(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, endpoint: str, said: str
) -> None:
    with pytest.raises(ConfigError, match=rf':5: .*address: "ci" {said}'):
        loaded(monkeypatch, tmp_path, endpoint)


@pytest.mark.parametrize("address", ["-oProxyCommand=x", "a b", "a[b"])
def test_the_address_of_a_context_is_checked_as_any_other(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, address: str
) -> None:
    with pytest.raises(ConfigError, match=r":5: .*address"):
        loaded(monkeypatch, tmp_path, f"ssh://me@{address}")


def test_the_socket_of_a_context_is_the_engine_that_builds(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    host = loaded(monkeypatch, tmp_path, "ssh://ci/run/user/7/docker.sock", 'env = { A = "1" }\n')
    assert host.env == {"DOCKER_HOST": "unix:///run/user/7/docker.sock", "A": "1"}
    own = 'env = { DOCKER_HOST = "unix:///own" }\n'
    host = loaded(monkeypatch, tmp_path / "b", "ssh://ci/run/docker.sock", own)
    assert host.env == {"DOCKER_HOST": "unix:///own"}


def test_the_default_context_is_no_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    (tmp_path / "hosts.toml").write_text('[[hosts]]\nname = "a"\naddress = "context:default"\n')
    with pytest.raises(ConfigError, match=r'"default" is not a certain machine.*address = "local"'):
        load(tmp_path / "hosts.toml")


def test_a_context_that_is_not_there_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    (tmp_path / "hosts.toml").write_text('[[hosts]]\nname = "a"\naddress = "context:no"\n')
    with pytest.raises(ConfigError, match=r'"no" is not a docker context here; .docker context ls'):
        load(tmp_path / "hosts.toml")
