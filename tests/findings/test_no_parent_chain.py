"""A pulled image explains a legacy miss where it has the step, and only there."""

from __future__ import annotations

import pytest

from cachetui.findings import Findings
from cachetui.records.host import BaseImage, HostEvidence, LegacyChain
from tests import make_records as b
from tests.findings.making import HASHER, audit, before, host, ids, only, run, why

TEXT = "FROM base:1\nRUN make\nCOPY src /src\nRUN test\n"
MAKE, TEST = (f"RUN {HASHER.digest(word)}" for word in ("make", "test"))
WHOLE = (MAKE, "COPY /src", TEST)


def found(
    made_by: tuple[str, ...] = WHOLE,
    letters: str = "mmm",
    *,
    base: str = "sha256:id",
    scenario: str = "legacy-as-found",
    text: str = TEXT,
    earlier: bool = False,
    docker_args: tuple[str, ...] = (),
) -> Findings:
    pulled = LegacyChain(base=base, image="sha256:app", made_by=made_by, name="app:7")
    evidence = HostEvidence(
        at=b.NOW,
        bases=(BaseImage(ref="base:1", id="sha256:id"),),
        legacy=(),
        pulled=(pulled,),
        cache=(),
    )
    document = audit(
        text,
        [run(text, letters, scenario=scenario)],
        hosts=[host(evidence=evidence)],
        docker_args=docker_args,
    )
    then = before(text, "hhh", scenario=scenario) if earlier else None
    return why(document, then) if then else why(document)


@pytest.mark.parametrize("earlier", [False, True])
def test_the_image_has_the_step_and_no_parent(earlier: bool) -> None:
    one = only(found(earlier=earlier), "no-parent-chain")
    assert (one.confidence, one.hosts) == ("likely", ("ci-1",))
    assert "app:7" in one.title
    assert "--cache-from app:7" in one.advice
    assert len(one.consequences) == 2
    assert ids(found(earlier=earlier)) == ["no-parent-chain"], "not evicted, never built"


def test_it_goes_as_far_as_the_step_that_missed() -> None:
    assert ids(found((MAKE,))) == ["no-parent-chain"]
    assert "no-parent-chain" in ids(found((*WHOLE, "CMD x")))
    assert "no-parent-chain" not in ids(found((MAKE,), "hmm"))


@pytest.mark.parametrize(
    "made_by", [(), (TEST,), (TEST, "COPY /src", TEST), (MAKE, "COPY /other", TEST), ("COPY /src",)]
)
def test_other_steps_are_no_reason(made_by: tuple[str, ...]) -> None:
    assert "no-parent-chain" not in ids(found(made_by))


def test_another_base_image_another_builder_or_a_cold_run_is_none() -> None:
    assert "no-parent-chain" not in ids(found(base="sha256:other"))
    assert "no-parent-chain" not in ids(found(scenario="buildkit-as-found"))
    assert "no-parent-chain" not in ids(found(scenario="legacy-cold"))


@pytest.mark.parametrize("option", [("--cache-from", "app:7"), ("--cache-from=other:1",)])
def test_with_cache_from_it_is_what_that_names_that_has_no_step(option: tuple[str, ...]) -> None:
    one = only(found(docker_args=option), "evicted-or-never-built")
    assert ids(found(docker_args=option)) == ["evicted-or-never-built"]
    assert "has no step of this build" in one.title
    assert "name that image in --cache-from" in one.advice


def test_copies_alone_show_too_little() -> None:
    text = "FROM base:1\nCOPY src /src\nENV A=1\n"
    assert "no-parent-chain" not in ids(found(("COPY /src", "ENV A"), "mm", text=text))
