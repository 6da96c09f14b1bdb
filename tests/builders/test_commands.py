"""The command lines: what each scenario adds, and what must never stand in one that is kept."""

from __future__ import annotations

import shlex

import pytest

from cachetui.builders.client import client, last_line
from cachetui.builders.command_line import Build, build_command, shown_command
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


def command(scenario: str, repeat: int = 1) -> str:
    planned = Planned(scenario, repeat)
    return shown_command(("docker",), BUILD, planned, "A", output_of(scenario))


def output_of(scenario: str) -> OutputFormat:
    return "legacy" if scenario.startswith("legacy") else "rawjson"


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


@pytest.mark.fault("secret-in-messages")
def test_what_is_shown_names_arguments_without_values() -> None:
    shown = command("buildkit-cold")
    assert "hunter22" not in shown
    assert shown.startswith("DOCKER_BUILDKIT=1 docker build ")
    assert "--build-arg TOKEN " in shown
    assert shlex.split(shown)[-3:] == ["-f", "/c/context/Docker file", "/c/context"]
    planned = Planned("buildkit-cold", 1)
    behind_sudo = shown_command(("sudo", "-n", "docker"), BUILD, planned, "A", "plain")
    assert behind_sudo.startswith("sudo -n env DOCKER_BUILDKIT=1 docker build ")


def test_the_environment_reaches_a_client_behind_sudo() -> None:
    env, given = {"A": "1"}, {"B": "x y"}
    assert client(("docker",), env, given) == "B='x y' docker"
    assert client(("/opt/docker",)) == "/opt/docker"
    sudo = ("/usr/bin/sudo", "-n", "docker")
    assert client(sudo) == "/usr/bin/sudo -n docker"
    assert client(sudo, env, given) == "B='x y' /usr/bin/sudo --preserve-env=A,B -n docker"
    assert client(("doas", "docker"), env, given) == "doas env A=1 'B=x y' docker"
    assert client(("doas", "docker"), env, slot="$_t") == "doas env A=1 $_t docker"


def test_our_options_hold_against_the_users() -> None:
    args = ["--no-cache", "--build-arg", "BUILDKIT_CACHE_MOUNT_NS=mine"]
    build = Build(
        "/c", "/c/Dockerfile", build_args={"BUILDKIT_CACHE_MOUNT_NS": "mine"}, docker_args=args
    )
    warm = Planned("buildkit-warm", 1)
    words = shlex.split(shown_command(("docker",), build, warm, "A", "plain"))
    spaces = [word for word in words if word.startswith("BUILDKIT_CACHE_MOUNT_NS=")]
    assert spaces[-1] == "BUILDKIT_CACHE_MOUNT_NS=cachetui-A"
    assert [word for word in words if word.startswith("--no-cache")][-1] == "--no-cache=false"


@pytest.mark.parametrize(
    "name",
    ["UID", "PATH", "HOME", "a-b", "a.b", "1A", "DOCKER_HOST", "LD_PRELOAD", "BUILDX_BUILDER"],
)
def test_a_name_that_the_shell_or_docker_uses_has_its_value_in_the_command(name: str) -> None:
    build = Build("/c", "/c/Dockerfile", build_args={name: "v", "TOKEN": "w"})
    text = build_command(("docker",), {}, build, Planned("legacy-cold", 1), "A", "legacy")
    assert f"--build-arg {name}=v --build-arg TOKEN " in text
    assert text.startswith("TOKEN=w DOCKER_BUILDKIT=0 docker build")


def test_a_long_error_keeps_its_end() -> None:
    said = f"failed commit: Put {'x' * 900}: read: connection reset by peer"
    told = last_line(said, {})
    assert len(told) == 300
    assert told.startswith("failed commit: Put")
    assert told.endswith("connection reset by peer")
