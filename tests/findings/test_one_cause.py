"""One cause is one finding, at however many lines and with whichever builder it shows."""

from __future__ import annotations

import pytest

from cachetui.audit.findings_of import case_of
from cachetui.findings import Finding, Findings, Proof
from cachetui.findings.record import Evidence, StepRef
from cachetui.prove.request import is_named
from cachetui.records.host import BaseImage, HostEvidence, LegacyChain
from cachetui.store.database import Store
from tests import make_records as b
from tests.findings.making import HASHER, audit, before, entries, host, ids, only, run, why

THREE = "FROM base:1 AS a\nRUN one\nFROM base:1 AS b\nRUN two\nFROM base:1\nRUN three\n"
OTHER = {"base:1": ("sha256:other",)}
SCENARIOS = ("legacy-as-found", "buildkit-as-found")
FROMS = (StepRef(0, 0), StepRef(1, 0), StepRef(2, 0))


def drifted(*earlier: str) -> Findings:
    """A host has another image than two others; audits with these scenarios knew another there."""
    runs = [
        run(THREE, letters, host=name, scenario=scenario)
        for name, letters in (("ci-1", "mmm"), ("ci-2", "hhh"), ("ci-3", "hhh"))
        for scenario in SCENARIOS
    ]
    document = audit(THREE, runs, hosts=[host(bases=OTHER), host("ci-2"), host("ci-3")])
    return why(document, *(before(THREE, "hhh", scenario=scenario) for scenario in earlier))


def test_an_image_is_one_cause_for_all_stages_and_builders() -> None:
    one = only(drifted(), "base-drift")
    assert (one.name, one.confidence, one.steps) == ("base-drift:1", "likely", FROMS)
    assert one.backends == ("legacy", "buildkit")
    assert one.scenarios == SCENARIOS
    assert one.consequences == (StepRef(0, 1), StepRef(1, 1), StepRef(2, 1))
    assert one.seconds == 3.0, "all three steps of a build"


def test_what_is_likely_with_one_builder_stands_in_what_is_proved_with_the_other() -> None:
    (one,) = [one for one in drifted("legacy-as-found").findings if one.id == "base-drift"]
    assert one.confidence == "proved"
    assert one.scenarios == SCENARIOS
    assert "buildkit-as-found on ci-1: likely, not proved" in texts(one)
    assert "likely" not in texts(only(drifted(*SCENARIOS), "base-drift"))


def texts(finding: Finding) -> str:
    return "\n".join(fact.text for fact in finding.evidence)


@pytest.mark.parametrize("steps", [FROMS, (FROMS[1],)], ids=["all", "one line"])
@pytest.mark.parametrize("outcome", ["proved", "withdrawn"])
def test_an_experiment_at_any_of_its_lines_is_about_it(
    steps: tuple[StepRef, ...], outcome: str
) -> None:
    found = drifted()
    proof = Proof(
        audit="now", id="base-drift", steps=steps, host="ci-1", outcome=outcome,  # type: ignore[arg-type]
        evidence=(Evidence(kind="experiment", text="tried"),), at=b.NOW,
    )  # fmt: skip
    document = audit(THREE, [run(THREE, "mmm"), run(THREE, "hhh", host="ci-2"),
                             run(THREE, "hhh", host="ci-3")],
                     hosts=[host(bases=OTHER), host("ci-2"), host("ci-3")])  # fmt: skip
    settled = why(document, proofs=[proof])
    assert only(found, "base-drift").confidence == "likely"
    if outcome == "proved":
        assert only(settled, "base-drift").confidence == "proved"
    else:
        assert "base-drift" not in ids(settled)
        assert settled.unexplained[0].title.startswith("not confirmed: base:1 is a different image")
    elsewhere = replace_steps(proof, (StepRef(0, 1),))
    assert only(why(document, proofs=[elsewhere]), "base-drift").confidence == "likely"


def replace_steps(proof: Proof, steps: tuple[StepRef, ...]) -> Proof:
    return Proof(**{**{name: getattr(proof, name) for name in proof.__struct_fields__},
                    "steps": steps})  # fmt: skip


def test_each_of_its_lines_names_it(tmp_path: object) -> None:
    document = audit(THREE, [run(THREE, "mmm"), run(THREE, "hhh", host="ci-2"),
                             run(THREE, "hhh", host="ci-3")],
                     hosts=[host(bases=OTHER), host("ci-2"), host("ci-3")])  # fmt: skip
    store = Store(tmp_path)  # type: ignore[arg-type]
    case = case_of(document, store)
    store.close()
    assert case is not None
    one = only(why(document), "base-drift")
    named = {name for name in ("base-drift", *(f"base-drift:{n}" for n in range(8)))
             if is_named(case, one, name)}  # fmt: skip
    assert named == {"base-drift", "base-drift:1", "base-drift:3", "base-drift:5"}
    assert not is_named(case, one, "context-content:1")


