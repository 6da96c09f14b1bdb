"""A FROM that stands on something else than in the earlier run is a change of the build, and the
key below it is not the same."""

from __future__ import annotations

import pytest

from cachetui.findings import Findings
from tests.findings.making import audit, before, ids, only, run, why

SCENARIOS = ("buildkit-as-found", "legacy-as-found")
EVICTED = "evicted-or-never-built"
TWO = "FROM base:1 AS a\nRUN echo a\nFROM base:1 AS b\nRUN echo b\n"
ON_A = "FROM base:1 AS a\nRUN echo a\nFROM a\nRUN echo c\n"


def found(then: str, now: str, hit: str, missed: str, scenario: str) -> Findings:
    """What is said of a build whose Dockerfile was `then`, in which `hit` hit."""
    return why(
        audit(now, [run(now, missed, scenario=scenario)]), before(then, hit, scenario=scenario)
    )


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize(
    ("then", "now", "hit", "missed", "line"),
    [
        (f"{TWO}FROM a\nRUN echo c\n", f"{TWO}FROM b\nRUN echo c\n", "hhh", "hhm", 5),
        (ON_A, ON_A.replace("FROM a\n", "FROM base:1\n"), "hh", "hm", 3),
        (ON_A.replace("FROM a\n", "FROM base:1\n"), ON_A, "hh", "hm", 3),
        ("FROM scratch\nCOPY a /a\n", "FROM base:1\nCOPY a /a\n", "h", "m", 1),
        ("FROM base:1\nCOPY a /a\n", "FROM scratch\nCOPY a /a\n", "h", "m", 1),
        (ON_A, ON_A.replace("RUN echo a\n", ""), "hh", "m", 2),
        (
            "FROM base:1\nRUN echo c\n",
            "FROM --platform=linux/arm64 base:1\nRUN echo c\n",
            *("h", "m", 1),
        ),
    ],
    ids=["stage", "image for stage", "stage for image", "image for scratch", "scratch for image",
         "last line of the stage that FROM names", "platform"],
)  # fmt: skip
def test_it_is_told_with_its_line(
    then: str, now: str, hit: str, missed: str, line: int, scenario: str
) -> None:
    said = found(then, now, hit, missed, scenario)
    assert ids(said) == ["build-changed"]
    assert f"line {line}: " in only(said, "build-changed").evidence[0].text
    assert not said.unexplained


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize(
    ("then", "now"),
    [
        (ON_A, ON_A.replace(" AS a", " AS z").replace("FROM a\n", "FROM z\n")),
        (ON_A, ON_A.replace("FROM a\n", "FROM a AS last\n")),
        (ON_A, ON_A.replace("FROM base", "FROM --platform=linux/amd64 base")),
        (ON_A, f"# syntax of today\n{ON_A}"),
    ],
    ids=["renamed", "name of its own", "the host's own platform", "comment"],
)
def test_another_writing_of_the_same_is_none(then: str, now: str, scenario: str) -> None:
    assert ids(found(then, now, "hh", "hm", scenario)) == [EVICTED]


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize(("now", "evicted"), [("sha256:2", False), ("sha256:1", True)])
def test_a_platform_by_an_argument(now: str, evicted: bool, scenario: str) -> None:
    text = "ARG P\nFROM --platform=$P base:1\nRUN make\n"
    document = audit(text, [run(text, "m", scenario=scenario)], build_args={"P": now})
    earlier = before(text, "h", scenario=scenario, build_args={"P": "sha256:1"})
    assert ids(why(document, earlier)) == ([EVICTED] if evicted else ["build-arg-invalidates"])


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("default", ["linux/arm64", "linux/amd64", '"linux/amd64"'])
def test_a_platform_by_the_default_of_an_argument(default: str, scenario: str) -> None:
    then = "ARG ARCH=amd64\nARG P=linux/$ARCH\nFROM --platform=$P base:1\nRUN make\n"
    now = then.replace("linux/$ARCH", default)
    said = found(then, now, "h", "m", scenario)
    if "amd64" in default:
        assert ids(said) == [EVICTED], "it comes to the same"
        return
    assert ids(said) == ["build-changed"]
    texts = [item.text for item in only(said, "build-changed").evidence]
    assert "line 2: ARG P=linux/arm64 has another default" in texts[0]
    assert not said.unexplained


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_number_that_names_another_stage(scenario: str) -> None:
    copy = "FROM base:1\nCOPY --from=0 /x /x\n"
    swapped = "FROM base:1 AS b\nRUN echo b\nFROM base:1 AS a\nRUN echo a\n" + copy
    said = found(TWO + copy, swapped, "hhh", "hhm", scenario)
    assert ids(said) == ["build-changed"]
    assert only(said, "build-changed").confidence == "likely"
    moved = "FROM base:1 AS new\nRUN echo new\n" + (TWO + copy).replace("from=0", "from=1")
    assert ids(found(TWO + copy, moved, "hhh", "mhhm", scenario)) != [EVICTED]


