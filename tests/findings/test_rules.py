"""What single rules say of built audits, and above all when they say nothing."""

from __future__ import annotations

import msgspec
import pytest

from cachetui.findings import Findings, StepRef, rule
from cachetui.records.document import Document
from cachetui.records.host import (
    BaseImage,
    CacheEntry,
    Checkout,
    HostEvidence,
    HostReport,
    LegacyChain,
)
from cachetui.records.run import Run
from cachetui.records.step import StepId
from tests import make_records as b
from tests.findings.making import HASHER, audit, before, entries, host, ids, only, run, why

MOUNT = "FROM base:1\nRUN --mount=type=cache,target=/c make\n"


def timed(cold: list[float], warm: list[float]) -> Findings:
    runs = [
        run(MOUNT, "m", scenario=scenario, repeat=number, seconds={2: each})
        for scenario, series in (("buildkit-cold", cold), ("buildkit-mounts-warm", warm))
        for number, each in enumerate(series, 1)
    ]
    return why(audit(MOUNT, runs))


def test_a_cold_mount_is_told_as_far_as_the_samples_bear() -> None:
    assert "cold-mount-slow" not in ids(timed([9.0], [1.0]))
    assert "--repeat 3" in timed([9.0], [1.0]).needs[0].text
    assert "cold-mount-slow" not in ids(timed([9.0, 9.0], [1.0, 1.0]))
    few = only(timed([9.0, 9.5, 10.0], [1.0, 2.0, 1.5]), "cold-mount-slow")
    assert (few.confidence, few.seconds) == ("likely", 8.0)
    assert "cold-mount-slow" not in ids(timed([9.0, 1.2, 10.0], [1.0, 2.0, 1.5])), "they overlap"
    near = timed([2.5, 3.5, 4.0], [1.0, 2.0, 1.5])
    assert "cold-mount-slow" not in ids(near), "no further apart than they spread"
    many = timed([9.0, 9.1, 9.2, 9.3, 9.4, 9.5], [1.0, 1.1, 1.2, 1.3, 1.4, 1.5])
    assert only(many, "cold-mount-slow").confidence == "proved"
    assert only(many, "cold-mount-slow").evidence[1].data["cold"] == [9.0, 9.1, 9.2, 9.3, 9.4, 9.5]
    mixed = timed([9.0, 1.0, 9.2, 1.1, 1.4, 9.5], [1.05, 1.1, 9.1, 1.3, 9.4, 1.5])
    assert "cold-mount-slow" not in ids(mixed)
    small = timed([1.10 + n / 100 for n in range(6)], [1.0 + n / 100 for n in range(6)])
    assert "cold-mount-slow" not in ids(small), "sure, and not worth telling"


LOCKS = (
    "FROM base:1 AS a\nRUN --mount=type=cache,id=x,target=/c,sharing=locked a\n"
    "FROM base:1 AS b\nRUN --mount=type=cache,id=x,target=/c,sharing=locked b\n"
    "FROM base:1\nCOPY --from=a /a /\nCOPY --from=b /b /\n"
)


def test_waiting_for_a_locked_mount_needs_both_under_way_at_once() -> None:
    parallel = run(LOCKS, "mmmm", scenario="buildkit-cold", side_by_side=True)
    found = only(why(audit(LOCKS, [parallel])), "mount-contention")
    assert (found.seconds, found.confidence) == (1.0, "proved")
    one_by_one = run(LOCKS, "mmmm", scenario="buildkit-cold")
    assert "mount-contention" not in ids(why(audit(LOCKS, [one_by_one])))
    shared = LOCKS.replace("locked", "shared")
    parallel = run(shared, "mmmm", scenario="buildkit-cold", side_by_side=True)
    assert "mount-contention" not in ids(why(audit(shared, [parallel])))
    hit = run(LOCKS, "hmmm", scenario="buildkit-cold", side_by_side=True)
    assert "mount-contention" not in ids(why(audit(LOCKS, [hit])))


# What a mount held, and chance

MAKES = "FROM base:1 AS m\nRUN --mount=type=cache,target=/c make\nFROM base:1\nCOPY --from=m /o /\n"


def again(text: str, *repeats: str) -> Findings:
    """Mounts warm: `repeats` are the letters of each repeat."""
    runs = [
        run(text, letters, scenario="buildkit-mounts-warm", repeat=number)
        for number, letters in enumerate(repeats, 1)
    ]
    return why(audit(text, runs))