COPIES = "FROM base:1 AS a\nCOPY one /one\nRUN make\nFROM base:1\nCOPY . /two\nRUN make two\n"
APART = COPIES.replace(". /two", "one/other /two").replace("one /one", "one/file /one")


def changed(text: str = COPIES, letters: str = "mmmm", **then: str | tuple[str, int]) -> Findings:
    files = {"one__file": "new", "one__other": "new"}
    document = audit(text, [run(text, letters)], context_digest="sha256:now")
    manifests = {
        "sha256:now": entries(**files),
        "sha256:context": entries(**{**files, **then}),
    }
    return why(document, before(text, "hhhh"), manifests=manifests)


def test_a_file_is_one_cause_for_all_lines_that_copy_it() -> None:
    one = only(changed(one__file="old"), "context-content")
    assert one.title.startswith("lines 2 and 5 see different files than in the earlier run on ci-1")
    assert (one.name, one.seconds) == ("context-content:2", 4.0)
    assert one.brief == "lines 2 and 5: file has other content"
    assert "COPY one /one" in texts(one)
    assert "COPY . /two" in texts(one)


def test_other_files_are_another_cause() -> None:
    found = changed(APART, one__file="old", one__other="old")
    assert [(one.id, one.name) for one in found.findings] == [
        ("context-content", "context-content:2"),
        ("context-content", "context-content:5"),
    ]


def test_what_changed_stands_in_few_words_unless_it_is_not_the_same_everywhere() -> None:
    def said(text: str, *changes: str) -> set[str]:
        evidence = [
            HostEvidence(
                at=b.NOW,
                bases=(BaseImage(ref="base:1", id="sha256:id"),),
                legacy=(
                    LegacyChain(
                        base="sha256:id",
                        image="sha256:old",
                        made_by=(was, f"RUN {HASHER.digest('make')}"),
                    ),
                ),
                cache=(),
            )
            for was in changes
        ]
        names = [f"ci-{number}" for number, _ in enumerate(evidence, 1)]
        hosts = [host(name, evidence=one) for name, one in zip(names, evidence, strict=True)]
        runs = [run(text, "mm", host=name, scenario="legacy-as-found") for name in names]
        return {one.brief for one in why(audit(text, runs, hosts=hosts)).findings if one.brief}

    label = 'FROM base:1\nLABEL org.example.release="7" team=web\nRUN make\n'
    was = "LABEL org.example.release=6 team=web"
    assert said(label, was) == {"LABEL release 6 → 7: legacy rebuilds below"}
    general = "LABEL (line 2) changed: legacy rebuilds below"
    assert said(label, was, was.replace("6", "5")) == {general}
    assert said(label, was.replace("web", "api")) == {general}
    port = "FROM base:1\nEXPOSE 8080\nRUN make\n"
    assert said(port, "EXPOSE 80") == {"EXPOSE 80 → 8080: legacy rebuilds below"}
    long = f'FROM base:1\nLABEL at="{"a" * 40}1"\nRUN make\n'
    assert said(long, f"LABEL at={'a' * 40}2") == {general}


def test_a_umask_is_one_cause_with_all_modes_to_change() -> None:
    one = only(
        changed(APART, one__file=("new", 0o664), one__other=("new", 0o664)), "context-mode-only"
    )
    assert one.title.startswith("lines 2 and 5 see the same files with different modes")
    assert one.brief == "lines 2 and 5: modes 664 → 644, same files"
    assert set(one.suspect["modes"]) == {"one/file", "one/other"}


def test_other_modes_than_a_umasks_are_a_cause_each() -> None:
    found = changed(APART, one__file=("new", 0o755), one__other=("new", 0o600))
    assert [one.name for one in found.findings] == ["context-mode-only:2", "context-mode-only:5"]


def test_an_argument_is_one_cause_for_all_stages_that_declare_it() -> None:
    text = "FROM base:1 AS a\nARG V\nRUN one\nFROM base:1\nARG V\nRUN two $V\n"
    document = audit(text, [run(text, "mm")], build_args={"V": HASHER.digest("2")})
    one = only(
        why(document, before(text, "hh", build_args={"V": HASHER.digest("1")})),
        "build-arg-invalidates",
    )
    assert one.title == "build argument V (line 2) changed above lines 3 and 6"
    assert "`ARG V` (line 2)" in one.advice
    assert "line 6 uses V" in one.advice


