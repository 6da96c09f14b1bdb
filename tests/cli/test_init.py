"""`cachetui init`: which machines it suggests, and what one chooses of them."""

from __future__ import annotations

from pathlib import Path

import pytest
import tomli
from click.testing import CliRunner, Result

from cachetui.cli import init as init_module
from cachetui.cli.main import cli

CONFIG = """
Include more
Host ci-1 ci-2 *.example.com !old
    ProxyJump ops@bastion:2222,inner
Host bastion inner
    HostName %h.corp.example.com
Host gate
Host behind
    ProxyCommand /usr/bin/ssh -q -W %h:%p gate
Host github.com gh work
    User git
Host forge
    HostName gitlab.corp.example.com
Host gitlab-runner-1
"""
MORE = "Host ci-9\n"
SUGGESTED = ["ci-9", "ci-1", "ci-2", "behind", "gitlab-runner-1"]
LEFT_OUT = {
    **dict.fromkeys(("bastion", "inner", "gate"), "others are reached through it"),
    **dict.fromkeys(("github.com", "gh", "work", "forge"), "a git host"),
}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", "")
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "config").write_text(CONFIG)
    (tmp_path / ".ssh" / "more").write_text(MORE)
    return tmp_path


def written(home: Path) -> list[str]:
    return [host["name"] for host in tomli.loads((home / "hosts.toml").read_text())["hosts"]]


def answer(monkeypatch: pytest.MonkeyPatch, text: str) -> Result:
    """`init` with a terminal at which that is typed."""

    class Terminal:
        @staticmethod
        def isatty() -> bool:
            return True

    class System:
        stdin = Terminal()

    monkeypatch.setattr(init_module, "sys", System())
    return CliRunner().invoke(cli, ["init"], input=text)


def test_git_hosts_and_bastions_are_left_out_and_told(home: Path) -> None:
    done = CliRunner().invoke(cli, ["init", "--yes"])
    assert done.exit_code == 0, done.output
    assert written(home) == SUGGESTED
    for name, reason in LEFT_OUT.items():
        assert f"left out: {name}: {reason}" in done.stderr


@pytest.mark.parametrize(
    ("typed", "names"),
    [
        ("\n\n", SUGGESTED),
        ("ci-[1-2]\ny\n", ["ci-1", "ci-2"]),
        ("nobody\nci-*,bastion\ny\n", ["ci-9", "ci-1", "ci-2", "bastion"]),
    ],
)
def test_a_user_at_a_terminal_chooses(
    home: Path, monkeypatch: pytest.MonkeyPatch, typed: str, names: list[str]
) -> None:
    done = answer(monkeypatch, typed)
    assert done.exit_code == 0, done.output
    assert written(home) == names
    assert ('no host is named "nobody"' in done.stderr) == ("nobody" in typed)


def test_nothing_is_written_without_agreement(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert answer(monkeypatch, "\nn\n").exit_code == 2
    assert not (home / "hosts.toml").exists()


def test_only_others_than_build_hosts_are_no_hosts_toml(home: Path) -> None:
    (home / ".ssh" / "config").write_text("Host github.com\n")
    done = CliRunner().invoke(cli, ["init", "--yes"])
    assert done.exit_code == 2
    assert "no build host is left" in done.stderr


@pytest.mark.parametrize(
    "words", [("--hosts", "my team.toml", "init"), ("init", "--hosts=my team.toml")]
)
@pytest.mark.parametrize("also", [(), ("-o", "my team.toml")])
def test_the_file_of_hosts_that_is_named_is_the_one_that_is_written(
    home: Path, words: tuple[str, ...], also: tuple[str, ...]
) -> None:
    done = CliRunner().invoke(cli, [*words, *also, "--yes"])
    assert done.exit_code == 0, done.output
    assert [path.name for path in home.glob("*.toml")] == ["my team.toml"]
    assert "wrote my team.toml; cachetui hosts --hosts 'my team.toml' -w NAME" in done.stderr
    again = CliRunner().invoke(cli, [*words, *also, "--yes"])
    assert (again.exit_code, "my team.toml exists already" in again.stderr) == (2, True)


def test_two_files_to_write_are_refused(home: Path) -> None:
    done = CliRunner().invoke(cli, ["--hosts", "a.toml", "init", "-o", "b.toml", "--yes"])
    assert done.exit_code == 2
    assert "-o says b.toml and --hosts says a.toml" in done.stderr
    assert not [*home.glob("*.toml")]


def test_where_it_is_looked_for_first_no_option_is_named() -> None:
    done = CliRunner().invoke(cli, ["init", "--yes"])
    assert "wrote hosts.toml; cachetui hosts -w NAME" in done.stderr


@pytest.mark.parametrize("config", ["Host a\n  Port nonsense\n", "Host a b\n  ProxyJump b\n"])
def test_what_cannot_be_looked_up_stays(home: Path, config: str) -> None:
    (home / ".ssh" / "config").write_text(config)
    assert CliRunner().invoke(cli, ["init", "--yes"]).exit_code == 0
    assert written(home)[0] == "a"
