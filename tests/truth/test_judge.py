"""The judge can say every word: a truth, a made-up audit, and what it comes to."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from cachetui.findings import Evidence, Finding, Findings, StepRef
from tests.findings.making import audit, run
from tests.truth.case import Case, case_of, names
from tests.truth.changes import KINDS
from tests.truth.ignoring import ignored, visible
from tests.truth.judge import Truth, judge
from tests.truth.model import Build, Entry, Line, Stage
from tests.truth.truth import CONTENT, Cause, context_causes

TEXT = "FROM base:1\nCOPY a /a\nRUN true\n"
COPY = Cause(CONTENT, frozenset({(0, 1)}), ("a/one",), ("buildkit",), ("ci-1",))


NUMBERS = {(0, 0): 1, (0, 1): 2, (0, 2): 3}


def truth(*causes: Cause) -> Truth:
    return Truth(causes, frozenset({"remote-source"}), NUMBERS)


def said(**more: object) -> Finding:
    """That line 2 sees another a/one."""
    finding = Finding(
        id="context-content",
        name="context-content:2",
        title="line 2 sees other files since audit then: a/one",
        confidence="proved",
        hosts=("ci-1",),
        backends=("buildkit",),
        scenarios=("buildkit-as-found",),
        steps=(StepRef(0, 1),),
        consequences=(StepRef(0, 2),),
        evidence=(Evidence(kind="manifest", text="a/one"),),
        advice="",
    )
    return msgspec.structs.replace(finding, **more)


@pytest.mark.parametrize(
    ("letters", "findings", "causes", "word"),
    [
        ("mm", [said()], [COPY], "right"),
        ("hh", [], [], "right"),
        ("mm", [], [COPY], "silent"),
        ("mm", [said(confidence="possible")], [COPY], "silent"),
        ("mm", [said(consequences=())], [COPY], "silent"),
        ("mm", [], [], "odd"),
        ("hh", [said()], [COPY], "wrong"),
        ("mm", [said(id="build-changed")], [COPY], "wrong"),
        ("mm", [said(steps=(StepRef(0, 2),))], [COPY], "wrong"),
        ("mm", [said(title="line 3 sees other files: a/one")], [COPY], "wrong"),
        ("mm", [said(title="line 2 sees other files", evidence=())], [COPY], "wrong"),
        ("mm", [said()], [], "wrong"),
        ("mm", [said(), said(id="build-changed")], [COPY], "wrong"),
    ],
)
def test_what_the_judge_says(
    letters: str, findings: list[Finding], causes: list[Cause], word: str
) -> None:
    document = audit(TEXT, [run(TEXT, letters)])
    verdicts = judge(document, Findings(findings=tuple(findings)), truth(*causes))
    assert [verdict.word for verdict in verdicts] == [word]


def test_what_cannot_be_is_wrong() -> None:
    found = Findings(findings=(said(id="remote-source"), said()))
    verdicts = judge(audit(TEXT, [run(TEXT, "mm")]), found, truth(COPY))
    assert [verdict.word for verdict in verdicts] == ["wrong"]


def test_a_host_that_is_named_beside_another_must_have_missed_too() -> None:
    runs = [run(TEXT, "mm"), run(TEXT, "hh", host="ci-2")]
    cause = Cause(CONTENT, frozenset({(0, 1)}))
    cause = Cause(cause.rules, cause.steps, hosts=("ci-1", "ci-2"))
    found = Findings(findings=(said(hosts=("ci-1", "ci-2")),))
    assert "wrong" in [one.word for one in judge(audit(TEXT, runs), found, truth(cause))]


def build(**more: object) -> Build:
    lines = (Line("COPY a /a", ("a",)), Line("RUN true"))
    tree = {"a/one": Entry("file", "1"), "a/x.log": Entry("file", "1"), "b": Entry("file", "1")}
    return Build((Stage("base:1", lines, "app"),), {**tree, **more})  # type: ignore[dict-item]


@pytest.mark.parametrize(
    ("path", "entry", "rules"),
    [
        ("a/one", Entry("file", "2"), {"context-content", "context-unneeded-file"}),
        ("a/one", Entry("file", "1", 0o600), {"context-mode-only"}),
        ("a/one", Entry("file", "1", age=1), set()),
        ("b", Entry("file", "2"), set()),
    ],
)
def test_what_a_step_reads_is_the_cause(path: str, entry: Entry, rules: set[str]) -> None:
    causes = list(context_causes(build(), build(**{path: entry})))
    assert {rule for cause in causes for rule in cause.rules} == rules
    assert {cause.steps for cause in causes} <= {frozenset({(0, 1)})}


def test_only_buildkit_reads_the_ignore_file_of_a_dockerfile() -> None:
    own = replace(build(), ignore=("*.log",), own_ignore=("**/*.log",))
    assert "a/x.log" in visible(own, "legacy")
    assert "a/x.log" not in visible(own, "buildkit")
    assert not ignored("a/keep.log", ("a", "!a/keep.log"))


def test_a_name_makes_the_same_case_again() -> None:
    for name in names(len(KINDS)):
        first, again = case_of(name), case_of(name)
        assert isinstance(first, Case)
        assert first == again
        assert (
            first.change.typed is not None
            or first.change.after != first.before
            or (first.change.on_hosts or name.startswith("nothing"))
        )
