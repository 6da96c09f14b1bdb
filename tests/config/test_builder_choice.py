"""`builder` of a host: the words and variables that it becomes, and what cannot be named."""

from __future__ import annotations

from pathlib import Path

import pytest

from cachetui.config.hosts_toml import load
from cachetui.config.settings import HostSettings
from cachetui.config.toml_table import ConfigError

HOST = '[[hosts]]\nname = "a"\naddress = "local"\n'


def host(tmp_path: Path, text: str) -> HostSettings:
    path = tmp_path / "hosts.toml"
    path.write_text(text)
    return load(path).hosts[0]


def test_it_is_the_docker_context(tmp_path: Path) -> None:
    named = host(tmp_path, HOST + 'builder = "big"\n')
    assert named.docker == ("docker", "--context", "big")
    assert named.env == {"BUILDX_BUILDER": "big"}


def test_for_all_hosts_and_with_sudo(tmp_path: Path) -> None:
    defaults = '[defaults]\nbuilder = "big"\n'
    own = HOST + 'docker = "sudo -H -n docker"\nenv = { A = "1" }\n'
    named = host(tmp_path, defaults + own)
    assert named.docker == ("sudo", "-H", "-n", "docker", "--context", "big")
    assert named.env == {"A": "1", "BUILDX_BUILDER": "big"}
    assert host(tmp_path, defaults + own + 'builder = "small"\n').docker[-1] == "small"


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ('builder = "-x"', "no name of a builder"),
        ('builder = "a b"', "no name of a builder"),
        ('builder = "b1"\ndocker = "docker -H tcp://x"', "so does -H in docker"),
        ('builder = "b1"\ndocker = "docker --context=c"', "so does --context=c in docker"),
        ("builder = 1", "must be"),
    ],
)
def test_what_cannot_be(tmp_path: Path, keys: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as error:
        host(tmp_path, f"{HOST}{keys}\n")
    assert "builder" in str(error.value)
