"""The command lines: what each scenario adds, and what must never stand in one that is kept."""

from __future__ import annotations

import shlex

import pytest

from cachetui.builders.command_line import (
    Build,
    build_command,
    client,
    named_folder,
    refused_argument,
)
from cachetui.records.run import OutputFormat
from cachetui.records.scenario import AS_FOUND, SCENARIO_NAMES, Planned

BUILD = Build(
    context="/c/context",
    dockerfile="/c/context/Docker file",
    target="prod",
    build_args={"TOKEN": "hunter22"},
    network="none",
    docker_args=["--shm-size", "1g"],
)


def command(scenario: str, repeat: int = 1, *, values: bool = True) -> str:
    output: OutputFormat = "legacy" if scenario.startswith("legacy") else "rawjson"
    return build_command(
        ("docker",),
        {},
        BUILD,
        Planned(scenario, repeat),
        "A",
        output,
        values=values,
    )


def test_only_cold_runs_say_no_cache() -> None:
    assert {s for s in SCENARIO_NAMES if "--no-cache" in command(s)} == {
        "legacy-cold",
        "buildkit-cold",
    }


def test_every_controlled_buildkit_run_keeps_to_its_namespace_and_name() -> None:
    hosts = {}
    for scenario in ("buildkit-cold", "buildkit-warm", "buildkit-mounts-warm"):
        words = shlex.split(command(scenario))
        assert "BUILDKIT_CACHE_MOUNT_NS=cachetui-A" in words
        hosts[scenario] = words[words.index("--add-host") + 1]
    assert hosts["buildkit-cold"] == hosts["buildkit-warm"] != hosts["buildkit-mounts-warm"]
    again = shlex.split(command("buildkit-mounts-warm", 2))
    assert again[again.index("--add-host") + 1] != hosts["buildkit-mounts-warm"]


@pytest.mark.parametrize("scenario", [scenario.name for scenario in AS_FOUND])
def test_as_found_is_what_a_user_types(scenario: str) -> None:
    words = shlex.split(command(scenario))
    assert not {"--no-cache", "--add-host", "--force-rm", "-t"} & set(words)
    assert not any(word.startswith("BUILDKIT_CACHE_MOUNT_NS") for word in words)


def test_what_is_kept_names_arguments_without_values() -> None:
    kept = command("buildkit-cold", values=False)
    assert "hunter22" not in kept
    assert "--build-arg TOKEN " in kept
    assert shlex.split(kept)[-3:] == ["-f", "/c/context/Docker file", "/c/context"]


def test_the_environment_reaches_a_client_behind_sudo() -> None:
    assert client(("docker",), {"A": "1"}, {"B": "x y"}) == "B='x y' docker"
    assert client(("sudo", "-n", "docker"), {"A": "1"}, {"B": "2"}) == "sudo -n env A=1 B=2 docker"
    assert client(("/opt/docker",)) == "/opt/docker"


def test_our_options_hold_against_the_users() -> None:
    args = ["--no-cache", "--build-arg", "BUILDKIT_CACHE_MOUNT_NS=mine"]
    build = Build(
        "/c", "/c/Dockerfile", build_args={"BUILDKIT_CACHE_MOUNT_NS": "mine"}, docker_args=args
    )
    warm = Planned("buildkit-warm", 1)
    words = shlex.split(build_command(("docker",), {}, build, warm, "A", "plain"))
    spaces = [word for word in words if word.startswith("BUILDKIT_CACHE_MOUNT_NS=")]
    assert spaces[-1] == "BUILDKIT_CACHE_MOUNT_NS=cachetui-A"
    assert [word for word in words if word.startswith("--no-cache")][-1] == "--no-cache=false"


@pytest.mark.parametrize("wrong", ["-t", "-tapp", "--tag=app", "--push", "-o", "--progress=tty"])
def test_what_would_move_the_users_names_is_refused(wrong: str) -> None:
    assert refused_argument(["--shm-size=1g", wrong, "x"]) == wrong
    assert refused_argument(["--shm-size=1g", "--label", "a=-t"]) is None


@pytest.mark.parametrize(
    ("args", "folder"),
    [
        (("--build-context", "data=../data"), "data=../data"),
        (("--build-context=data=/srv/data",), "data=/srv/data"),
        (("--build-context=a=docker-image://x", "--build-context", "b=."), "b=."),
        (("--build-context=l=oci-layout:///srv/l",), "l=oci-layout:///srv/l"),
        (("--build-context=a=docker-image://x:1",), None),
        (("--build-context", "a=https://example.com/x.git"), None),
        (("--build-context=a=target:other",), None),
        (("--label", "--build-context"), None),
    ],
)
def test_a_named_context_that_is_a_folder_is_not_sent(
    args: tuple[str, ...], folder: str | None
) -> None:
    assert named_folder(args) == folder