def test_one_repeat_cannot_tell_a_mount_from_chance() -> None:
    found = again(MAKES, "mm")
    assert ids(found) == []
    (one,) = found.unexplained
    assert set(one.suspects) == {"mount-changes-result", "nondeterministic-step"}
    assert any("--repeat 2" in need.text for need in found.needs)


def test_what_comes_again_from_an_empty_mount_depends_on_it() -> None:
    found = only(again(MAKES, "mm", "mh", "mh"), "mount-changes-result")
    assert (found.confidence, found.steps) == ("likely", (StepRef(0, 1),))


def test_what_never_comes_again_is_chance() -> None:
    found = again(MAKES, "mm", "mm")
    assert ids(found) == ["nondeterministic-step"]
    assert found.findings[0].confidence == "likely"
    assert ids(again(MAKES, "mh", "mm")) == [], "neither is borne out"


def test_without_a_mount_or_with_its_own_words_it_is_chance() -> None:
    plain = MAKES.replace("--mount=type=cache,target=/c ", "")
    assert ids(again(plain, "mm")) == ["nondeterministic-step"]
    clear = MAKES.replace("make", "date > /o")
    assert ids(again(clear, "mm")) == ["nondeterministic-step"]


def outputs_of(text: str, cold: list[str], warm: list[str], step: StepId) -> Findings:
    """Outputs of a step in cold runs and in those with mounts warm."""
    runs: list[Run] = []
    outputs: dict[tuple[str, StepId], str] = {}
    for scenario, series in (("buildkit-cold", cold), ("buildkit-mounts-warm", warm)):
        for number, made in enumerate(series, 1):
            count = text.count("\nRUN") + text.count("\nCOPY")
            status = "m" * count if scenario.endswith("cold") else "m" * (count - 1) + "h"
            one = run(text, status, scenario=scenario, repeat=number)
            runs.append(one)
            outputs[(one.id, step)] = made
    return why(audit(text, runs), outputs=outputs)


@pytest.mark.parametrize("step", [StepId(0, 1), StepId(1, 1)], ids=["of the RUN", "of its copy"])
def test_outputs_prove_what_depends_on_a_mount(step: StepId) -> None:
    found = outputs_of(MAKES, ["a", "a"], ["b", "b"], step)
    assert only(found, "mount-changes-result").confidence == "proved"
    assert only(found, "mount-changes-result").steps == (StepRef(0, 1),)
    for cold, warm in ((["a"], ["b"]), (["a", "a"], ["b", "c"]), (["a", "a"], ["a", "a"])):
        assert "mount-changes-result" not in ids(outputs_of(MAKES, cold, warm, step))


@pytest.mark.parametrize(
    ("results", "found"),
    [
        ({"a": ("c", "w"), "b": ("c", "w")}, {"a", "b"}),
        ({"a": ("c", "w"), "b": ("c", "w"), "c": ("c", "x")}, {"a", "b"}),
        ({"a": ("c", "w"), "b": ("c", "x")}, set()),
        ({"a": ("c", "w"), "b": ("d", "w")}, set()),
        ({"a": ("c", "c"), "b": ("c", "c")}, set()),
        ({"a": ("c", "w")}, set()),
    ],
)
def test_one_repeat_on_several_hosts_is_evidence(
    results: dict[str, tuple[str, str]], found: set[str]
) -> None:
    runs: list[Run] = []
    outputs: dict[tuple[str, StepId], str] = {}
    for name, made in results.items():
        for scenario, result in zip(("buildkit-cold", "buildkit-mounts-warm"), made, strict=True):
            one = run(MAKES, "mm", scenario=scenario, host=name)
            runs.append(one)
            outputs[(one.id, StepId(0, 1))] = result
    said = why(audit(MAKES, runs), outputs=outputs)
    likely = [f for f in said.findings if f.id == "mount-changes-result"]
    assert {h for f in likely for h in f.hosts if f.confidence == "likely"} == found
    asked = [need for need in said.needs if "--repeat 2 --outputs" in need.text]
    assert bool(asked) is (not found and any(cold != warm for cold, warm in results.values()))


