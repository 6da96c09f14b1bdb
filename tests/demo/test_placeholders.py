"""What differs between audits is found in commands, and a command in what reaches a host."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachetui.audit.cleanup import removal_command
from cachetui.builders.command_line import Build, build_command
from cachetui.config.settings import HostSettings
from cachetui.demo.placeholders import FACTS, REMOVAL, command_of, fill, normalise, script_size
from cachetui.hosts import watcher as watch
from cachetui.hosts.checkout import list_command
from cachetui.hosts.facts_script import facts_command
from cachetui.hosts.upload import context_folder, send_command
from cachetui.records.scenario import Planned

AUDIT = "1124-043920-rphz"
DIGEST = "951fd632ec7d0c59a8fc6d65e6eee40268eeec5e50e1b146c901ab921a029c58"
FOLDER = context_folder("/root/.cache/cachetui", f"sha256:{DIGEST}")


def build(audit: str, scenario: str) -> str:
    what = Build(context=f"{FOLDER}/context", dockerfile=f"{FOLDER}/context/Dockerfile")
    return build_command(("docker",), {}, what, Planned(scenario, 1), audit, "rawjson")


@pytest.mark.parametrize(
    "scenario", ["legacy-as-found", "legacy-cold", "buildkit-cold", "buildkit-mounts-warm"]
)
def test_builds_of_two_audits_are_the_same_command(scenario: str) -> None:
    one, values = normalise(build(AUDIT, scenario))
    other, _ = normalise(build("0101-000000-abcd", scenario))
    assert one == other
    assert values["context"] == DIGEST
    assert AUDIT not in one
    assert DIGEST not in one


def test_builds_of_two_scenarios_are_not() -> None:
    scenarios = ("legacy-cold", "legacy-warm", "buildkit-cold", "buildkit-warm")
    assert len({normalise(build(AUDIT, scenario))[0] for scenario in scenarios}) == 4
    cold = normalise(build(AUDIT, "buildkit-warm"))[0]
    assert cold != normalise(build(AUDIT, "buildkit-mounts-warm"))[0]


def test_the_order_of_options_and_the_name_of_the_image_do_not_matter() -> None:
    one = "DOCKER_BUILDKIT=1 docker build -t a:1 --no-cache --network=none /c"
    other = "DOCKER_BUILDKIT=1 docker build --network=none --no-cache /c"
    assert normalise(one)[0] == normalise(other)[0]
    assert normalise(one)[0] != normalise(one.replace("BUILDKIT=1", "BUILDKIT=0"))[0]


def test_facts_are_known_by_their_token() -> None:
    key, values = normalise(facts_command(("docker",), {}, ("base:1",), "ab" * 16))
    assert (key, values["token"]) == (FACTS, "ab" * 16)


def test_the_list_of_a_checkout_is_the_same_each_time() -> None:
    lists = [list_command("/root/shop", "Dockerfile", char * 24) for char in "ab"]
    (one, values), (other, _) = map(normalise, lists)
    assert one == other
    assert values["mark"] == "a" * 24


def test_an_upload_and_a_removal_are_the_same_each_time() -> None:
    uploads = [send_command(FOLDER, f"{FOLDER[:-65]}/.incoming-{char * 32}") for char in "ab"]
    assert len({normalise(upload)[0] for upload in uploads}) == 1
    host = HostSettings(name="h", address="h")
    removals = [removal_command(host, [f"cachetui:{AUDIT}-a"], images) for images in ([], ["x"])]
    assert {normalise(str(removal))[0] for removal in removals} == {REMOVAL}


def test_other_commands_stay_as_they_are() -> None:
    assert normalise("docker image ls -aq") == ("docker image ls -aq", {})


def test_values_are_put_in_again() -> None:
    assert fill("cachetui:<<audit>>-x <<other>>", {"audit": AUDIT}) == (
        f"cachetui:{AUDIT}-x <<other>>"
    )


@given(
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1),
    st.booleans(),
    st.booleans(),
)
def test_a_command_is_found_in_its_script(text: str, watched: bool, merged: bool) -> None:
    script = watch.script(text, watched=watched, merged=merged)
    found = command_of(script)
    assert found is not None
    if watched or not text.startswith("exec"):
        assert (found.text, found.watched, found.merged) == (text, watched, merged)
    assert script_size(watch.bootstrap(len(script))) == len(script)


@pytest.mark.parametrize("line", ["ls", "", watch.bootstrap(7) + "; ls", "dd bs=1 count=7"])
def test_any_other_line_is_no_script(line: str) -> None:
    assert script_size(line) is None
    assert command_of(line.encode()) is None
