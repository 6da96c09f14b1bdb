"""The repository for shared caches, as users name it."""

from pathlib import Path

import pytest

from cachetui.config.hosts_toml import load
from cachetui.config.repository import repository
from cachetui.config.toml_table import ConfigError


def test_a_registry_alone_gets_a_repository() -> None:
    assert repository("127.0.0.1:5000") == "127.0.0.1:5000/cachetui"
    assert repository("reg.example.com/team/cache") == "reg.example.com/team/cache"


@pytest.mark.parametrize(
    "text",
    ["", "https://r/c", "r/c:tag", "r/c@sha256:1", "r/UP", "r/$(id)", "-r/c", "r/c;x", "r//c", "é"],
)
def test_what_is_no_repository_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be"):
        repository(text)


def test_a_host_has_its_own(tmp_path: Path) -> None:
    file = tmp_path / "hosts.toml"
    head = '[defaults]\nregistry = "r:5000/c"\n[[hosts]]\nname = "a"\naddress = "a"\n'
    file.write_text(head + '[[hosts]]\nname = "b"\naddress = "b"\nregistry = "10.0.0.1:5000"\n')
    assert [h.registry for h in load(file).hosts] == ["r:5000/c", "10.0.0.1:5000/cachetui"]
    file.write_text(head + 'registry = "https://r"\n')
    with pytest.raises(ConfigError, match=r"registry.*must be without https://"):
        load(file)
