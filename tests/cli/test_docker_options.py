"""docker build's own options on the command line of `run`, and the page that lists them all."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from cachetui.builders.option_names import PASSED_ON, REFUSED, SWITCHES
from cachetui.cli import run as run_module
from cachetui.cli.docker_options import OF_RUN, DockerCommand
from cachetui.cli.main import cli
from cachetui.config.build_keys import DOCKER_KEYS
from tests.docs.console import ROOT
from tests.lab import Lab

HOSTS_TOML = """
[[hosts]]
name = "a"
address = "a.example.com"
[builds.app]
context = "."
docker_args = ["--label", "from=file"]
shm_size = "1m"
"""


def words_given(
    monkeypatch: pytest.MonkeyPatch, folder: Path, *arguments: str
) -> tuple[tuple[str, ...], str]:
    """(the build's docker_args, what is said) of `run app …`."""
    given: list[tuple[str, ...]] = []

    def note(_core: Any, build: Any, *_: Any) -> int:
        given.append(build.docker_args)
        return 0

    monkeypatch.setattr(run_module, "run_build_command", note)
    (folder / "hosts.toml").write_text(HOSTS_TOML)
    command = ["run", "app", "--hosts", str(folder / "hosts.toml"), "--store", str(folder / "s")]
    result = CliRunner().invoke(cli, [*command, *arguments])
    return (given[0] if given else ()), result.output


def test_options_follow_those_of_the_file_in_the_order_given(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    words, _ = words_given(
        monkeypatch,
        tmp_path,
        *("--add-host", "b:1", "--pull", "--secret=id=a,env=A", "--add-host", "a:2"),
        *("--shm-size", "2m", "-m", "1g", "-c5", "--cache-from", "r/app:cache"),
    )
    assert " ".join(words) == (
        "--label from=file --shm-size 1m --add-host b:1 --add-host a:2 --pull "
        "--secret id=a,env=A --shm-size 2m --memory 1g --cpu-shares 5 "
        "--cache-from r/app:cache"
    )


@pytest.mark.parametrize(
    ("given", "passed_on"),
    [
        (["--pull=true"], ["--pull"]),
        (["--pull", "--pull=false"], ["--pull", "--pull=false"]),
        (["--pull=0"], ["--pull=0"]),
        (["--label", "--pull", "--pull"], ["--label", "--pull", "--pull"]),
        (["--add-host", "--", "--pull"], ["--add-host", "--", "--pull"]),
    ],
)
def test_a_switch_has_its_value_behind_the_sign_of_equality_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, given: list[str], passed_on: list[str]
) -> None:
    words, said = words_given(monkeypatch, tmp_path, *given)
    assert sorted(words[4:]) == sorted(passed_on), said


def test_every_command_with_dockers_options_reads_them_as_docker_does() -> None:
    with_them = {
        name: command
        for name in cli.list_commands(click.Context(cli))
        if (command := cli.get_command(click.Context(cli), name)) is not None
        and any("--pull" in option.opts for option in command.params)
    }
    assert {"run", "share", "peek"} <= with_them.keys()
    assert [name for name, one in with_them.items() if not isinstance(one, DockerCommand)] == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["-t", "app"], "--tag or -t is not passed on: the audit names"),
        (["-tapp"], "--tag or -t is not passed on: the audit names"),
        (["-q"], "--quiet or -q is not passed on: the audit reads what docker prints"),
        (["-D"], "--debug or -D is not passed on: the audit reads what docker prints"),
        (["--push=true"], "--push is not passed on: the audit names"),
        (["-o", "type=local,dest=out"], "-o type=local,dest=out is not passed on: the audit names"),
    ],
)
def test_docker_s_letters_are_refused_with_a_reason(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, given: list[str], said: str
) -> None:
    words, told = words_given(monkeypatch, tmp_path, *given)
    assert words == ()
    assert said in " ".join(told.split())


@pytest.mark.parametrize("name", sorted(PASSED_ON - OF_RUN - {"no-cache"}))
def test_what_is_passed_on_can_be_typed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    given = [f"--{name}"] if name in SWITCHES else [f"--{name}", "x"]
    words, said = words_given(monkeypatch, tmp_path, *given)
    assert list(words[4:]) == given, said


@pytest.mark.parametrize("name", sorted({"no-cache", *REFUSED} - OF_RUN))
def test_what_is_refused_says_why(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    given = [f"--{name}"] if name in SWITCHES else [f"--{name}", "x"]
    words, said = words_given(monkeypatch, tmp_path, *given)
    assert words == ()
    assert re.search(rf"--{name}( or -\w)? is not passed on: \w+ \w+", said)


def listed() -> set[str]:
    """The options that docs/build-options.md has in the first column of its tables."""
    page = (ROOT / "docs" / "build-options.md").read_text("utf-8")
    rows = [line.split("|")[1] for line in page.splitlines() if line.startswith("| `")]
    return {name for row in rows for name in re.findall(r"`--([a-z-]+)`", row)}


def test_the_page_lists_what_is_passed_on_and_what_is_refused() -> None:
    assert listed() == PASSED_ON | REFUSED.keys()
    page = (ROOT / "docs" / "build-options.md").read_text("utf-8")
    assert all(f"`{key.key}`" in page for key in DOCKER_KEYS)


@pytest.mark.lab
@pytest.mark.parametrize("name", ["old", "mid", "new", "ctd"])
@pytest.mark.parametrize("backend", ["0", "1"])
def test_the_page_lists_what_engines_offer(lab: Lab, name: str, backend: str) -> None:
    command = lab[name].ssh_argv(f"DOCKER_BUILDKIT={backend} docker build --help")
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    offered = set(re.findall(r"^ +(?:-\w, )?--([a-z-]+)", done.stdout, re.MULTILINE))
    assert {"file", "label", "pull", "tag"} <= offered
    assert offered - {"help"} <= listed()
