"""A builder that is in no docker engine: docker's images say nothing of what BuildKit builds on."""

from __future__ import annotations

import pytest

from cachetui.audit.run_key import run_of
from cachetui.records.host import BuildxBuilder
from cachetui.records.scenario import Planned
from tests.findings.making import audit, before, host, ids, only, run, why

CI = BuildxBuilder(name="ci", driver="remote", endpoint="tcp://a:1")
OTHER = BuildxBuilder(name="ci", driver="remote", endpoint="tcp://b:1")
TEXT = "FROM base:1\nCOPY src /src\nRUN make\n"
MOVED = {"base:1": ("sha256:other",)}


def test_a_base_that_docker_has_moved_is_not_blamed() -> None:
    here = host(facts_builder=CI)
    then = before(TEXT, "mm", hosts=[host(bases=MOVED, facts_builder=CI)])
    assert "base-drift" not in ids(why(audit(TEXT, [run(TEXT, "mm")], hosts=[here]), then))
    legacy = run(TEXT, "mm", scenario="legacy-as-found")
    then = before(
        TEXT, "mm", scenario="legacy-as-found", hosts=[host(bases=MOVED, facts_builder=CI)]
    )
    assert only(why(audit(TEXT, [legacy], hosts=[here]), then), "base-drift").confidence == "proved"


@pytest.mark.parametrize("odd", ["ci-1", "ci-2"])
def test_another_image_of_docker_is_no_other_base(odd: str) -> None:
    names = ("ci-1", "ci-2", "ci-3")
    builders = {odd: CI}
    hosts = [
        host(name, bases=MOVED if name == "ci-1" else None, facts_builder=builders.get(name))
        for name in names
    ]
    runs = [run(TEXT, "mm" if name == odd else "hh", host=name) for name in names]
    found = why(audit(TEXT, runs, hosts=hosts))
    drift = [one for one in found.findings if one.id == "base-drift"]
    assert all(odd not in one.hosts for one in drift)
    texts = [fact.text for one in found.findings for fact in one.evidence if odd in fact.hosts]
    assert not [text for text in texts if "base:1" in text]


def test_what_another_builder_had_is_not_compared() -> None:
    now = audit(TEXT, [run(TEXT, "hm")], hosts=[host(facts_builder=CI)])
    for builder in (None, BuildxBuilder(name="default", driver="docker"), OTHER):
        then = before(TEXT, "mm", hosts=[host(facts_builder=builder)], build_args={"A": "1"})
        found = why(now, then)
        assert "build-changed" not in ids(found)
    same = before(TEXT.replace("make", "made"), "mm", hosts=[host(facts_builder=CI)])
    assert "build-changed" in ids(why(now, same))


def test_a_stored_run_answers_for_its_own_builder_alone() -> None:
    build = audit(TEXT, [], hosts=[host()]).build

    def key(builder: BuildxBuilder | None, scenario: str) -> str:
        facts = host(facts_builder=builder).facts
        assert facts is not None
        return run_of(build, "ci-1", facts, Planned(scenario, 1))

    docker = BuildxBuilder(name="default", driver="docker")
    assert len({key(one, "buildkit-cold") for one in (docker, CI, OTHER)}) == 3
    assert len({key(one, "legacy-cold") for one in (docker, CI, OTHER)}) == 1
