"""The repository for shared caches, as users name it."""

from pathlib import Path
from threading import Event

import pytest

from cachetui.config.hosts_toml import load
from cachetui.config.repository import repository
from cachetui.config.settings import folder_build
from cachetui.config.toml_table import ConfigError
from cachetui.core import Core
from cachetui.share.kinds import KINDS
from cachetui.store.database import Store


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


def test_one_on_top_is_for_all_that_have_none(tmp_path: Path) -> None:
    file = tmp_path / "hosts.toml"
    hosts = '[[hosts]]\nname = "a"\naddress = "a"\n[[hosts]]\nname = "b"\naddress = "b"\n'
    file.write_text(f'registry = "r:5000/c"\n{hosts}registry = "10.0.0.1:5000/c"\n')
    settings = load(file)
    assert settings.registry == "r:5000/c"
    assert [host.registry for host in settings.hosts] == [None, "10.0.0.1:5000/c"]
    file.write_text(f'registry = "r/c:tag"\n{hosts}')
    with pytest.raises(ConfigError, match=r"registry.*without a tag|registry.*must be"):
        load(file)


@pytest.mark.parametrize(("asked", "used"), [(None, "r:5000/c"), ("other:1/c", "other:1/c")])
def test_the_command_line_comes_before_it(tmp_path: Path, asked: str | None, used: str) -> None:
    file = tmp_path / "hosts.toml"
    file.write_text('registry = "r:5000/c"\n[[hosts]]\nname = "a"\naddress = "a"\n')
    (tmp_path / "Dockerfile").write_text("FROM base:1\nRUN make\n")
    core = Core(load(file), Store(tmp_path / "store"))
    sharing = core.sharing(
        folder_build(tmp_path), core.settings.hosts, KINDS, registry=asked, cancel=Event()
    )
    assert sharing.shared.repository(core.settings.hosts[0]) == used
