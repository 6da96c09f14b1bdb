"""What makes a scenario stands behind the user's own options: docker lets the last one count."""

from __future__ import annotations

import pytest

from cachetui.builders.command_line import Build, build_arguments
from cachetui.builders.docker_args import options
from cachetui.records.scenario import Planned

GIVEN = ("--no-cache=false", "--add-host=db:10.0.0.1", "--cache-from=r", "--pull", "--label=a=b")


@pytest.mark.parametrize(
    "scenario", ["buildkit-cold", "buildkit-warm", "buildkit-mounts-warm", "legacy-cold"]
)
def test_no_option_of_the_user_s_holds_against_the_recipe(scenario: str) -> None:
    own = {"BUILDKIT_CACHE_MOUNT_NS": "mine"}
    build = Build(context="/c", dockerfile="/D", build_args=own, docker_args=GIVEN)
    words = build_arguments(build, Planned(scenario, 1), "a1", "plain")
    given = list(options(words[1:-1]))
    (no_cache,) = [each.on for each in given if each.name == "no-cache"][-1:]
    assert no_cache == scenario.endswith("-cold")
    if scenario.startswith("buildkit"):
        spaces = [each.value for each in given if each.value.startswith("BUILDKIT_CACHE_MOUNT_NS")]
        assert spaces[0] == "BUILDKIT_CACHE_MOUNT_NS"
        assert spaces[-1].startswith("BUILDKIT_CACHE_MOUNT_NS=")
        hosts = [each.value for each in given if each.name == "add-host"]
        assert hosts[0] == "db:10.0.0.1"
        assert hosts[-1].endswith(".invalid:127.0.0.1")