@pytest.mark.parametrize("step", [StepId(0, 1), StepId(1, 1)], ids=["of the RUN", "of its copy"])
def test_outputs_of_cold_runs_prove_chance(step: StepId) -> None:
    found = outputs_of(MAKES, ["a", "b"], [], step)
    assert only(found, "nondeterministic-step").confidence == "proved"
    assert ids(outputs_of(MAKES, ["a", "a"], [], step)) == []
    mixed = audit(
        MAKES,
        [run(MAKES, "mm", host=name, scenario="buildkit-cold") for name in ("ci-1", "ci-2")],
        hosts=[host("ci-1"), host("ci-2", bases={"base:1": ("sha256:other",)})],
    )
    made = {(mixed.runs[0].id, step): "a", (mixed.runs[1].id, step): "b"}
    assert "nondeterministic-step" not in ids(why(mixed, outputs=made)), "another base image"
    alike = audit(MAKES, mixed.runs, hosts=[host("ci-1"), host("ci-2")])
    assert only(why(alike, outputs=made), "nondeterministic-step").confidence == "likely"
    engines = audit(MAKES, mixed.runs, hosts=[host("ci-1"), host("ci-2", facts_engine="26.1.5")])
    assert "nondeterministic-step" not in ids(why(engines, outputs=made)), "another engine"


# The base image

TEXT = "FROM base:1\nCOPY src /src\nRUN make\n"
OTHER = {"base:1": ("sha256:other",)}


def test_a_base_that_moved_is_to_blame_for_whatever_stands_on_it() -> None:
    then = before(TEXT, "mm", hosts=[host(bases=OTHER)])
    for letters, count in (("mm", 2), ("hm", 1)):
        found = only(why(audit(TEXT, [run(TEXT, letters)]), then), "base-drift")
        assert (found.confidence, len(found.consequences)) == ("proved", count)
        assert found.steps == (StepRef(0, 0),)
    assert ids(why(audit(TEXT, [run(TEXT, "hh")]), then)) == []


def test_another_base_than_on_the_others_without_an_earlier_run_is_likely() -> None:
    document = audit(
        TEXT,
        [run(TEXT, "mm"), run(TEXT, "hh", host="ci-2"), run(TEXT, "hh", host="ci-3")],
        hosts=[host(bases=OTHER), host("ci-2"), host("ci-3")],
    )
    found = only(why(document), "base-drift")
    assert (found.confidence, found.hosts) == ("likely", ("ci-1",))
    alike = audit(TEXT, document.runs, hosts=[host(), host("ci-2"), host("ci-3")])
    assert "base-drift" not in ids(why(alike))


def test_a_from_that_names_another_image_is_no_drift() -> None:
    now = TEXT.replace("base:1", "base:2")
    hosts = [host(bases={"base:2": ("sha256:other",)})]
    found = why(audit(now, [run(now, "mm")], hosts=hosts), before(TEXT, "mm"))
    assert ids(found) == ["build-changed"]
    assert "base:2; it named base:1 before" in found.findings[0].evidence[0].text
    same = [host(bases={"base:2": ("sha256:base",)})]
    found = why(audit(now, [run(now, "mm")], hosts=same), before(TEXT, "mm"))
    assert "build-changed" not in ids(found), "BuildKit goes by the layers"


def test_an_argument_that_chooses_the_base_is_told_as_that() -> None:
    text = "ARG TAG=1\nFROM base:$TAG\nARG TAG\nRUN make\n"
    hosts = [host(bases={"base:2": ("sha256:other",)})]
    document = audit(
        text, [run(text, "m")], hosts=hosts, bases=("base:2",), build_args={"TAG": "sha256:2"}
    )
    found = why(document, before(text, "m", bases=("base:1",)))
    assert ids(found) == ["build-arg-invalidates"]
    assert "selected another base image in line 2: base:2" in found.findings[0].title


# The legacy builder's own cache

LABELLED = "FROM base:1\nLABEL built=2026-11-24\nRUN make\nCOPY src /src\n"


def legacy(made_by: tuple[str, ...], letters: str = "mmm") -> Document:
    evidence = HostEvidence(
        at=b.NOW,
        bases=(BaseImage(ref="base:1", id="sha256:id"),),
        legacy=(LegacyChain(base="sha256:id", image="sha256:old", made_by=made_by),),
        cache=(),
    )
    one = run(LABELLED, letters, scenario="legacy-as-found")
    return audit(LABELLED, [one], hosts=[host(evidence=evidence)])


