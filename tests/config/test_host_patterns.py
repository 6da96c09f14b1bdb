"""Which hosts -w and -x name."""

from __future__ import annotations

import pytest

from cachetui.config.host_patterns import select
from cachetui.config.settings import HostSettings
from cachetui.config.toml_table import ConfigError

HOSTS = tuple(
    HostSettings(name=name, address="x", tags=tuple(tags.split()))
    for name, tags in (
        ("ci-1", "linux"),
        ("ci-2", "linux arm"),
        ("ci-10", ""),
        ("ci-03", ""),
        ("dev", "arm"),
    )
)

SELECTIONS = {
    (): "ci-1 ci-2 ci-10 ci-03 dev",
    ("dev,ci-1",): "ci-1 dev",
    ("dev", "ci-1"): "ci-1 dev",
    ("ci-*",): "ci-1 ci-2 ci-10 ci-03",
    ("ci-?",): "ci-1 ci-2",
    ("ci-[1-2]",): "ci-1 ci-2",
    ("ci-[1-2,10],dev",): "ci-1 ci-2 ci-10 dev",
    ("ci-[03]",): "ci-03",
    ("@arm",): "ci-2 dev",
    ("@linux,@arm",): "ci-1 ci-2 dev",
    ("[a-d]*",): "ci-1 ci-2 ci-10 ci-03 dev",
}


@pytest.mark.parametrize(("include", "names"), SELECTIONS.items())
def test_select(include: tuple[str, ...], names: str) -> None:
    assert [host.name for host in select(HOSTS, include, ())] == names.split()


def test_select_less() -> None:
    assert [host.name for host in select(HOSTS, ["ci-*"], ["@arm", "ci-1"])] == ["ci-10", "ci-03"]


@pytest.mark.parametrize(
    ("include", "exclude", "message"),
    [
        (["ci-4"], [], r'no host is named "ci-4"; did you mean "ci-'),
        (["zzz"], [], r"known: ci-1, ci-2, ci-10, ci-03, dev"),
        ([], ["zzz"], r'no host is named "zzz"'),
        (["x*"], [], r'no host is named "x\*"'),
        (["@amr"], [], r'no host has the tag @amr; did you mean "arm"\?'),
        (["ci-[1-3]"], [], r'no host is named "ci-3"'),
        (["ci-[9-1]"], [], r"is not a range"),
        (["ci-[1-99999999]"], [], r"is not a range of at most"),
        (["dev"], ["@arm"], r"no hosts are left"),
    ],
)
def test_select_mistake(include: list[str], exclude: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        select(HOSTS, include, exclude)


def test_select_without_tags() -> None:
    with pytest.raises(ConfigError, match="no host has any"):
        select([HostSettings(name="a", address="a")], ["@x"])
