"""An ARG above a step, used or not, is part of its key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cachetui.dockerfile.instruction import Instruction
from cachetui.findings.claim import HOSTS, LINES, Claim, answer
from cachetui.findings.earlier_run import EarlierRun
from cachetui.findings.legacy_cache import parting
from cachetui.findings.question import Question
from cachetui.findings.record import Confidence, Evidence
from cachetui.findings.rule import Rule
from cachetui.findings.scope import references
from cachetui.findings.step_inputs import platform_arguments
from cachetui.findings.suspect import Suspect
from cachetui.findings.variables import arguments_in, from_arguments
from cachetui.findings.wording import describe, join_names
from cachetui.records.digest import differ
from cachetui.records.step import StepId


class BuildArguments(Suspect, frozen=True, tag="arg"):
    """The values of build arguments."""

    names: tuple[str, ...]


def explain(question: Question) -> Claim | None:
    if question.instruction is None:
        return None
    chosen = _other_base(question) or _other_platform(question)
    return chosen or _since_before(question) or _in_the_cache(question)


def _other_base(question: Question) -> Claim | None:
    """An argument chooses the base image."""
    renamed, before = question.changes.sources.renamed_base, question.before
    if renamed is None or before is None:
        return None
    now, then = question.case.document.build.build_args, before.document.build.build_args
    used = from_arguments(question.case.dockerfile, renamed.head)
    given = sorted(name for name in used if differ(now.get(name), then.get(name)))
    if not given:
        return None
    return answer(
        question,
        title=f"build argument {join_names(given)} selected another base image in line "
        f"{renamed.head.line}: {renamed.now}",
        confidence=renamed.confidence,
        steps=(StepId(renamed.head.stage_index, 0),),
        evidence=(
            *_given(before, given, now, then),
            Evidence(
                kind="earlier",
                text=f"{describe(renamed.head)}: {renamed.now} now, {renamed.then} then",
                data={"now": renamed.now, "then": renamed.then},
            ),
        ),
        advice="Nothing to do if the change was intended: what builds on another image is built "
        "again",
        merge_key=tuple(given),
    )


def _other_platform(question: Question) -> Claim | None:
    """An argument chooses the platform of FROM."""
    before = question.before
    if before is None or "platform" not in question.changes.changed:
        return None
    now, then = question.case.document.build.build_args, before.document.build.build_args
    head, used = platform_arguments(question.case.dockerfile, question.step.stage_index)
    given = sorted(name for name in used if differ(now.get(name), then.get(name)))
    if not given:
        return None
    return answer(
        question,
        title=f"build argument {join_names(given)} selected another platform in line {head.line}",
        # What the legacy builder makes of it is an image, whose ID may be the same.
        confidence="proved" if question.run.backend == "buildkit" else "likely",
        steps=(StepId(head.stage_index, 0),),
        evidence=(
            *_given(before, given, now, then),
            Evidence(kind="dockerfile", text=describe(head), data={"line": head.line}),
        ),
        advice="Nothing to do if the change was intended: what is built for another platform is "
        "built again",
        merge_key=("platform", *given),
    )


def _since_before(question: Question) -> Claim | None:
    before = question.before
    names = sorted(_arguments(question))
    if not names or before is None:
        return None
    now, then = question.case.document.build.build_args, before.document.build.build_args
    given = [name for name in names if differ(now.get(name), then.get(name))]
    if not given:
        # A default that was edited is a change of the Dockerfile.
        return None
    return _claim(question, given, _given(before, given, now, then))


def _arguments(question: Question) -> frozenset[str]:
    """Arguments that are in the key of the step themselves, or in an ENV, USER or WORKDIR."""
    assert question.changes.now is not None or not question.changes.changed
    arguments: set[str] = set()
    for name in question.changes.changed:
        kind, _, argument = name.partition(":")
        if kind == "arg":
            arguments.add(argument)
        elif kind in ("env", "setting") and question.changes.now is not None:
            arguments |= arguments_in(question.changes.now.tokens.get(name, ""))
    return frozenset(arguments)


def _given(
    before: EarlierRun, names: list[str], now: Mapping[str, str], then: Mapping[str, str]
) -> list[Evidence]:
    """How each argument differs from the earlier run's."""
    return [
        Evidence(
            kind="earlier",
            text=f"since audit {before.run.audit}, --build-arg {name} "
            + (
                "was added"
                if name not in then
                else "was removed"
                if name not in now
                else "has another value (only digests of values are stored)"
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
        return None  # that run shows what changed, or that nothing did
    other = parting(question.case, question.run, question.step.id)
    if other is None or not other.args_only:
        return None
    names = sorted(question.changes.now.tokens if question.changes.now else ())
    args = [name[4:] for name in names if name.startswith("arg:")]
    if not args:
        return None
    evidence = [
        Evidence(
            kind="cache",
            text=f"{HOSTS} has an image with the same RUN on the same parent image, "
            "with other build arguments",
            data={"made_by": other.made_by},
            hosts=(question.run.host,),
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
    placed = join_names([_with_line(question, name) for name in names])
    used = any(_uses(item, name) for name in names)
    evidence.append(
        Evidence(
            kind="dockerfile",
            text=f"{describe(item)} is below ARG {placed}"
            + (
                ""
                if used
                else f" and does not use {'it' if len(names) == 1 else 'them'}; what is declared "
                "above is part of the RUN's cache key anyway"
            ),
        )
    )
    return answer(
        question,
        title=f"build {'argument' if len(names) == 1 else 'arguments'} {placed} changed above "
        f"{LINES}",
        confidence=confidence,
        evidence=evidence,
        advice=_advice(question, item, names),
        merge_key=("above", *names),
        suspect=BuildArguments(tuple(names)),
        one_cause=True,
    )


def _advice(question: Question, item: Instruction, names: Sequence[str]) -> str:
    """Moving an ARG wins the steps between it and the first that needs it: none, where the step
    that missed needs one of the arguments itself, or a line above does."""
    used = [name for name in names if _uses(item, name)]
    if used:
        return (
            f"Line {item.line} uses {join_names(used)}, so it runs for every value. If the value "
            "need not change from build to build, give the same one"
        )
    made = _made_of(question, item, names)
    if made:
        return (
            f"Line {item.line} uses {join_names(made)}, which is made of {join_names(names)}, so "
            "it runs for every value. If the value need not change from build to build, give the "
            "same one"
        )
    moves: list[str] = []
    for name in names:
        arg, user = _declared(question, name), _first_use(question, name)
        what = f"`ARG {name}`" + (f" (line {arg.line})" if arg else "")
        if user is None:
            moves.append(f"remove {what}, if no command reads it")
        elif user.line < item.line:
            moves.append(f"move {what} and line {user.line}, which uses it, below line {item.line}")
        else:
            moves.append(f"move {what} down to just above line {user.line}, the first to use it")
    text = "; ".join(moves)
    return f"{text[:1].upper()}{text[1:]}: line {item.line} then hits whatever the value is"


def _made_of(question: Question, item: Instruction, names: Sequence[str]) -> list[str]:
    """The ENVs that the instruction's text uses and that one of the arguments went into."""
    now = question.changes.now
    if now is None:
        return []
    return [
        name.partition(":")[2]
        for name, token in sorted(now.tokens.items())
        if name.startswith("env:")
        and _uses(item, name.partition(":")[2])
        and not arguments_in(token).isdisjoint(names)
    ]


def _first_use(question: Question, name: str) -> Instruction | None:
    """The first instruction below the ARG, in its stage, whose text uses it."""
    stage = question.case.dockerfile.stages[question.step.stage_index]
    arg = _declared(question, name)
    below = stage.instructions[arg.index + 1 if arg is not None else 1 :]
    return next((item for item in below if _uses(item, name)), None)


def _with_line(question: Question, name: str) -> str:
    arg = _declared(question, name)
    return f"{name} (line {arg.line})" if arg is not None else name


def _declared(question: Question, name: str) -> Instruction | None:
    """The ARG that declares it for the step that missed."""
    stage = question.case.dockerfile.stages[question.step.stage_index]
    declaration = None
    for item in stage.instructions[: question.step.index]:
        if item.keyword == "ARG" and any(w.partition("=")[0] == name for w in item.args):
            declaration = item
    return declaration


def _uses(item: Instruction, name: str) -> bool:
    text = item.text + "".join(document.content for document in item.heredocs)
    return name in references(text)


RULE = Rule(
    id="build-arg-invalidates",
    order=350,
    title="An ARG above a step is part of its cache key, even if the step does not use it",
    surprise="Every ARG declared above a RUN is in that RUN's environment, and so in its cache "
    "key, whether the command uses it or not. A build number at the top makes every RUN run "
    "again.",
    needs="An earlier as-found run on the host; or, for the legacy builder, its images.",
    applies="An ARG changed its value, and the first miss is a RUN below it, a step that uses it, "
    "or a step in a stage whose FROM uses it. An ARG below the step, or one that its stage does "
    "not declare, is not in its key.",
    proves="Two runs on one host that differ in that argument; images of the engine with the same "
    "RUN and other arguments; or an experiment.",
    advises="Move the ARG down to the first step that needs it.",
    written=(
        "BuildKit frontend/dockerfile/dockerfile2llb/convert.go, dispatchArg and dispatchRun",
        "moby builder/dockerfile/dispatchers.go, prependEnvOnCmd",
        "our lab: 20.10, 26.1, 28.5 and 28.5 with the containerd store",
    ),
    example="FROM busybox\nARG BUILD_NUMBER\nRUN sleep 2 && echo expensive\n",
    try_it="docker build --build-arg BUILD_NUMBER=1 . and then =2: the RUN runs again.",
    paid="per-change",
    explain=explain,
    suspect=BuildArguments,
)