def test_an_image_with_the_same_steps_behind_another_label_proves_it() -> None:
    make = f"RUN {HASHER.digest('make')}"
    found = why(legacy(("LABEL built=2026-11-01", make, "COPY /src")))
    one = only(found, "legacy-metadata-invalidates")
    assert (one.confidence, len(one.consequences)) == ("proved", 2)
    assert "2026-11-01" in one.evidence[0].text
    for made in (
        ("LABEL built=2026-11-01", f"RUN {HASHER.digest('other')}"),
        ("LABEL built=2026-11-01",),
        ("ENV A", make),
    ):
        found = why(legacy(made))
        assert "proved" not in [one.confidence for one in found.findings], made
    then = before(LABELLED, "mmm", scenario="legacy-as-found")
    found = why(legacy(("LABEL built=2026-11-01", make, "COPY /src")), then)
    proved = [one.id for one in found.findings if one.confidence == "proved"]
    assert proved == [], "the host had this very label in its last run: it is another's image"


def test_a_date_in_a_label_alone_is_possible_and_costs_what_is_below() -> None:
    cold = run(LABELLED, "mmm", scenario="legacy-cold", seconds={3: 4.0, 4: 2.0})
    one = only(why(audit(LABELLED, [cold])), "legacy-metadata-invalidates")
    assert (one.confidence, one.seconds) == ("possible", 6.0)
    plain = LABELLED.replace("built=2026-11-24", "role=app")
    cold = run(plain, "mmm", scenario="legacy-cold")
    assert ids(why(audit(plain, [cold]))) == []


def test_an_image_tells_of_a_label_in_a_stage_on_another_stage_too() -> None:
    text = "FROM base:1 AS deps\nRUN deps\nFROM deps\nLABEL built=2026-11-24\nRUN make\n"
    made = (
        f"RUN {HASHER.digest('deps')}",
        "LABEL built=2026-11-01",
        f"RUN {HASHER.digest('make')}",
    )
    evidence = HostEvidence(
        at=b.NOW,
        bases=(BaseImage(ref="base:1", id="sha256:id"),),
        legacy=(LegacyChain(base="sha256:id", image="sha256:old", made_by=made),),
    )
    one = run(text, "hmm", scenario="legacy-as-found")
    found = only(
        why(audit(text, [one], hosts=[host(evidence=evidence)])), "legacy-metadata-invalidates"
    )
    assert (found.confidence, found.steps) == ("proved", (StepRef(1, 1),))


MOVED = "FROM base:1\nRUN make\n"


def drifted(scenario: str, made_by: tuple[str, ...], then_id: str = "sha256:then") -> Findings:
    """A host whose base image moved since an audit with the other builder."""
    other = "buildkit-as-found" if scenario.startswith("legacy") else "legacy-as-found"
    past = HostEvidence(at=b.NOW - 3600, bases=(BaseImage(ref="base:1", id="sha256:then"),))
    now = HostEvidence(
        at=b.NOW,
        bases=(BaseImage(ref="base:1", id="sha256:now"),),
        legacy=(LegacyChain(base=then_id, image="sha256:old", made_by=made_by),),
        cache=(
            CacheEntry(type="regular", description="mount / from exec /bin/sh -c make", bytes=1),
        ),
    )
    then = before(
        MOVED, "h", scenario=other, hosts=[host(bases={"base:1": ("sha256:a",)}, evidence=past)]
    )
    one = run(MOVED, "m", scenario=scenario)
    hosts = [host(bases={"base:1": ("sha256:b",)}, evidence=now)]
    return why(audit(MOVED, [one], hosts=hosts), then)


def test_a_moved_base_is_told_by_the_record_of_the_other_builder() -> None:
    make = f"RUN {HASHER.digest('make')}"
    one = only(drifted("legacy-as-found", (make,)), "base-drift")
    assert one.confidence == "proved"
    assert "on image then, which base:1 named in audit then" in one.evidence[0].text
    one = only(drifted("buildkit-as-found", ()), "base-drift")
    assert one.confidence == "likely"
    assert "has other layers than in audit then" in one.evidence[0].text


