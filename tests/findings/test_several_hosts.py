"""Findings of several hosts: no sentence says of one host what holds for another."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from cachetui.context.manifest import Entry
from cachetui.findings import Finding, Findings
from cachetui.findings.wording import host_names
from cachetui.records.document import Document
from cachetui.records.host import (
    BaseImage,
    Checkout,
    ClientSettings,
    HostEvidence,
    HostReport,
)
from tests import make_records as b
from tests.findings.making import audit, entries, host, ids, only, run, why

PLAIN = "FROM base:1\nRUN make\n"
COPIES = "FROM base:1\nCOPY . /app\nRUN make\n"
NAMES = ("a", "b", "c", "d", "e", "f")
AUDITS = {name: f"then{number}" for number, name in enumerate(NAMES)}


def then(
    text: str, letters: str, name: str, hosts: Sequence[HostReport] | None = None, **build: Any
) -> Document:
    """The last audit of one host, of its own id and Dockerfile."""
    at = b.NOW - 3600
    made = run(text, letters, host=name, audit=AUDITS[name], at=at)
    return audit(text, [made], at=at, audit=AUDITS[name], hosts=hosts, **build)


def sentences(finding: Finding) -> list[str]:
    return [
        *(part for text in (finding.title, finding.advice) for part in text.split("; ")),
        *(fact.text for fact in finding.evidence),
    ]


@given(st.lists(st.sampled_from(["one", "two", "six"]), min_size=2, max_size=4))
def test_files_are_told_of_the_host_that_sees_them(changed: list[str]) -> None:
    manifests = {"sha256:context": entries(one="new", two="new", six="new")}
    earlier: list[Document] = []
    own = dict(zip(NAMES, changed, strict=False))
    for name, file in own.items():
        files = {"one": "new", "two": "new", "six": "new", file: "old"}
        manifests[f"sha256:{name}"] = entries(**files)
        earlier.append(then(COPIES, "hh", name, context_digest=f"sha256:{name}"))
    found = why(
        audit(COPIES, [run(COPIES, "mm", host=name) for name in own]),
        *earlier,
        manifests=manifests,
    )
    finding = only(found, "context-content")
    assert finding.hosts == tuple(own)
    for text in sentences(finding):
        for file in ("one", "two", "six"):
            if f"({file})" in text or text.endswith(f": {file}"):
                having = [name for name, changed_file in own.items() if changed_file == file]
                named = {*own} & _names(text)
                assert named <= {*having}
                assert named or len(having) == len(own)
    told = {h: f.data["content"] for f in finding.evidence if "content" in f.data for h in f.hosts}
    assert told == {name: [file] for name, file in own.items()}


@given(st.lists(st.sampled_from("12"), min_size=2, max_size=4))
def test_an_earlier_dockerfile_is_told_of_its_host(versions: list[str]) -> None:
    own = dict(zip(NAMES, versions, strict=False))
    text = "FROM base:1\nRUN make --version=3\n"
    earlier = [then(text.replace("3", old), "h", name) for name, old in own.items()]
    found = why(audit(text, [run(text, "m", host=name) for name in own]), *earlier)
    finding = only(found, "build-changed")
    assert finding.hosts == tuple(own)
    assert finding.title == f"line 2 changed since the earlier run on {host_names([*own])}"
    for fact in finding.evidence:
        (name,) = fact.hosts
        assert f"since audit {AUDITS[name]}" in fact.text
        assert f"--version={own[name]}" in fact.text
        assert fact.text.startswith(f"on {name}: ")


def drift(images: Sequence[str], letters: Sequence[str]) -> Findings:
    hosts = [
        host(name, {"base:1": (f"sha256:{image}",)})
        for name, image in zip(NAMES, images, strict=False)
    ]
    runs = [
        run(PLAIN, letter, host=name) for name, letter in zip(NAMES, letters, strict=False)
    ]  # fmt: skip
    return why(audit(PLAIN, runs, hosts=hosts))


@given(
    st.lists(st.sampled_from("123"), min_size=2, max_size=6).filter(lambda one: len({*one}) > 1),
    st.lists(st.sampled_from("hm"), min_size=6, max_size=6),
)
def test_no_host_has_another_image_than_itself(images: list[str], letters: list[str]) -> None:
    own = dict(zip(NAMES, images, strict=False))
    for finding in drift(images, letters).findings:
        if finding.id != "base-drift":
            continue
        for title in finding.title.split("; "):
            _, _, said = title.partition(" on ")
            ours, than, theirs = said.partition(" than on ")
            here = {own[name] for name in own if name in _names(ours)}
            there = {own[name] for name in own if name in _names(theirs)}
            if than:
                assert here
                assert there
                assert here.isdisjoint(there), title
            else:
                assert len(here) > 1, title
        layers = [fact for fact in finding.evidence if "layers" in fact.data]
        groups = {name: fact.data["layers"] for fact in layers for name in fact.hosts}
        assert groups == {name: [f"sha256:{image}"] for name, image in own.items()}


def _names(text: str) -> set[str]:
    """The words of a text, names of hosts among them: "a, b and c", or folded "a,b,c,d,e"."""
    return {*re.findall(r"\w+", text)}


def test_two_images_that_are_as_common_are_told_apart() -> None:
    finding = only(drift("1122", "hhhh"), "base-drift")
    assert finding.title == "base:1 is one image on a and b, another on c and d"


def fleet_drift(images: Sequence[str], missing: Sequence[int]) -> Finding:
    """Hosts ci-1 and on with these images, some of which miss."""
    named = [(f"ci-{number}", image) for number, image in enumerate(images, 1)]
    hosts = [host(name, {"base:1": (f"sha256:{image}",)}) for name, image in named]
    runs = [
        run(PLAIN, "m" if number in missing else "h", host=name)
        for number, (name, _) in enumerate(named, 1)
    ]
    return only(why(audit(PLAIN, runs, hosts=hosts)), "base-drift")


@pytest.mark.parametrize("missing", [(), (1,), (1, 5), tuple(range(1, 11))])
def test_title_and_advice_name_every_host_of_the_group(missing: tuple[int, ...]) -> None:
    finding = fleet_drift("1" * 10 + "2" * 30, missing)
    assert finding.title == "base:1 is a different image on ci-[1-10] than on ci-[11-40]"
    assert finding.advice.startswith("Give ci-[1-10] the image that the others have, ")
    assert "or the other way round: which of them is right is not known" in finding.advice


def test_groups_of_a_ragged_fleet_are_each_named() -> None:
    finding = fleet_drift("1" * 6 + "2" * 25 + "3" * 9, (1,))
    assert finding.title == (
        "base:1 is a different image on ci-[32-40] and on ci-[1-6] than on ci-[7-31]"
    )
    finding = fleet_drift("1" * 6 + "2" * 10 + "3" * 9, (1,))
    assert finding.title == (
        "base:1 is one image on ci-[7-16], another on ci-[17-25], another on ci-[1-6]"
    )
    assert finding.advice.startswith(
        "Choose one image of base:1 for all hosts: the commands here take that of ci-7, "
    )


def test_a_base_that_moved_alike_everywhere_is_not_to_be_taken_from_others() -> None:
    hosts = [host("a", {"base:1": ("sha256:new",)})]
    earlier = then(PLAIN, "h", "a", [host("a", {"base:1": ("sha256:old",)})])
    finding = only(
        why(audit(PLAIN, [run(PLAIN, "m", host="a")], hosts=hosts), earlier), "base-drift"
    )
    assert finding.advice.startswith("No host pulled base:1: push it to a registry")


def test_the_digest_to_pin_is_not_that_of_the_odd_host() -> None:
    hosts = [
        replace(
            host(name, {"base:1": (f"sha256:{image}",)}),
            evidence=HostEvidence(
                at=b.NOW,
                bases=(BaseImage(ref="base:1", id=image, digests=(f"base@sha256:{image * 64}",)),),
            ),
        )
        for name, image in {"a": "1", "b": "2", "c": "2"}.items()
    ]
    runs = [run(PLAIN, "m" if name == "a" else "h", host=name) for name in "abc"]
    finding = only(why(audit(PLAIN, runs, hosts=hosts)), "base-drift")
    assert "222" in finding.advice
    assert "111" not in finding.advice


def test_what_is_proved_for_one_host_is_not_for_another() -> None:
    """On a the image moved since its own run; b was never asked, and has another image."""
    hosts = [
        host(name, {"base:1": (f"sha256:{image}",)})
        for name, image in (("a", "new"), ("b", "old"), ("c", "new"), ("d", "new"))
    ]
    earlier = then(PLAIN, "h", "a", [host("a", {"base:1": ("sha256:old",)})])
    runs = [run(PLAIN, "m", host="a"), *(run(PLAIN, "h", host=name) for name in "bcd")]
    finding = only(why(audit(PLAIN, runs, hosts=hosts), earlier), "base-drift")
    assert finding.title == (
        "base:1 on a is a different image than when the cache was filled; "
        "base:1 is a different image on b than on a, c and d"
    )


STAGES = (
    "FROM base:1 AS x\nRUN one\nFROM base:1 AS y\nRUN two\n"
    "FROM base:1\nCOPY --from=x /a /\nCOPY --from=y /b /\n"
)


def test_parallel_steps_are_told_of_every_host_with_its_own_seconds() -> None:
    seconds = {"a": 2.0, "b": 5.0, "c": 0.0}
    runs = [
        run(STAGES, "mm mm", host=name, scenario="buildkit-cold", side_by_side=True,
            seconds={2: took, 4: took})
        for name, took in seconds.items()
    ]  # fmt: skip
    finding = only(why(audit(STAGES, runs)), "parallel-not-disorder")
    assert finding.hosts == ("a", "b")
    (timing,) = [fact for fact in finding.evidence if fact.kind == "timing"]
    assert timing.data["together"] == {"a": 2.0, "b": 5.0}
    assert "both were running for 2.0 to 5.0 s" in timing.text
    assert timing.hosts == ("a", "b")


TWINS = "FROM base:1 AS test\nRUN make\nFROM base:1\nLABEL a=1\nRUN make\nCOPY --from=test /a /\n"


def test_equal_steps_are_told_of_every_host_that_built_them_twice() -> None:
    runs = [
        made
        for name in ("a", "b")
        for made in (
            run(TWINS, "m hh", host=name, scenario="buildkit-cold", same={(1, 2): (0, 1)}),
            run(TWINS, "m mmm", host=name, scenario="legacy-cold"),
        )
    ]
    assert only(why(audit(TWINS, runs)), "cross-stage-reuse").hosts == ("a", "b")


def test_what_stays_unexplained_is_told_of_its_host() -> None:
    """Of a an earlier run is known, of b none."""
    earlier = then("FROM base:1\nRUN make\nRUN last\n", "hh", "a")
    text = "FROM base:1\nRUN make\nRUN last\n"
    runs = [run(text, "mm", host=name) for name in ("a", "b")] + [run(text, "hh", host="c")]
    found = why(
        audit(text, runs, hosts=[host(n, facts_client_settings=None) for n in "abc"]), earlier
    )
    facts = [fact for one in found.unexplained for fact in one.facts]
    assert any("on b is stored" in fact.text for fact in facts)
    assert not any("on a is stored" in fact.text for fact in facts)
    about_a = [fact for fact in facts if AUDITS["a"] in fact.text]
    assert about_a
    assert all(fact.hosts == ("a",) and fact.text.startswith("on a: ") for fact in about_a)


def test_reasons_of_failures_that_are_alike_are_one_fact() -> None:
    runs = [
        run(PLAIN, "f", host=name, scenario="buildkit-cold", status="failed", reason=reason)
        for name, reason in (("a", "no space"), ("b", "killed"), ("c", "no space"))
    ]
    found = why(audit(PLAIN, [*runs, run(PLAIN, "m", host="d", scenario="buildkit-cold")]))
    (one,) = found.unexplained
    assert {fact.text: fact.hosts for fact in one.facts} == {
        "a and c: no space": ("a", "c"),
        "b: killed": ("b",),
    }


@pytest.mark.parametrize("known", [True, False])
def test_a_miss_that_nothing_explains_says_what_would_tell(known: bool) -> None:
    """Without an earlier run of either host, the next audit tells."""
    runs = [run(PLAIN, "m", host=name) for name in ("a", "b")] + [run(PLAIN, "h", host="c")]
    earlier = [then(PLAIN, "h", name) for name in ("a", "b")] if known else []
    found = why(audit(PLAIN, runs), *earlier)
    asked = [need.text for need in found.needs if need.id == "evicted-or-never-built"]
    assert len(asked) == (0 if known else 1)
    if known:
        assert "evicted-or-never-built" in ids(found)
    else:
        assert "the next audit of a and b" in asked[0]


def test_a_working_directory_is_told_of_the_hosts_that_did_not_have_it() -> None:
    text = "FROM base:1\nWORKDIR /app\nRUN make\n"
    runs = [
        run(text, letters, host=name, scenario="buildkit-cold", repeat=repeat)
        for name, repeat, letters in (
            ("a", 1, "hm"),
            ("b", 1, "mm"),
            ("a", 2, "mm"),
            ("b", 2, "hm"),
        )
    ]
    finding = only(why(audit(text, runs)), "evicted-or-never-built")
    assert finding.title.endswith("a and b did not have it")
    assert [fact.text for fact in finding.evidence] == [
        "buildkit-cold: hit on a, built on b",
        "buildkit-cold #2: hit on b, built on a",
    ]


@pytest.mark.parametrize("found", [True, False])
def test_equal_steps_of_cold_runs_alone_ask_for_a_run_with_the_cache(found: bool) -> None:
    runs = [
        made
        for name in ("a", "b")
        for made in (
            run(TWINS, "m hh", host=name, scenario="buildkit-cold", same={(1, 2): (0, 1)}),
            run(TWINS, "m mmm", host=name, scenario="legacy-cold"),
            *([run(TWINS, "m mmm", host=name, scenario="legacy-as-found")] * found),
        )
    ]
    asked = [need for need in why(audit(TWINS, runs)).needs if need.id == "cross-stage-reuse"]
    assert [(need.text.endswith(" on a and b"), need.command) for need in asked] == (
        [] if found else [(True, "cachetui run api --as-found")]
    )


def modes(**by_host: int) -> tuple[dict[str, tuple[Entry, ...]], list[HostReport]]:
    """The context that was sent, and hosts that each have a checkout with another mode."""
    manifests = {"sha256:context": entries(one="x")}
    reports: list[HostReport] = []
    for name, mode in by_host.items():
        manifests[f"sha256:{name}"] = entries(one=("x", mode))
        checkout = Checkout(path="/srv/app", digest=f"sha256:{name}")
        reports.append(host(name, evidence=HostEvidence(at=b.NOW, checkout=checkout)))
    return manifests, reports


def test_modes_and_what_to_do_about_them_are_told_of_the_host_that_has_them() -> None:
    manifests, hosts = modes(a=0o664, b=0o755, c=0o644, d=0o644)
    runs = [run(COPIES, "hh", host=one.name) for one in hosts]
    finding = only(why(audit(COPIES, runs, hosts=hosts), manifests=manifests), "context-mode-only")
    assert finding.hosts == ("a", "b")
    assert {
        fact.hosts: fact.text for fact in finding.evidence if "write permission" in fact.text
    } == {
        ("a",): "on a: all differ in the group's write permission, as checkouts under umask 002 "
        "and 022 do"
    }
    advised = finding.advice.split("; ")
    assert any("on a" in text and "g-w" in text for text in advised), advised
    assert any(text.startswith("on b: ") and "755" in text for text in advised), advised


def test_what_was_only_observed_is_not_proved_by_another_hosts_earlier_run() -> None:
    manifests, hosts = modes(a=0o644, b=0o755, c=0o644, d=0o644)
    manifests["sha256:then"] = entries(one=("x", 0o755))
    runs = [run(COPIES, "mm", host="a"), *(run(COPIES, "hh", host=name) for name in "bcd")]
    earlier = then(COPIES, "hh", "a", context_digest="sha256:then")
    found = why(audit(COPIES, runs, hosts=hosts), earlier, manifests=manifests)
    assert {one.hosts: one.confidence for one in found.findings} == {
        ("a",): "proved",
        ("b",): "likely",
    }


@given(st.lists(st.sampled_from(["settings", "facts", "nothing"]), min_size=1, max_size=4))
def test_what_cannot_be_decided_says_of_each_host_what_is_not_known(missing: list[str]) -> None:
    """An earlier run is known, and nothing that was looked at changed."""
    own = dict(zip(NAMES, missing, strict=False))

    def report(name: str) -> HostReport:
        known = None if own[name] == "settings" else ClientSettings()
        facts = {"facts": None} if own[name] == "facts" else {}
        made = host(name, facts_client_settings=known)
        return replace(made, **facts)

    hosts = [report(name) for name in own]
    runs = [run(PLAIN, "m", host=name) for name in own]
    earlier = [then(PLAIN, "h", name, [one]) for name, one in zip(own, hosts, strict=True)]
    found = why(audit(PLAIN, runs, hosts=hosts), *earlier)
    asked = [need.text for need in found.needs if need.id == "evicted-or-never-built"]
    undecided = {one for one in own if own[one] != "nothing"}
    assert {h for one in found.unexplained for h in one.hosts} == undecided
    assert len(asked) == len({own[one] for one in undecided})
    told: set[str] = set()
    for text in asked:
        named, _, known = text.partition(": to tell whether ")
        hosts_named = set(own) & _names(named.partition(" on ")[2])
        assert len({own[name] for name in hosts_named}) == 1
        assert "this would have to be known: " in known
        told |= hosts_named
    assert told == undecided


@pytest.mark.parametrize("args", [(), ("--no-cache",)])
def test_nothing_is_asked_for_a_miss_whose_reason_is_known(args: tuple[str, ...]) -> None:
    text = "FROM base:1\nRUN make --version=3\n"
    now = text if not args else text.replace("3", "2")
    earlier = then(text.replace("3", "2"), "h", "a", docker_args=args)
    reports = [host("a", facts_client_settings=None)]
    found = why(audit(now, [run(now, "m", host="a")], hosts=reports, docker_args=args), earlier)
    assert not found.needs
