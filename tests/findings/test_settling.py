"""Never two causes that are not proved; what nothing explains is said with what differs."""

from __future__ import annotations

from cachetui.compare.align import agree
from cachetui.findings import Evidence, Finding, Proof, StepRef
from cachetui.findings.claim import Claim
from cachetui.findings.explain_audit import settle
from cachetui.findings.record import Confidence
from cachetui.findings.registry import RULES
from cachetui.findings.rule import Rule
from tests import make_records as b
from tests.findings.making import audit, before, entries, host, ids, only, run, why

TEXT = "FROM base:1\nCOPY src /src\nRUN make\nRUN test\n"


def claim(confidence: Confidence) -> Claim:
    return Claim(title="", confidence=confidence, steps=(), evidence=(), advice="")


def kept(*confidences: Confidence) -> list[Confidence]:
    asked: list[tuple[Rule, Claim]] = [(RULES[0], claim(one)) for one in confidences]
    return [one.confidence for _, one in settle(asked)]


def test_all_that_are_proved_else_the_surest_if_it_is_alone() -> None:
    assert kept("proved", "proved", "likely") == ["proved", "proved"]
    assert kept("likely", "possible") == ["likely"]
    assert kept("likely", "likely") == []
    assert kept("possible", "possible", "likely") == ["likely"]
    assert kept("possible") == ["possible"]
    assert kept() == []


def test_a_miss_without_an_earlier_run_is_unexplained_with_what_differs() -> None:
    document = audit(
        TEXT,
        [run(TEXT, "mmm", host="ci-1"), run(TEXT, "hhh", host="ci-2")],
        hosts=[host("ci-1", facts_umask="0002"), host("ci-2", facts_engine="26.1.5")],
    )
    found = why(document)
    assert ids(found) == []
    (one,) = found.unexplained
    assert one.title == "line 2: COPY src /src missed on ci-1, hit on ci-2"
    assert one.hosts == ("ci-1",)
    assert one.consequences == (StepRef(0, 2), StepRef(0, 3))
    assert one.seconds == 3.0
    said = " ".join(fact.text for fact in one.facts)
    assert "Docker Engine: 28.5.2 on ci-1, 26.1.5 on ci-2" in said
    assert "umask of the user: 002 on ci-1, 022 on ci-2" in said
    assert "no earlier as-found run" in said


def test_two_things_that_changed_and_each_is_proved_are_both_said() -> None:
    text = "FROM base:1\nARG V\nCOPY src /src\nRUN make\n"
    document = audit(
        text, [run(text, "mm")], build_args={"V": "sha256:2"}, context_digest="sha256:new"
    )
    then = before(text, "mm", build_args={"V": "sha256:1"}, context_digest="sha256:old")
    manifests = {
        "sha256:old": entries(src__a="a", Dockerfile=text),
        "sha256:new": entries(src__a="b", Dockerfile=text),
    }
    found = why(document, then, manifests=manifests)
    assert ids(found) == ["context-content"], "COPY has no argument in its key, and RUN follows it"
    apart = text.replace("ARG V\nCOPY src /src\nRUN make", "COPY src /src\nARG V\nRUN make")
    document = audit(apart, [run(apart, "hm")], build_args={"V": "sha256:2"})
    found = why(document, before(apart, "mm", build_args={"V": "sha256:1"}))
    assert ids(found) == ["build-arg-invalidates"]


def test_nothing_is_evicted_while_something_in_the_key_is_not_known() -> None:
    document = audit(TEXT, [run(TEXT, "hmm")])
    assert ids(why(document, before(TEXT, "mmm"))) == ["evicted-or-never-built"]
    unknown = audit(TEXT, [run(TEXT, "mmm")], context_digest="sha256:other")  # not kept
    found = why(unknown, before(TEXT, "mmm"))
    assert ids(found) == []
    (one,) = found.unexplained
    assert "not known, so not compared: the files that it sees" in one.facts[-1].text
    no_base = audit(TEXT, [run(TEXT, "hmm")], hosts=[host(bases={"base:1": None})])
    assert ids(why(no_base, before(TEXT, "mmm"))) == []


