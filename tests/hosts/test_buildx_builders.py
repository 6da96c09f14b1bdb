"""Which builder is used, from what buildx printed in the lab: 0.13 and 0.29; the second node of
`ASLEEP` is written by hand."""

import pytest

from cachetui.hosts.buildx_builders import UsedBuilders, parse_builders, used_builders
from cachetui.records.host import BuildxBuilder

DEFAULT = """\
Name:   default
Driver: docker

Nodes:
Name:             default
Endpoint:         default
Status:           running
BuildKit version: v0.0.0+unknown
Platforms:        linux/amd64, linux/amd64/v2, linux/386
GC Policy rule#0:
 All:            false
 Filters:        type==source.local,type==exec.cachemount,type==source.git.checkout
 Keep Duration:  48h0m0s
 Max Used Space: 3.346GiB
GC Policy rule#1:
 All:            true
 Max Used Space: 188.1GiB
"""
REMOTE = """\
Name:          ci
Driver:        remote
Last Activity: 2026-11-27 17:03:12 +0000 UTC

Nodes:
Name:             ci0
Endpoint:         unix:///run/buildkit.sock
Status:           running
BuildKit version: v0.25.2
Platforms:        linux/amd64*, linux/arm64
Labels:
 org.mobyproject.buildkit.worker.executor:         containerd
 org.mobyproject.buildkit.worker.hostname:         ctd
"""
ASLEEP = """\
Name:          dc
Driver:        docker-container
Last Activity: 2026-11-27 17:03:31 +0000 UTC

Nodes:
Name:                  dc0
Endpoint:              unix:///var/run/docker.sock
Status:                inactive
BuildKit daemon flags: --allow-insecure-entitlement=network.host

Name:      dc1
Endpoint:  ssh://build@arm
Status:    inactive
"""
UNREACHABLE = """\
Name:          default
Driver:        
Last Activity: 2026-11-27 17:03:18 +0000 UTC
Error:         Cannot connect to the Docker daemon at unix:///var/run/docker.sock.
"""


def of(text: str) -> BuildxBuilder:
    (only,) = parse_builders(text)
    return only


def test_a_builder_is_what_buildx_tells() -> None:
    assert of(DEFAULT) == BuildxBuilder(
        name="default",
        driver="docker",
        endpoint="default",
        status="running",
        platforms=("linux/amd64", "linux/amd64/v2", "linux/386"),
        gc=(
            "filters type==source.local,type==exec.cachemount,type==source.git.checkout, "
            "keep duration 48h0m0s, max used space 3.346GiB",
            "max used space 188.1GiB",
        ),
    )
    assert of(REMOTE).buildkit == "v0.25.2"
    assert of(REMOTE).platforms == ("linux/amd64", "linux/arm64")
    assert (of(ASLEEP).driver, of(ASLEEP).nodes, of(ASLEEP).status, of(ASLEEP).buildkit) == (
        *("docker-container", 2, "inactive", None),
    )
    assert not list(parse_builders(UNREACHABLE))
    assert not list(parse_builders('ERROR: no builder "nope" found\n'))


def names(used: UsedBuilders) -> tuple[str | None, str | None, str | None]:
    build, buildx = used.of_docker_build, used.of_buildx
    return build.name if build else None, used.choice, buildx.name if buildx else None


BY_USE = f"context=default\n{REMOTE}{DEFAULT}"


@pytest.mark.parametrize(
    ("text", "variable", "alias", "client", "expected"),
    [
        (f"context=default\n{DEFAULT}", "", False, "28.5.2", ("default", "context", "default")),
        # `docker buildx use ci` is nothing to `docker build`.
        (BY_USE, "", False, "28.5.2", ("default", "context", "ci")),
        (BY_USE, "ci", False, "28.5.2", ("ci", "variable", "ci")),
        (BY_USE, "", True, "28.5.2", ("ci", "use", "ci")),
        # A client of 20.10 has BuildKit by itself.
        (BY_USE, "ci", False, "20.10.24", ("default", "context", "ci")),
        (BY_USE, "ci", True, "20.10.24", ("ci", "variable", "ci")),
        # The variable may name the context's own.
        (f"context=default\n{DEFAULT}", "default", False, "28", ("default", "variable", "default")),
        # The context's builder does not answer, the other does.
        (f"context=default\n{REMOTE}{UNREACHABLE}", "", False, "28", (None, None, "ci")),
        ("context=default\n", "", False, "20.10.24", (None, None, None)),
        ("", "", False, "28.5.2", (None, None, None)),
    ],
)
def test_which_builder_builds(
    text: str, variable: str, alias: bool, client: str, expected: tuple[str | None, ...]
) -> None:
    assert names(used_builders(text, variable, alias, client)) == expected
