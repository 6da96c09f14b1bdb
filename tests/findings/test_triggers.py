"""What is said of steps that a base image's ONBUILD triggers make."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import pytest

from cachetui.context.manifest import Entry
from cachetui.findings import Findings
from cachetui.records.document import Document
from cachetui.records.host import BaseImage, HostEvidence
from cachetui.records.step import Step, StepId
from tests import make_records as b
from tests.findings.making import LETTERS, audit, before, entries, host, ids, only, run, why

TEXT = "FROM onb:1\nRUN echo own\n"
TRIGGERS = ("ARG VERSION", "ENV A=1", "COPY app.txt /app.txt", "RUN make $VERSION")


def triggered(
    letters: str,
    own: str,
    *,
    then: bool = False,
    scenario: str = "legacy-as-found",
    **build: object,
) -> Document:
    """An audit of a run with a letter for each trigger; `then`: an hour before the other."""
    made = run(TEXT, own, scenario=scenario, audit="then" if then else "now",
               at=b.NOW - 3600 if then else b.NOW)  # fmt: skip
    head, *below = made.steps
    steps: list[Step] = [head]
    for number, (text, letter) in enumerate(zip(TRIGGERS, letters, strict=True)):
        if letter != "-":
            step = b.step(0, 0, f"ONBUILD {text}", LETTERS[letter], trigger=number, line=1)
            steps.append(step)
    known = host(bases={"onb:1": ("sha256:onb",)}, facts_triggers={"onb:1": TRIGGERS})
    return audit(
        TEXT,
        [msgspec.structs.replace(made, steps=(*steps, *below))],
        hosts=[known],
        at=b.NOW - 3600 if then else b.NOW,
        audit="then" if then else "now",
        **build,
    )


def contexts(now: str) -> Mapping[str, tuple[Entry, ...]]:
    return {
        "sha256:context": entries(Dockerfile=TEXT, app_dot_txt="old"),
        "sha256:now": entries(Dockerfile=TEXT, app_dot_txt=now),
    }


def changed(scenario: str, letters: str) -> Findings:
    now = triggered(letters, "m", scenario=scenario, context_digest="sha256:now")
    then = triggered(letters.replace("m", "h"), "h", then=True, scenario=scenario)
    return why(now, then, manifests=contexts("new"))


@pytest.mark.parametrize(
    ("scenario", "letters"), [("legacy-as-found", "hhmm"), ("buildkit-as-found", "--mm")]
)
def test_a_changed_file_that_a_trigger_copies(scenario: str, letters: str) -> None:
    found = changed(scenario, letters)
    assert ids(found) == ["context-content"]
    one = only(found, "context-content")
    assert one.confidence == "proved"
    assert any("ONBUILD COPY app.txt /app.txt" in item.text for item in one.evidence)
    assert not found.unexplained


def test_another_file_that_a_trigger_does_not_copy_is_no_cause() -> None:
    now = triggered("hhmm", "m", context_digest="sha256:now")
    then = triggered("hhhh", "h", then=True)
    same = {**contexts("old"), "sha256:now": entries(Dockerfile=TEXT, app_dot_txt="old", x="x")}
    assert "context-content" not in ids(why(now, then, manifests=same))


def test_a_build_argument_of_a_trigger() -> None:
    now = triggered("hhhm", "m", build_args={"VERSION": "sha256:2"})
    then = triggered("hhhh", "h", then=True, build_args={"VERSION": "sha256:1"})
    assert ids(why(now, then)) == ["build-arg-invalidates"]


def test_an_earlier_record_that_tells_of_no_triggers_changes_nothing() -> None:
    now, then = triggered("hhhm", "m"), triggered("hhhh", "h", then=True)
    report = then.hosts[0]
    assert report.facts is not None
    facts = msgspec.structs.replace(report.facts, triggers={})
    old = msgspec.structs.replace(then, hosts=(msgspec.structs.replace(report, facts=facts),))
    assert not {"build-arg-invalidates", "build-changed"} & set(ids(why(now, old)))
    below = triggered("hhhh", "m")
    assert not {"build-arg-invalidates", "build-changed"} & set(ids(why(below, old)))


def test_a_step_id_of_a_trigger_that_no_host_tells_of() -> None:
    now = triggered("hhmm", "m")
    facts = now.hosts[0].facts
    assert facts is not None
    silent = msgspec.structs.replace(facts, triggers={})
    hosts = (msgspec.structs.replace(now.hosts[0], facts=silent),)
    then = triggered("hhhh", "h", then=True)
    found = why(msgspec.structs.replace(now, hosts=hosts), then, manifests=contexts("new"))
    assert "context-content" not in ids(found)
    assert StepId(0, 0, 2) in {step.id for step in now.runs[0].steps}


TWO_STAGES = "FROM onb:1 AS a\nRUN echo a\nFROM onb:1\nRUN echo b\n"


@pytest.mark.parametrize("says_which", [True, False], ids=["says which", "earlier version"])
@pytest.mark.parametrize("printed", [0, 1])
def test_two_stages_share_the_triggers_of_one_base(printed: int, says_which: bool) -> None:
    """BuildKit builds them once; a trigger below one that missed needs no cause of its own (found
    by `make truth SEED=file-mode:5000`)."""

    def made(letters: str, own: str, then: bool) -> Document:
        name, at = ("then", b.NOW - 3600) if then else ("now", b.NOW)
        whole = run(TWO_STAGES, own, audit=name, at=at)
        steps: list[Step] = []
        for step in whole.steps:
            steps.append(step)
            if step.index == 0:
                shares = step.stage_index != printed
                steps += [
                    b.step(step.stage_index, 0, f"ONBUILD {TRIGGERS[number]}", LETTERS[letter],
                           trigger=number, line=step.line,
                           same_as=(printed, 0) if shares else None,
                           same_as_trigger=number if shares and says_which else None)
                    for number, letter in zip((2, 3), letters, strict=True)
                ]  # fmt: skip
        known = host(bases={"onb:1": ("sha256:onb",)}, facts_triggers={"onb:1": TRIGGERS})
        digest = "sha256:context" if then else "sha256:now"
        whole = msgspec.structs.replace(whole, steps=tuple(steps))
        return audit(TWO_STAGES, [whole], hosts=[known], at=at, audit=name, context_digest=digest)

    found = why(made("mm", "mm", False), made("hh", "hh", True), manifests=contexts("new"))
    assert set(ids(found)) == {"context-content"}


IN_FILE = """\
FROM base:1 AS lib
RUN echo lib
ONBUILD ENV A=1
ONBUILD RUN make
FROM lib
RUN echo own
"""


def in_file(text: str, letters: str, then: bool = False) -> Document:
    """A run with BuildKit in which the one RUN trigger and the own RUN have these letters."""
    name, at = ("then", b.NOW - 3600) if then else ("now", b.NOW)
    whole = run(text, f"h{letters[1]}", audit=name, at=at)
    line = text.splitlines()[3].removeprefix("ONBUILD ")
    step = b.step(1, 0, f"ONBUILD {line}", LETTERS[letters[0]], trigger=1, line=5)
    steps = (*whole.steps[:-1], step, whole.steps[-1])
    return audit(text, [msgspec.structs.replace(whole, steps=steps)], at=at, audit=name)


@pytest.mark.parametrize(
    ("line", "other"), [(3, "ENV A=2"), (4, "RUN make all")], ids=["ENV", "RUN"]
)
def test_an_onbuild_line_of_this_file_that_changed(line: int, other: str) -> None:
    """The line changed, not the FROM that runs it; BuildKit has no step of it."""
    lines = IN_FILE.splitlines()
    lines[line - 1] = f"ONBUILD {other}"
    found = why(in_file("\n".join(lines) + "\n", "mm"), in_file(IN_FILE, "hh", then=True))
    assert ids(found) == ["build-changed"]
    assert only(found, "build-changed").title.startswith(f"line {line} changed")


def test_an_onbuild_line_below_the_trigger_that_missed_is_no_cause() -> None:
    text = IN_FILE.replace("FROM lib\n", "ONBUILD LABEL l=1\nFROM lib\n")
    now = text.replace("l=1", "l=2")
    found = why(in_file(now, "mm"), in_file(text, "hh", then=True))
    assert ids(found) == ["evicted-or-never-built"]


BASED = "FROM onb:1\nRUN echo own\n"


def on_base(triggers: tuple[str, ...], letters: str, image: str, then: bool = False) -> Document:
    """A run with BuildKit on a base of the same layers with these triggers."""
    name, at = ("then", b.NOW - 3600) if then else ("now", b.NOW)
    whole = run(BASED, letters[-1], audit=name, at=at)
    runs = [(number, text) for number, text in enumerate(triggers) if text.startswith("RUN")]
    made = [
        b.step(0, 0, f"ONBUILD {text}", LETTERS[letter], trigger=number, line=1)
        for (number, text), letter in zip(runs, letters[:-1], strict=True)
    ]
    whole = msgspec.structs.replace(whole, steps=(whole.steps[0], *made, whole.steps[1]))
    seen = HostEvidence(at=at, bases=(BaseImage(ref="onb:1", id=image),))
    known = host(
        bases={"onb:1": ("sha256:onb",)}, facts_triggers={"onb:1": triggers}, evidence=seen
    )
    return audit(BASED, [whole], hosts=[known], at=at, audit=name)


@pytest.mark.parametrize(
    ("then", "now", "letters"),
    [
        (("ENV A=1", "RUN make"), ("ENV A=2", "RUN make"), ("hh", "mm")),
        (("ENV A=1", "RUN make"), ("ENV A=1", "RUN make all"), ("hh", "mm")),
        (("ENV A=1",), ("ENV A=2",), ("h", "m")),
        (("ENV A=1",), (), ("h", "m")),
        ((), ("RUN make",), ("h", "mm")),
    ],
    ids=["ENV", "RUN", "ENV alone", "gone", "new"],
)
def test_other_triggers_of_a_base_with_the_same_layers(
    then: tuple[str, ...], now: tuple[str, ...], letters: tuple[str, str]
) -> None:
    """The image is another; no line of the Dockerfile changed."""
    found = why(on_base(now, letters[1], "sha256:b"), on_base(then, letters[0], "sha256:a", True))
    assert ids(found) == ["base-drift"]
    assert only(found, "base-drift").confidence == "proved"
    assert "has other ONBUILD triggers" in only(found, "base-drift").evidence[0].text
    assert not found.unexplained


@pytest.mark.parametrize("own", ["RUN echo own", "COPY a /a"])
def test_a_from_that_names_an_image_with_triggers(own: str) -> None:
    """Of the same layers: the triggers hit, for another stage had them, and the next step missed
    (found by `make truth SEED=base-with-triggers:0`). No image is another one."""
    trigger = b.step(0, 0, "ONBUILD RUN make", "hit", trigger=0, line=1)
    bases = {"onb:1": ("sha256:base",), "base:1": ("sha256:base",)}
    ids_of = (BaseImage(ref="onb:1", id="sha256:o"), BaseImage(ref="base:1", id="sha256:b"))
    known = host(
        bases=bases,
        facts_triggers={"onb:1": ("RUN make",), "base:1": ()},
        evidence=HostEvidence(at=b.NOW, bases=ids_of),
    )
    now, then = f"FROM onb:1\n{own}\n", f"FROM base:1\n{own}\n"
    made = run(now, "m")
    made = msgspec.structs.replace(made, steps=(made.steps[0], trigger, made.steps[1]))
    earlier = before(then, "h", hosts=[known])
    found = why(audit(now, [made], hosts=[known]), earlier)
    assert ids(found) == ["build-changed"]
    assert "line 1: FROM onb:1 names onb:1; it named base:1" in found.findings[0].evidence[0].text


def test_triggers_that_are_the_same_moved_nothing() -> None:
    same = ("ENV A=1", "RUN make")
    found = why(on_base(same, "mm", "sha256:a"), on_base(same, "hh", "sha256:a", True))
    assert ids(found) == ["evicted-or-never-built"]


@pytest.mark.parametrize(
    ("trigger", "needed"),
    [
        ("COPY --from=Deps /d /d", True),
        ("COPY --from=0 /d /d", True),
        ("RUN --mount=type=bind,from=deps,target=/d make", True),
        ("COPY --from=other /d /d", False),
        ("COPY deps /d", False),
    ],
)
def test_a_stage_that_a_trigger_copies_from_is_needed(trigger: str, needed: bool) -> None:
    text = "FROM base:1 AS deps\nRUN echo deps\nFROM onb:1\nRUN echo own\n"
    bases = {"base:1": ("sha256:base",), "onb:1": ("sha256:onb",)}
    known = host(bases=bases, facts_triggers={"onb:1": (trigger,)})
    made = run(text, "mm", scenario="legacy-as-found")
    said = ids(why(audit(text, [made], hosts=[known])))
    assert ("stage-not-needed" in said) == (not needed)


@pytest.mark.parametrize("scenario", ["legacy-as-found", "buildkit-as-found"])
@pytest.mark.parametrize(
    ("trigger", "follows"),
    [
        ("COPY --from=deps /d /d", True),
        ("COPY --from=0 /d /d", True),
        ("RUN --mount=type=bind,from=deps,target=/d make", True),
        ("COPY --from=other:1 /d /d", False),
        ("COPY --from=last /d /d", False),
    ],
)
def test_what_a_trigger_copies_from_a_stage_misses_with_it(
    trigger: str, follows: bool, scenario: str
) -> None:
    """A trigger's step is of the stage of its FROM, and copies what another stage has made."""
    text = "FROM base:1 AS deps\nRUN echo {}\nFROM onb:1 AS last\nRUN echo own\n"
    bases = {"base:1": ("sha256:base",), "onb:1": ("sha256:onb",), "other:1": ("sha256:other",)}
    known = host(bases=bases, facts_triggers={"onb:1": (trigger,)})
    documents = []
    for word, letter, name, at in (("new", "m", "now", b.NOW), ("old", "h", "then", b.NOW - 3600)):
        made = run(text.format(word), 2 * letter, scenario=scenario, audit=name, at=at)
        status = LETTERS[letter]
        step = b.step(1, 0, f"ONBUILD {trigger}", status, trigger=0, line=3)
        deps, own = made.steps[:3], made.steps[3:]
        made = msgspec.structs.replace(made, steps=(*deps, step, *own))
        documents.append(audit(text.format(word), [made], hosts=[known], audit=name, at=at))
    said = why(*documents)
    assert "build-changed" in ids(said)
    assert (ids(said) == ["build-changed"] and not said.unexplained) == follows
