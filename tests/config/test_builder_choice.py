"""`builder` of hosts and builds: where it is kept, which wins, and what cannot be named."""

from __future__ import annotations

from pathlib import Path

import pytest

from cachetui.config.builder_choice import with_builder
from cachetui.config.hosts_toml import load
from cachetui.config.settings import HostSettings, Settings
from cachetui.config.toml_table import ConfigError

HOST = '[[hosts]]\nname = "a"\naddress = "local"\n'


def settings(tmp_path: Path, text: str) -> Settings:
    path = tmp_path / "hosts.toml"
    path.write_text(text)
    return load(path)


def host(tmp_path: Path, text: str) -> HostSettings:
    return settings(tmp_path, text).hosts[0]


def test_the_variable_names_it_too(tmp_path: Path) -> None:
    named = host(tmp_path, HOST + 'builder = "big"\n')
    assert (named.builder, named.docker) == ("big", ("docker",))
    assert named.env == {"BUILDX_BUILDER": "big"}
    assert named.hidden_env == {}, "its name is among the facts"


def test_for_all_hosts_and_for_one(tmp_path: Path) -> None:
    defaults = '[defaults]\nbuilder = "big"\n'
    own = HOST + 'env = { A = "1", BUILDX_BUILDER = "theirs" }\n'
    named = host(tmp_path, defaults + own)
    assert named.env == {"A": "1", "BUILDX_BUILDER": "big"}
    assert host(tmp_path, defaults + own + 'builder = "small"\n').builder == "small"


def test_that_of_a_build_wins(tmp_path: Path) -> None:
    text = HOST + 'builder = "big"\n[builds.api]\ncontext = "."\nbuilder = "ci"\n'
    read = settings(tmp_path, text)
    assert read.builds["api"].builder == "ci"
    assert with_builder(read.hosts[0], "ci").env == {"BUILDX_BUILDER": "ci"}
    assert with_builder(read.hosts[0], None) == read.hosts[0]


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ('builder = "-x"', "not the name of a builder"),
        ('builder = "a b"', "not the name of a builder"),
        ("builder = 1", "must be"),
    ],
)
@pytest.mark.parametrize("table", [HOST, HOST + '[builds.api]\ncontext = "."\n'])
def test_what_cannot_be(tmp_path: Path, table: str, keys: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as error:
        settings(tmp_path, f"{table}{keys}\n")
    assert "builder" in str(error.value)
