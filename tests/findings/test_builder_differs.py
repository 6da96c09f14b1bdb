"""Another builder on another host, and two on one; names alone are no difference."""

from __future__ import annotations

from cachetui.findings import Findings
from cachetui.records.host import BuildxBuilder
from tests.findings.making import audit, host, ids, only, run, why

TEXT = "FROM base:1\nRUN one\n"
RULE = "builder-differs"
DOCKER = BuildxBuilder(name="default", driver="docker")
DESKTOP = BuildxBuilder(name="desktop-linux", driver="docker")
OLD = BuildxBuilder(name="ci", driver="docker-container", buildkit="v0.12.5")
NEW = BuildxBuilder(name="builds", driver="docker-container", buildkit="v0.25.2")


def found(*builders: tuple[BuildxBuilder | None, BuildxBuilder | None]) -> Findings:
    """What is found where hosts a, b, … have these builders of docker build and of buildx."""
    names = "abcd"[: len(builders)]
    hosts = [
        host(name, facts_builder=one, facts_buildx_builder=other)
        for name, (one, other) in zip(names, builders, strict=True)
    ]
    runs = [run(TEXT, "m", host=name) for name in names]
    return why(audit(TEXT, runs, hosts=hosts))


def test_a_builder_of_another_driver_is_told() -> None:
    finding = only(found((DOCKER, DOCKER), (NEW, NEW), (DESKTOP, DESKTOP)), RULE)
    assert finding.hosts == ("b",)
    assert finding.title == (
        "docker build uses another builder on b, of the driver docker-container, than on a and c"
    )
    assert "docker build uses builds (driver docker-container, BuildKit v0.25.2) on b" in [
        one.text for one in finding.evidence
    ]


def test_of_one_driver_it_is_the_version() -> None:
    assert only(found((OLD, OLD), (NEW, NEW), (NEW, NEW)), RULE).hosts == ("a",)


def test_two_builders_on_one_host() -> None:
    finding = only(found((DOCKER, NEW), (DOCKER, DOCKER)), RULE)
    assert finding.hosts == ("a",)
    assert finding.title == ("docker build and docker buildx build use different builders on a")


def test_names_and_what_is_not_told_are_no_difference() -> None:
    assert RULE not in ids(found((DOCKER, DESKTOP), (DESKTOP, DOCKER)))
    assert RULE not in ids(found((DOCKER, DOCKER), (None, NEW)))
    assert RULE not in ids(found((None, None), (None, None)))
