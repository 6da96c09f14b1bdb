"""Facts of several hosts: equal ones are one, and no host is said to have another's figures."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cachetui.findings import Evidence, Findings
from cachetui.findings.claim import HOSTS
from cachetui.findings.merge_evidence import merge_evidence
from cachetui.findings.wording import host_names
from cachetui.records.host import BaseImage, CacheEntry, HostEvidence, HostReport
from cachetui.records.run import Run
from cachetui.records.to_json import to_json
from tests import make_records as b
from tests.findings.making import audit, before, host, only, run, why

MOUNT = "FROM base:1\nRUN --mount=type=cache,target=/c make\n"
PLAIN = "FROM base:1\nRUN make\n"
NAMES = tuple(f"ci-{number}" for number in range(1, 31))


def fact(name: str, value: int) -> Evidence:
    text = f"{value} GB are free on {HOSTS}"
    return Evidence(kind="facts", text=text, data={"free": value}, hosts=(name,))


@given(st.lists(st.integers(0, 5), min_size=1, max_size=len(NAMES)))
def test_every_host_has_its_own_figure_and_equal_ones_are_one_fact(values: list[int]) -> None:
    own = dict(zip(NAMES, values, strict=False))
    merged = merge_evidence([[fact(name, value)] for name, value in own.items()], NAMES, [*own])
    assert {h: f.data["free"] for f in merged for h in f.hosts} == own
    assert len(merged) == len(set(values))
    for found in merged:
        assert found.text == f"{found.data['free']} GB are free on {host_names(found.hosts)}"


def test_facts_of_every_kind_come_before_the_second_value_of_one() -> None:
    same = Evidence(kind="dockerfile", text="line 2: RUN make")
    given = [[fact(name, number), same] for number, name in enumerate(NAMES[:3])]
    merged = merge_evidence(given, NAMES, NAMES[:3])
    assert [found.kind for found in merged] == ["facts", "dockerfile", "facts", "facts"]


def cold(name: str, seconds: float) -> list[Run]:
    return [
        run(MOUNT, "m", host=name, scenario=scenario, repeat=repeat, seconds={2: took})
        for repeat in range(1, 7)
        for scenario, took in (
            ("buildkit-cold", seconds + repeat / 100),
            ("buildkit-mounts-warm", seconds / 3 + repeat / 100),
        )
    ]


def test_the_samples_of_every_host_are_kept_and_told_as_its_own() -> None:
    seconds = {"a": 6.0, "b": 60.0}
    found = why(audit(MOUNT, [one for name, took in seconds.items() for one in cold(name, took)]))
    finding = only(found, "cold-mount-slow")
    assert finding.hosts == ("a", "b")
    timings = {f.hosts: f for f in finding.evidence if f.kind == "timing"}
    assert timings.keys() == {("a",), ("b",)}
    for (name,), told in timings.items():
        assert min(told.data["cold"]) >= seconds[name]
        assert told.text.startswith(f"{name}: {seconds[name]:.0f}.0")
    assert not any(digit in finding.title.partition("line 2")[2] for digit in "0123456789")


def evicted(**free: int) -> Findings:
    """Hosts that lost the same result, each with another free space."""
    bases = (BaseImage(ref="base:1", id="sha256:id"),)
    past = HostEvidence(at=b.NOW - 3600, bases=bases, cache=())
    cache = (CacheEntry(type="regular", description="another", bytes=1),)

    def report(name: str) -> HostReport:
        now = HostEvidence(at=b.NOW, bases=bases, cache=cache)
        return host(name, evidence=now, facts_free_bytes=free[name], facts_df={"Images": 1})

    then = before(PLAIN, "m", names=tuple(free), hosts=[host(n, evidence=past) for n in free])
    runs = [run(PLAIN, "m", host=name) for name in free]
    return why(audit(PLAIN, runs, hosts=[report(name) for name in free]), then)


@given(st.lists(st.sampled_from([1, 2, 500]), min_size=2, max_size=4))
def test_free_space_is_told_of_the_host_that_has_it(gigabytes: list[int]) -> None:
    free = {f"h{number}": size * 10**9 for number, size in enumerate(gigabytes)}
    finding = only(evicted(**free), "evicted-or-never-built")
    assert set(finding.hosts) == set(free)
    told = {
        h: f.data["free_bytes"] for f in finding.evidence if "free_bytes" in f.data for h in f.hosts
    }
    assert told == free
    for found in finding.evidence:
        if "free_bytes" in found.data:
            assert f"{found.data['free_bytes'] / 1e9:.1f} GB" in found.text
            assert host_names(found.hosts) in found.text


@pytest.mark.parametrize("engines", [("26.1.5", "26.1.5"), ("26.1.5", "20.10.24")])
def test_an_engine_that_cannot_is_told_of_the_hosts_that_run_it(engines: tuple[str, str]) -> None:
    reason = "failed to solve: dockerfile parse error on line 2: unknown flag: exclude"
    text = "FROM base:1\nCOPY --exclude=x . /\n"
    failed = [
        run(text, "n", host=name, scenario="buildkit-cold", status="failed", reason=reason)
        for name in ("a", "b")
    ]
    well = run(text, "m", host="c", scenario="buildkit-cold")
    hosts = [
        host(name, facts_engine=engine, engine=engine)
        for name, engine in zip(("a", "b", "c"), (*engines, "28.5.2"), strict=True)
    ]
    found = [
        f for f in why(audit(text, [*failed, well], hosts=hosts)).findings
        if f.id == "engine-differs"
    ]  # fmt: skip
    assert {h for f in found for h in f.hosts} == {"a", "b"}
    told = " ".join(fact.text for f in found for fact in f.evidence if fact.kind == "facts")
    for name, engine in zip(("a", "b"), engines, strict=True):
        assert (
            f"Docker Engine {engine}, buildx 0.29.1 on {name}" in told or engines[0] == engines[1]
        )
    other = "20.10.24" if engines[1] == "20.10.24" else "26.1.5"
    assert f"Docker Engine {other}, buildx 0.29.1 on a;" not in told or engines[0] == other


def test_the_json_has_every_fact(findings_of_many: Findings) -> None:
    facts = json.loads(to_json(findings_of_many))["findings"][0]["evidence"]
    free = {
        h: f["data"]["free_bytes"] for f in facts if "free_bytes" in f["data"] for h in f["hosts"]
    }
    assert free == {f"h{number}": number * 10**9 for number in range(1, 41)}


@pytest.fixture
def findings_of_many() -> Findings:
    return evicted(**{f"h{number}": number * 10**9 for number in range(1, 41)})
