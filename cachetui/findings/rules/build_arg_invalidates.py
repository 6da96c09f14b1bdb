"""An ARG above a step, used or not, is part of its key."""

from __future__ import annotations

from collections.abc import Mapping

from cachetui.dockerfile.instruction import Instruction
from cachetui.findings.claim import Claim, answer
from cachetui.findings.earlier_run import EarlierRun
from cachetui.findings.legacy_cache import parting
from cachetui.findings.question import Question
from cachetui.findings.record import Confidence, Evidence
from cachetui.findings.rule import Rule
from cachetui.findings.suspect import Suspect
from cachetui.findings.variables import arguments_in, from_arguments
from cachetui.findings.wording import describe, join_names
from cachetui.records.step import StepId


class BuildArguments(Suspect, frozen=True, tag="arg"):
    """The values of build arguments."""

    names: tuple[str, ...]


def explain(question: Question) -> Claim | None:
    if question.instruction is None:
        return None
    return _other_base(question) or _since_before(question) or _in_the_cache(question)


def _other_base(question: Question) -> Claim | None:
    """An argument chooses the base image."""
    renamed, before = question.changes.renamed_base, question.before
    if renamed is None or before is None:
        return None
    now, then = question.case.document.build.build_args, before.document.build.build_args
    used = from_arguments(question.case.dockerfile, renamed.head)
    given = sorted(name for name in used if now.get(name) != then.get(name))
    if not given:
        return None
    return answer(
        question,
        title=f"build argument {join_names(given)} chose another base image in line "
        f"{renamed.head.line}: {renamed.now}",
        confidence=renamed.confidence,
        steps=(StepId(renamed.head.stage_index, 0),),
        evidence=(
            *_given(before, given, now, then),
            Evidence(
                kind="dockerfile",
                text=f"{describe(renamed.head)}: {renamed.now} now, {renamed.then} then",
            ),
        ),
        advice="Nothing, if it was meant: all that stands on another image is built again",
        merge_key=tuple(given),
    )


def _since_before(question: Question) -> Claim | None:
    before = question.before
    names = sorted(_arguments(question))
    if not names or before is None:
        return None
    now, then = question.case.document.build.build_args, before.document.build.build_args
    given = [name for name in names if now.get(name) != then.get(name)]
    if not given:
        # A default that was edited is a change of the Dockerfile.
        return None
    return _claim(question, given, _given(before, given, now, then))


def _arguments(question: Question) -> frozenset[str]:
    """Arguments that are in the key of the step themselves, or in an ENV, USER or WORKDIR."""
    assert question.changes.now is not None or not question.changes.changed
    found: set[str] = set()
    for name in question.changes.changed:
        kind, _, argument = name.partition(":")
        if kind == "arg":
            found.add(argument)
        elif kind in ("env", "setting") and question.changes.now is not None:
            found |= arguments_in(question.changes.now.tokens.get(name, ""))
    return frozenset(found)


def _given(
    before: EarlierRun, names: list[str], now: Mapping[str, str], then: Mapping[str, str]
) -> list[Evidence]:
    """How each argument differs from the earlier run's."""
    return [
        Evidence(
            kind="earlier",
            text=f"since audit {before.run.audit} --build-arg {name} "
            + (
                "was added"
                if name not in then
                else "was dropped"
                if name not in now
                else "has another value (values are kept as digests)"
            ),
            data={"name": name, "now": now.get(name), "then": then.get(name)},
        )
        for name in names
    ]


def _in_the_cache(question: Question) -> Claim | None:
    """The legacy builder's images have the same RUN with other arguments."""
    if question.run.backend != "legacy" or question.step.keyword != "RUN":
        return None
    if question.before is not None:
        return None  # then that run tells what changed, or that nothing did
    found = parting(question.case, question.run, question.step.id)
    if found is None or not found.args_only:
        return None
    names = sorted(question.changes.now.tokens if question.changes.now else ())
    args = [name[4:] for name in names if name.startswith("arg:")]
    if not args:
        return None
    evidence = [
        Evidence(
            kind="cache",
            text=f"an image of {question.run.host} has the same RUN on the same image, with other "
            "build arguments",
            data={"image": found.image, "made_by": found.made_by},
        )
    ]
    return _claim(question, args, evidence, "likely")


def _claim(
    question: Question,
    names: list[str],
    evidence: list[Evidence],
    confidence: Confidence = "proved",
) -> Claim:
    item = question.instruction
    assert item is not None
    arg = _declared(question, names[0])
    used = [name for name in names if _uses(item, name)]
    evidence.append(
        Evidence(
            kind="dockerfile",
            text=f"{describe(item)} stands below ARG {join_names(names)}"
            + (f" (line {arg.line})" if arg else "")
            + ("" if used else ", and does not use it: all the same it is part of a RUN's key"),
        )
    )
    one = len(names) == 1
    line = f" (line {arg.line})" if arg else ""
    return answer(
        question,
        title=f"build {'argument' if one else 'arguments'} {join_names(names)}{line} changed above "
        f"line {item.line}",
        confidence=confidence,
        evidence=evidence,
        advice=f"Move `ARG {names[0]}`{line} down to just above the first instruction that needs "
        "it: what stands above it is found again"
        + ("" if used else f"; line {item.line} does not need it"),
        merge_key=tuple(names),
        suspect=BuildArguments(tuple(names)),
    )


def _declared(question: Question, name: str) -> Instruction | None:
    """The ARG that declares it for the step that missed."""
    stage = question.case.dockerfile.stages[question.step.stage_index]
    found = None
    for item in stage.instructions[: question.step.index]:
        if item.keyword == "ARG" and any(w.partition("=")[0] == name for w in item.args):
            found = item
    return found


def _uses(item: Instruction, name: str) -> bool:
    text = item.text + "".join(document.content for document in item.heredocs)
    return f"${name}" in text or f"${{{name}" in text


RULE = Rule(
    id="build-arg-invalidates",
    order=350,
    title="An ARG above a step, used or not, is part of its key",
    surprise="Each ARG that is declared above a RUN is in that RUN's environment, and so in its "
    "key, whether the command uses it or not: a build number at the top runs all again.",
    needs="An earlier as-found run on the host; or, for the legacy builder, its images.",
    applies="The first miss is a RUN below an ARG whose value changed, any step that uses it, or "
    "one that stands on a FROM which uses it. "
    "An ARG below the step, or one that is not declared in its stage, is not in its key.",
    proves="Two runs on one host that differ in that argument; or the engine's images have the "
    "same RUN with other arguments; or an experiment.",
    advises="Move the ARG down to where it is needed.",
    written=(
        "BuildKit frontend/dockerfile/dockerfile2llb/convert.go, dispatchArg and dispatchRun",
        "moby builder/dockerfile/dispatchers.go, prependEnvOnCmd",
        "our lab: 20.10, 26.1, 28.5 and 28.5 with the containerd store",
    ),
    example="FROM busybox\nARG BUILD_NUMBER\nRUN sleep 2 && echo expensive\n",
    try_it="docker build --build-arg BUILD_NUMBER=1 . and then =2: the RUN runs again.",
    explain=explain,
    suspect=BuildArguments,
)