def test_the_same_of_many_hosts_is_one_finding_and_names_are_unique() -> None:
    names = [f"ci-{n}" for n in range(1, 7)]
    document = audit(
        TEXT, [run(TEXT, "hmm", host=name) for name in names], build_args={"V": "sha256:2"}
    )
    text = TEXT.replace("make", "make all")
    found = why(document, before(text, "mmm", names=names, build_args={"V": "sha256:2"}))
    one = only(found, "build-changed")
    assert one.hosts == tuple(names)
    assert one.name == "build-changed:3"
    assert one.consequences == (StepRef(0, 3),)
    texts = [evidence.text for evidence in one.evidence]
    assert len(texts) == len(set(texts)) <= 2


def proof(outcome: str, at: float = 1.0, host: str = "ci-1") -> Proof:
    return Proof(
        audit="now",
        id="evicted-or-never-built",
        steps=(StepRef(0, 2),),
        host=host,
        outcome=outcome,  # type: ignore[arg-type]
        evidence=(Evidence(kind="experiment", text="it hit again"),),
        at=at,
    )


def test_an_experiment_proves_or_withdraws_and_the_last_that_decided_holds() -> None:
    document, then = audit(TEXT, [run(TEXT, "hmm")]), before(TEXT, "mmm")
    assert only(why(document, then), "evicted-or-never-built").confidence == "likely"
    proved = only(why(document, then, proofs=[proof("proved")]), "evicted-or-never-built")
    assert proved.confidence == "proved"
    assert proved.evidence[0].text == "it hit again"
    gone = why(document, then, proofs=[proof("proved"), proof("withdrawn", 2.0)])
    assert ids(gone) == []
    assert gone.unexplained[0].title.startswith("not confirmed: ")
    kept = why(document, then, proofs=[proof("withdrawn"), proof("undecided", 2.0)])
    assert ids(kept) == []


def test_an_experiment_settles_what_is_said_of_its_own_host_alone() -> None:
    names = ["ci-1", "ci-2", "ci-3"]
    document = audit(TEXT, [run(TEXT, "hmm", host=name) for name in names])
    then = before(TEXT, "mmm", names=names)

    def settled(*proofs: Proof) -> Finding:
        return only(why(document, then, proofs=proofs), "evicted-or-never-built")

    assert settled().hosts == tuple(names)
    one = settled(proof("proved"))
    assert one.confidence == "likely"
    assert one.evidence[0].text == "proved by experiment on ci-1, not on ci-2 and ci-3"
    assert (one.evidence[1].text, one.evidence[1].hosts) == ("it hit again", ("ci-1",))
    assert settled(*(proof("proved", host=name) for name in names)).confidence == "proved"
    mixed = settled(proof("proved"), proof("withdrawn", host="ci-2"))
    assert mixed.confidence == "possible"
    assert mixed.evidence[0].text == (
        "the experiment on ci-2 did not confirm evicted-or-never-built"
    )
    assert settled(proof("undecided", host="ci-3")).confidence == "likely"
    found = why(document, then, proofs=[proof("withdrawn", host=name) for name in names])
    assert ids(found) == []
    assert found.unexplained[0].hosts == tuple(names)
    assert "ci-1, ci-2 and ci-3 did not confirm" in found.unexplained[0].facts[0].text


def test_hosts_that_part_ways_are_never_passed_over() -> None:
    document = b.odd_one_out()
    found = why(document)
    said: set[StepRef] = set()
    for one in found.findings:
        said |= {*one.steps, *one.consequences}
    for other in found.unexplained:
        said |= {*other.steps, *other.consequences}
    parted = agree(document).disagreements
    assert parted
    assert {StepRef.of(one.step) for one in parted if one.step is not None} <= said


def test_a_finding_costs_what_the_host_pays_that_pays_most() -> None:
    runs = [
        run(TEXT, "hmm", host="ci-1", seconds={3: 2.0, 4: 1.0}),
        run(TEXT, "hmm", host="ci-2", seconds={3: 9.0, 4: 1.0}),
    ]
    then = before(TEXT.replace("make", "old"), "mmm", names=("ci-1", "ci-2"))
    assert only(why(audit(TEXT, runs), then), "build-changed").seconds == 10.0