def test_a_chain_on_an_image_that_the_name_never_meant_proves_nothing() -> None:
    make = f"RUN {HASHER.digest('make')}"
    for made, base in (((make,), "sha256:else"), ((f"RUN {HASHER.digest('x')}",), "sha256:then")):
        found = drifted("legacy-as-found", made, base)
        assert "proved" not in {f.confidence for f in found.findings if f.id == "base-drift"}


# Contexts


def checkout(name: str, digest: str) -> HostReport:
    evidence = HostEvidence(at=b.NOW, checkout=Checkout(path="/srv/app", digest=digest))
    return host(name, evidence=evidence)


def test_a_checkout_under_another_umask_is_told_by_its_modes() -> None:
    manifests = {
        "sha256:context": entries(src__a="a", src__b="b"),
        "sha256:same": entries(src__a="a", src__b="b"),
        "sha256:open": entries(src__a=("a", 0o664), src__b=("b", 0o664)),
    }
    hosts = [checkout("ci-1", "sha256:open"), checkout("ci-2", "sha256:same")]
    runs = [run(TEXT, "mm"), run(TEXT, "hh", host="ci-2")]
    found = why(audit(TEXT, runs, hosts=hosts), manifests=manifests)
    one = only(found, "context-mode-only")
    assert (one.hosts, one.confidence) == (("ci-1",), "likely")
    assert one.consequences == (StepRef(0, 2),)
    assert "`cd /srv/app && chmod g-w src/a src/b` on ci-1" in one.advice
    assert one.commands == ("ssh -n ci-1 'cd /srv/app && chmod g-w src/a src/b'",)
    assert found.unexplained == ()


def test_only_what_differs_gets_other_modes_and_a_folder_with_all_in_it() -> None:
    text = "FROM base:1\nCOPY src /src\nCOPY lib /lib\nRUN make\n"
    names = [f"lib__{number}" for number in range(20)]
    for count, told in (
        (3, "'cd /srv/app && chmod lib/0 lib/1 lib/2'"),
        (20, "chmod -R /srv/app/lib"),
    ):
        files: dict[str, str | tuple[str, int]] = dict.fromkeys(("src__a", *names), "x")
        spoilt = dict.fromkeys(names[:count], ("x", 0o664))
        manifests = {
            "sha256:context": entries(**files),
            "sha256:open": entries(**{**files, **spoilt}),
        }
        hosts = [checkout("ci-1", "sha256:open"), checkout("ci-2", "sha256:context")]
        runs = [run(text, "hmm"), run(text, "hhh", host="ci-2")]
        found = why(audit(text, runs, hosts=hosts), manifests=manifests)
        (command,) = only(found, "context-mode-only").commands
        assert command.replace("g-w ", "") == f"ssh -n ci-1 {told}"


def test_never_built_needs_a_cache_that_was_read_and_has_nothing_of_it() -> None:
    def document(records: tuple[CacheEntry, ...] | None) -> Document:
        evidence = HostEvidence(at=b.NOW, cache=records)
        peeked = run(TEXT, "mm", scenario="buildkit-peek")
        return audit(TEXT, [peeked], hosts=[host(evidence=evidence)])

    none = CacheEntry(type="regular", description="mount / from exec /bin/sh -c other", bytes=1)
    ours = CacheEntry(type="regular", description="mount / from exec /bin/sh -c make", bytes=1)
    assert ids(why(document((none,)))) == ["evicted-or-never-built"]
    advice = only(why(document((none,))), "evicted-or-never-built").advice or ""
    assert "(`--cache-from`)" in advice
    for args in (("--cache-from", "type=local,src=/c"), ("--cache-from=reg/app:cache",)):
        given = msgspec.structs.replace(
            document((none,)),
            build=msgspec.structs.replace(document((none,)).build, docker_args=args),
        )
        advice = only(why(given), "evicted-or-never-built").advice or ""
        assert advice.endswith("what --cache-from names lacks them")
    assert ids(why(document((none, ours)))) == []
    assert ids(why(document(None))) == []


