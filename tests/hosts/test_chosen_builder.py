"""The builder that is named for a host, found on it: a docker context, another driver, or none."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from cachetui.config.builder_choice import with_builder
from cachetui.config.settings import HostSettings
from cachetui.hosts.chosen_builder import with_chosen_builder
from cachetui.hosts.local_machine import LocalMachine
from cachetui.hosts.machine import HostError

DOCKER = """#!/bin/sh
case "$*" in
"context inspect big" | "--context other context inspect big") exit 0 ;;
"context inspect "*) exit 1 ;;
"buildx inspect ci") echo "Driver: remote" ;;
"buildx inspect context") echo context ;;
*) echo "ERROR: no builder \\"$3\\" found" >&2; exit 1 ;;
esac
"""


@pytest.fixture
def host(tmp_path: Path) -> HostSettings:
    docker = tmp_path / "docker"
    docker.write_text(DOCKER)
    docker.chmod(0o755)
    return HostSettings(name="a", address="local", docker=(str(docker),))


def chosen(host: HostSettings, name: str | None) -> HostSettings:
    host = with_builder(host, name)
    return with_chosen_builder(LocalMachine(host.name, host.env, host.docker), host)


def test_a_docker_context_is_another_engine(host: HostSettings) -> None:
    assert chosen(host, "big").docker == (*host.docker, "--context", "big")


def test_another_driver_is_taken_by_its_name(host: HostSettings) -> None:
    found = chosen(host, "ci")
    assert (found.docker, found.env) == (host.docker, {"BUILDX_BUILDER": "ci"})
    assert chosen(host, None) == host


@pytest.mark.fault("no-engine")
def test_one_that_is_not_there(host: HostSettings) -> None:
    with pytest.raises(HostError) as error:
        chosen(host, "gone")
    assert error.value.reason == 'it has no builder gone: ERROR: no builder "gone" found'
    assert "docker buildx ls" in error.value.remedy


def test_two_engines_are_refused(host: HostSettings) -> None:
    both = msgspec.structs.replace(host, docker=(*host.docker, "--context", "other"))
    with pytest.raises(HostError, match="but --context in docker names an engine too"):
        chosen(both, "big")