def test_a_linked_copy_stands_on_nothing_that_changed() -> None:
    text = "FROM base:1\nRUN echo one\nCOPY --link a /a\n"
    now = text.replace("echo one", "echo two")
    assert all(
        "line 3" not in one.title for one in found(text, now, "hh", "mh", SCENARIOS[0]).findings
    )


ENVS = "FROM base:1\nENV A=1\nENV B=2\nCOPY a /a\nRUN make\n"


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (ENVS.replace("A=1", "X").replace("B=2", "A=1").replace("X", "B=2"), ["build-changed"]),
        (ENVS.replace("ENV A=1\nENV B=2", "ENV A=1 B=2"), [EVICTED]),
        (ENVS.replace("ENV A=1\nENV B=2", "ENV B=2 A=1"), ["build-changed"]),
        (ENVS.replace("ENV B=2\n", "ENV B=2\nENV C=3\n"), ["build-changed"]),
    ],
    ids=["swapped", "one line", "swapped in one line", "one more"],
)
def test_the_order_of_env(now: str, said: list[str]) -> None:
    """A swap is a miss of RUN and a hit of COPY (our lab, all four engines)."""
    found = found_on_buildkit(now)
    assert ids(found) == said
    if "ENV C" not in now and said != [EVICTED]:
        assert "ENV B and A stand in another order" in found.findings[0].evidence[0].text
    if "ENV C" in now:
        assert all("order" not in one.text for one in found.findings[0].evidence)


ARGS = "FROM base:1\nARG A=1\nENV B=2\nARG C=3\nCOPY a /a\nRUN make\n"


@pytest.mark.parametrize(
    ("now", "said"),
    [
        ("ENV B=2\nARG A=1\nARG C=3", "ARG and ENV B, A and C stand in another order"),
        ("ENV B=2\nARG A=0\nARG C=3\nARG A=1", "ARG and ENV B, C and A stand in another order"),
        ("ARG N\nARG A=1\nENV B=2\nARG C=3", None),
        ("ARG A=0\nARG A=1\nENV B=2\nARG C=3", None),
    ],
    ids=["swapped", "set again below", "one without a value", "set again in place"],
)
def test_the_order_of_arg(now: str, said: str | None) -> None:
    """Each stands where it was set last (our lab, all four engines)."""
    text = ARGS.replace("ARG A=1\nENV B=2\nARG C=3", now)
    result = found(ARGS, text, "hh", "hm", SCENARIOS[0])
    assert ids(result) == (["build-changed"] if said else [EVICTED])
    if said:
        assert only(result, "build-changed").confidence == "proved"
        assert said in result.findings[0].evidence[0].text


def found_on_buildkit(now: str) -> Findings:
    return found(ENVS, now, "hh", "hm", SCENARIOS[0])


COPIED = "FROM base:1 AS a\nRUN p\nFROM base:1\nCOPY --from=a /x /x\n"


@pytest.mark.parametrize("scenario", ["legacy-as-found", "buildkit-as-found"])
def test_a_changed_step_that_hit_is_likely_why_the_copy_of_its_files_missed(scenario: str) -> None:
    now = COPIED.replace("RUN p", "RUN q")
    found = why(
        audit(now, [run(now, "hm", scenario=scenario)]), before(COPIED, "hh", scenario=scenario)
    )
    (change,) = found.findings
    assert (change.id, change.confidence) == ("build-changed", "likely")
    assert [(one.stage_index, one.index) for one in change.steps] == [(0, 1)]
    assert [(one.stage_index, one.index) for one in change.consequences] == [(1, 1)]


def test_another_name_of_the_stage_that_it_copies_from_is_no_change() -> None:
    now = COPIED.replace("AS a", "AS other").replace("=a ", "=other ")
    assert ids(why(audit(now, [run(now, "hm")]), before(COPIED, "hh"))) == [
        "evicted-or-never-built"
    ]
    scenario = "legacy-as-found"
    found = why(
        audit(now, [run(now, "hm", scenario=scenario)]), before(COPIED, "hh", scenario=scenario)
    )
    assert ids(found) == []
    assert "the files of the stage" in " ".join(need.text for need in found.needs)


def test_a_platform_by_another_of_its_names_is_no_change() -> None:
    then, now = (
        f"FROM --platform={name} base:1\nRUN p\n" for name in ("linux/amd64", "linux/x86_64")
    )
    assert ids(why(audit(now, [run(now, "m")]), before(then, "h"))) == ["evicted-or-never-built"]