@pytest.mark.parametrize(("legacy", "hits"), [("hh", 2), ("hm", 1), ("mm", 0)])
def test_a_build_that_only_the_other_builder_has_points_to_it(legacy: str, hits: int) -> None:
    hosts = [host(evidence=HostEvidence(at=b.NOW, cache=()))]
    runs = [run(TEXT, "mm"), run(TEXT, legacy, scenario="legacy-as-found")]
    found = only(why(audit(TEXT, runs, hosts=hosts)), "evicted-or-never-built")
    told = [fact.text for fact in found.evidence if "points to" in fact.text]
    said = f"the legacy builder hit {hits} of 2 steps on ci-1: this points to builds with it alone "
    assert [text.startswith(said) for text in told] == [True] * bool(hits)


def ignored(flag: str, engine: str) -> list[str]:
    """The titles of ignored-syntax for a step with this flag on that engine."""
    text = f"FROM base:1\n{flag}\n"
    made = run(text, "m", scenario="legacy-cold", engine=engine)
    found = why(audit(text, [made])).findings
    return [finding.title for finding in found if finding.id == "ignored-syntax"]


@pytest.mark.parametrize(
    ("step", "engine", "what"),
    [
        ("COPY --link a /a", "26.1.5", "--link"),
        ("COPY --link=false a /a", "26.1.5", None),
        ("ADD --checksum=sha256:00 http://x/a /a", "26.1.5", "--checksum"),
        ("ADD --keep-git-dir a /a", "28.5.2", "--keep-git-dir"),
        ("COPY --exclude=*.o . /a", "28.5.2", "--exclude"),
        ("COPY --exclude=*.o . /a", "26.1.5", None),  # refuses the file
        ("ADD --unpack=false a.tar /a", "28.5.2", "--unpack"),
        ("ADD --unpack=false a.tar /a", "26.1.5", None),
        ("COPY --parents a /a", "29.1.0", "--parents"),
        ("COPY --parents a /a", "28.5.2", None),
        ("COPY --link a /a", "20.10.24", None),
        ("COPY --chown=1:1 a /a", "28.5.2", None),
        ("RUN <<EOF\nmake\nEOF", "28.5.2", "a heredoc"),
        ("RUN <<EOF\nmake\nEOF", "20.10.24", None),
    ],
)
def test_what_the_legacy_builder_ignores(step: str, engine: str, what: str | None) -> None:
    titles = ignored(step, engine)
    assert bool(titles) == (what is not None)
    for title in titles:
        assert title.startswith(f"the legacy builder ignored {what} (line 2) and built ")


def test_a_build_that_fails_for_what_was_ignored_has_a_likely_cause() -> None:
    text = "FROM base:1\nCOPY <<EOF f /x/\nhello\nEOF\nRUN cat /x/EOF\nRUN <<EOF\nmake\nEOF\n"
    runs = [
        run(
            text,
            letters,
            host=name,
            scenario="legacy-cold",
            engine=engine,
            status=status,
            reason=why,
        )
        for name, letters, engine, status, why in (
            ("a", "mfr", "26.1.5", "failed", "line 5: cat returned 1"),
            ("b", "rrr", "20.10.24", "unsupported", "line 2: no heredocs"),
        )
    ]
    one = only(why_of(runs, text), "ignored-syntax")
    assert (one.confidence, one.hosts, len(one.steps)) == ("likely", ("a",), 1)
    assert one.title == "the legacy builder ignored a heredoc (line 2) and failed in a later step"
    assert "line 5: cat returned 1" in " ".join(fact.text for fact in one.evidence)
    assert why_of(runs, text).unexplained == ()
    first = run(text, "frr", scenario="legacy-cold", engine="26.1.5", status="failed", reason="x")
    assert "ignored-syntax" not in ids(why_of([first], text)), "it never came so far"


def why_of(runs: list[Run], text: str) -> Findings:
    return why(audit(text, runs))


def test_the_former_id_of_a_rule_still_names_it() -> None:
    now = rule("ignored-syntax")
    assert now is not None
    assert rule("legacy-drops-heredoc") is now
    assert rule("legacy-ignores-syntax") is now