def test_no_cache_among_the_builds_own_options_explains_every_miss_and_nothing_else_does() -> None:
    document = audit(TEXT, [run(TEXT, "mmm")], docker_args=("--no-cache",))
    found = why(document, before(TEXT, "mmm", docker_args=("--no-cache",)))
    one = only(found, "build-changed")
    assert ids(found) == ["build-changed"]
    assert "--no-cache" in one.title
    assert (one.confidence, one.seconds) == ("proved", 3.0)


def test_an_option_that_is_in_no_key_is_blamed_for_nothing() -> None:
    document = audit(TEXT, [run(TEXT, "hmm")], docker_args=("--label", "a=b", "--memory=1g"))
    found = why(document, before(TEXT, "mmm"))
    assert ids(found) == ["evicted-or-never-built"], "the key is the same"
    document = audit(TEXT, [run(TEXT, "hmm")], docker_args=("--security-opt", "a=b"))
    found = why(document, before(TEXT, "mmm"))
    assert ids(found) == [], "not known of all engines"
    assert (
        "docker_args --security-opt changed, and may be in the key"
        in found.unexplained[0].facts[-1].text
    )
    for args, said in ((("--add-host", "db:1.2.3.4"), True), (("--add-host=x:9.9.9.9",), False)):
        document = audit(TEXT, [run(TEXT, "hmm")], docker_args=args)
        then = before(TEXT, "mmm", docker_args=("--add-host=x:1.1.1.1",))
        assert ("build-changed" in ids(why(document, then))) is said, "of a host's name only"


def test_a_step_that_changed_and_hit_by_chance_is_to_blame_for_the_next_that_missed() -> None:
    text = "FROM base:1\nENV V=2\nLABEL a=b\nRUN make\n"
    then = text.replace("V=2", "V=1")
    document = audit(text, [run(text, "hhm", scenario="legacy-as-found")])
    found = why(document, before(then, "mmm", scenario="legacy-as-found"))
    assert ids(found) == ["build-changed"], "ENV V=2 is there of another build"
    assert found.findings[0].steps == (StepRef(0, 1),)
    assert found.findings[0].consequences == (StepRef(0, 3),)
    copy = "FROM base:1\nCOPY f /f\nRUN make\n"
    manifests = {"sha256:old": entries(f="1"), "sha256:new": entries(f="2")}
    document = audit(copy, [run(copy, "hm")], context_digest="sha256:new")
    earlier = before(copy, "mm", context_digest="sha256:old")
    assert ids(why(document, earlier, manifests=manifests)) == ["context-content"]
    assert ids(why(document, earlier)) == [], "what COPY saw then is not known"


def test_a_label_costs_only_what_would_have_hit_without_it() -> None:
    text = "FROM base:1\nLABEL a=1\nRUN one\nCOPY f /f\nRUN two\n"
    manifests = {"sha256:old": entries(f="1"), "sha256:new": entries(f="2")}
    then = before(text, "mmmm", scenario="legacy-as-found", context_digest="sha256:old")
    now = text.replace("a=1", "a=2")
    one = run(now, "mmmm", scenario="legacy-as-found", seconds={2: 0.0, 3: 4.0, 4: 1.0, 5: 9.0})
    found = why(audit(now, [one], context_digest="sha256:new"), then, manifests=manifests)
    assert ids(found) == ["legacy-metadata-invalidates"]
    assert found.findings[0].seconds == 4.0
    assert "line 4 has changed as well" in found.findings[0].evidence[-1].text
    copy = "FROM base:1\nLABEL a=1\nCOPY f /f\nRUN two\n"
    then = before(copy, "mmm", scenario="legacy-as-found", context_digest="sha256:old")
    now = copy.replace("a=1", "a=2")
    one = run(now, "mmm", scenario="legacy-as-found")
    found = why(audit(now, [one], context_digest="sha256:new"), then, manifests=manifests)
    assert ids(found) == ["build-changed"], "nothing below would have hit without it"