def test_of_two_answers_the_one_that_the_other_builder_proves_holds() -> None:
    """BuildKit's miss could be the base's or the cache's; the legacy builder's record decides."""
    text = "FROM base:1\nRUN one\n"
    evidence = HostEvidence(at=b.NOW, legacy=(), cache=())
    runs = [run(text, "m", scenario=scenario) for scenario in SCENARIOS]
    runs += [run(text, "h", host=name, scenario=SCENARIOS[1]) for name in ("ci-2", "ci-3")]
    known = host(bases=OTHER)
    known = b.host("ci-1", facts=known.facts, evidence=evidence)
    document = audit(text, runs, hosts=[known, host("ci-2"), host("ci-3")])
    alone = audit(text, [one for one in runs if one.backend == "buildkit"], hosts=document.hosts)
    assert "base-drift" not in [
        one.id for one in why(alone).findings if "buildkit-as-found" in one.scenarios
    ]
    both = only(why(document, before(text, "h", scenario=SCENARIOS[0])), "base-drift")
    assert both.confidence == "proved"
    assert set(both.scenarios) == set(SCENARIOS)


def test_an_unexplained_miss_with_both_builders_is_one_entry() -> None:
    runs = [
        run(THREE, letters, host=name, scenario=scenario)
        for name, letters in (("ci-1", "mhh"), ("ci-2", "hhh"), ("ci-3", "hhh"))
        for scenario in SCENARIOS
    ]
    hosts = [host(name) for name in ("ci-1", "ci-2", "ci-3")]
    (one,) = why(audit(THREE, runs, hosts=hosts)).unexplained
    assert one.title == "line 2: RUN one missed on ci-1, hit on ci-2 and ci-3"
    assert (one.backends, one.scenarios) == (("legacy", "buildkit"), SCENARIOS)
    assert one.hosts == ("ci-1",)
    assert one.seconds == 1.0, "of one build"


def test_hosts_that_miss_with_one_builder_what_they_have_with_the_other_are_two_misses() -> None:
    runs = [
        run(THREE, letters, host=name, scenario=scenario)
        for scenario, missed in zip(SCENARIOS, ("ci-1", "ci-2"), strict=True)
        for name in ("ci-1", "ci-2", "ci-3")
        for letters in ("mhh" if name == missed else "hhh",)
    ]
    hosts = [host(name) for name in ("ci-1", "ci-2", "ci-3")]
    found = why(audit(THREE, runs, hosts=hosts)).unexplained
    assert [(one.hosts, one.scenarios) for one in found] == [
        (("ci-1",), SCENARIOS[:1]),
        (("ci-2",), SCENARIOS[1:]),
    ]


ARM = {"facts_platform": "linux/arm64"}


def mixed_fleet(**letters: str) -> Findings:
    """Three hosts of each platform; one of arm has another image than the other two."""
    bases = {name: {"base:1": (f"sha256:{name[:3]}",)} for name in letters}
    bases["arm-1"] = OTHER
    hosts = [host(n, bases[n], **(ARM if n.startswith("arm") else {})) for n in letters]
    runs = [
        run(THREE, did, host=name, scenario=scenario)
        for name, did in letters.items()
        for scenario in SCENARIOS
    ]
    return why(audit(THREE, runs, hosts=hosts))


def names(**letters: str) -> dict[str, str]:
    every = [f"{platform}-{number}" for platform in ("arm", "amd") for number in (1, 2, 3)]
    return {name: letters.get(name.replace("-", ""), "hhh") for name in every}


def test_a_fleet_of_two_platforms_has_the_image_that_most_of_one_have_as_advice() -> None:
    one = only(mixed_fleet(**names(arm1="mmm")), "base-drift")
    assert one.title == "base:1 is a different image on arm-1 than on arm-2 and arm-3"
    assert one.hosts == ("arm-1",)
    told = texts(one)
    assert "arm-1: base:1 for linux/arm64 has one layer other" in told
    assert "arm-2 and arm-3: base:1 for linux/arm64 has one layer arm" in told
    assert "amd" not in told
    assert one.advice.startswith("Give arm-1 the image that arm-2 and arm-3 have, or")


def test_an_image_for_another_platform_is_no_drift() -> None:
    """Those of its own platform that hit have the same image."""
    found = mixed_fleet(**names(arm2="mmm", arm3="mmm", arm1="mmm"))
    assert all("arm-2" not in one.hosts for one in found.findings if one.id == "base-drift")