# Advice


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("FROM base:1\nARG A\nARG B\nRUN make $A\n", "Line 4 uses A, so it runs for every value"),
        (
            "FROM base:1\nARG A\nRUN make\nRUN use $A\n",
            "Move `ARG A` (line 2) down to just above line 4, the first to use it: line 3",
        ),
        (
            "FROM base:1\nARG A\nENV V=$A\nRUN make\n",
            "Move `ARG A` (line 2) and line 3, which uses it, below line 4",
        ),
        ("FROM base:1\nARG A\nRUN make\n", "Remove `ARG A` (line 2), if no command reads it"),
        ("FROM base:1\nARG A\nRUN make $AB ${A_B}\n", "Remove `ARG A` (line 2), if no command"),
        (
            "FROM base:1\nARG A\nENV B=v$A C=$A\nRUN make $B\n",
            "Line 4 uses B, which is made of A, so it runs for every value",
        ),
        (
            "FROM base:1\nARG A\nENV B=v$A\nENV C=/$B\nRUN make ${C}\n",
            "Line 5 uses C, which is made of A, so it runs for every value",
        ),
    ],
)
def test_advice_on_an_argument_wins_a_step_or_says_that_none_can_be_won(
    text: str, advice: str
) -> None:
    steps = "m" * sum(line.startswith("RUN") for line in text.splitlines())
    document = audit(text, [run(text, steps)], build_args={"A": "sha256:now"})
    found = why(document, before(text, steps, build_args={"A": "sha256:then"}))
    assert advice in only(found, "build-arg-invalidates").advice


def test_every_argument_has_its_own_line() -> None:
    text = "FROM base:1\nARG A\nARG B\nRUN make\n"
    document = audit(text, [run(text, "m")], build_args={"A": "sha256:1", "B": "sha256:2"})
    then = before(text, "m", build_args={"A": "sha256:3", "B": "sha256:4"})
    one = only(why(document, then), "build-arg-invalidates")
    assert "A (line 2) and B (line 3)" in one.title
    assert "`ARG A` (line 2)" in one.advice
    assert "`ARG B` (line 3)" in one.advice


def test_white_space_that_differs_is_shown() -> None:
    now, then = "FROM base:1\nRUN npm  ci --silent\n", "FROM base:1\nRUN npm ci --silent\n"
    one = only(why(audit(now, [run(now, "m")]), before(then, "m")), "build-changed")
    (text,) = [fact.text for fact in one.evidence if "white space" in fact.text]
    assert "'RUN npm  ci --silent' now, 'RUN npm ci --silent' before" in text


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("one\nother\n", "line 2 of its here-document EOF: 'other' now, 'two' before"),
        ("one\n", "line 2 of its here-document EOF: no line now, 'two' before"),
        ("one\ntwo\n\n", "line 3 of its here-document EOF: '' now, no line before"),
    ],
)
def test_a_here_document_that_changed_is_told_by_its_line(body: str, says: str) -> None:
    now, then = (f"FROM base:1\nRUN <<EOF\n{text}EOF\n" for text in (body, "one\ntwo\n"))
    one = only(why(audit(now, [run(now, "m")]), before(then, "m")), "build-changed")
    assert says in one.evidence[0].text
    assert "white space" not in one.evidence[0].text


@pytest.mark.parametrize(
    ("digests", "store", "advice", "command"),
    [
        (
            ("base@sha256:d",),
            "overlay2",
            "To keep it so, pin it in line 1: FROM base:1@sha256:d",
            "ssh -n ci-2 'docker pull base@sha256:d && docker tag base@sha256:d base:1'",
        ),
        (
            (),
            "overlay2",
            "No host pulled base:1",
            "ssh -n ci-1 docker save base:1 | ssh ci-2 docker load",
        ),
        (  # there every image has a digest
            ("base@sha256:d",),
            "containerd/overlayfs",
            "To keep it so, pin it in line 1: FROM base:1@sha256:d",
            "ssh -n ci-1 docker save base:1 | ssh ci-2 docker load",
        ),
    ],
)
def test_a_base_that_no_registry_has_is_not_to_be_pulled(
    digests: tuple[str, ...], store: str, advice: str, command: str
) -> None:
    layers = {"ci-1": "sha256:a", "ci-2": "sha256:b", "ci-3": "sha256:a"}
    hosts = [
        host(
            name,
            bases={"base:1": (layer,)},
            facts_store=store,
            evidence=HostEvidence(
                at=b.NOW, bases=(BaseImage(ref="base:1", id="sha256:i", digests=digests),)
            ),
        )
        for name, layer in layers.items()
    ]
    runs = [run(MOVED, "m", host=name, scenario="buildkit-cold") for name in layers]
    one = only(why(audit(MOVED, runs, hosts=hosts)), "base-drift")
    assert advice in one.advice
    assert one.commands[0] == command
