"""The build itself was changed since the earlier run: its line, or what is in force above it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from cachetui.dockerfile.instruction import BUILDKIT_KEYWORDS
from cachetui.findings.build_options import build_options, forbids_cache
from cachetui.findings.claim import Claim, answer
from cachetui.findings.dockerfile_edits import Edit
from cachetui.findings.question import Question
from cachetui.findings.record import Evidence
from cachetui.findings.rule import Rule
from cachetui.findings.rules import legacy_metadata_invalidates
from cachetui.findings.step_seconds import seconds_of
from cachetui.findings.variables import arguments_in, from_arguments
from cachetui.findings.wording import describe
from cachetui.records.step import StepId

IN_EVERY_KEY = frozenset({"--platform"})
IN_A_RUNS_KEY = frozenset({"--add-host", "--network"})
"""Options that BuildKit has in the key of every step, and of a RUN (lab, 20.10 to 28.5)."""


def explain(question: Question) -> Claim | None:
    claim = _no_cache(question)
    if claim is not None:
        return claim
    before = question.before
    if before is None or question.instruction is None:
        return None
    changes = [*_base(question), *_lines(question), *_options(question)]
    if not changes:
        return None
    places = tuple(dict.fromkeys(place for place, _ in changes if place is not None))
    sure = all(item.data.get("sure", True) for _, item in changes)
    line = question.instruction.line
    return answer(
        question,
        title=f"the build changed at or above line {line} since audit {before.run.audit}"
        if len(places) != 1
        else f"line {_line(question, places[0])} changed since audit {before.run.audit}",
        confidence="proved" if sure else "likely",
        steps=places,
        evidence=[item for _, item in changes],
        advice="Nothing to do if the change was intended: a changed step runs again, and so do the "
        "steps that build on it. Put what changes often below what does not",
    )


def _line(question: Question, place: StepId) -> int:
    item = question.case.instruction(place)
    return item.line if item is not None else question.step.line


_Change = tuple[StepId | None, Evidence]
"""The place of a change in today's Dockerfile, None where it has none, and its evidence."""


def _base(question: Question) -> list[_Change]:
    """FROM names another image, and no build argument made it so."""
    renamed, before = question.changes.renamed_base, question.before
    if renamed is None or before is None:
        return []
    now, then = question.case.document.build.build_args, before.document.build.build_args
    used = from_arguments(question.case.dockerfile, renamed.head)
    if any(now.get(name) != then.get(name) for name in used):
        return []
    evidence = Evidence(
        kind="earlier",
        text=f"{describe(renamed.head)} names {renamed.now}; it named {renamed.then} before",
        data={"line": renamed.head.line, "sure": renamed.confidence == "proved"},
    )
    return [(StepId(renamed.head.stage_index, 0), evidence)]


def _lines(question: Question) -> list[_Change]:
    """Changes of the Dockerfile that are in this step's key."""
    legacy = question.run.backend == "legacy"
    items = [edit.now or edit.before for edit in question.changes.edits_above]
    if legacy and legacy_metadata_invalidates.explain(question) is not None:
        return []  # another rule's surprise
    changes: list[_Change] = []
    for edit, item in zip(question.changes.edits_above, items, strict=True):
        assert item is not None
        if not legacy and item.keyword not in BUILDKIT_KEYWORDS:
            continue  # in force or not: see below
        was = f"; before: {edit.before.text!r}" if edit.kind == "changed" and edit.before else ""
        evidence = Evidence(
            kind="earlier",
            text=f"{describe(item)} was {_kind(question, edit)}{was}",
            data={"edit": edit.kind, "line": item.line},
        )
        place = StepId(item.stage_index, item.index) if edit.now is not None else None
        changes.append((place, evidence))
    return changes + _in_force(question)


def _kind(question: Question, edit: Edit) -> str:
    """What became of a line: "moved" where the same one stood elsewhere in its stage."""
    assert question.before is not None
    if edit.kind in ("added", "removed"):
        item = edit.now or edit.before
        other = "removed" if edit.kind == "added" else "added"
        for one in question.before.edits:
            twin = one.now or one.before
            same = item is not None and twin is not None and twin.text == item.text
            if same and one.kind == other and one.at.stage_index == edit.at.stage_index:
                return "moved here" if edit.kind == "added" else "moved away"
    return edit.kind


def _in_force(question: Question) -> list[_Change]:
    """ENV, USER, WORKDIR, SHELL and ARG above, which BuildKit has in a RUN's key; the legacy
    builder has steps of their own for all but ARG, whose value is in its RUN's key."""
    before = question.before
    assert before is not None
    legacy = question.run.backend == "legacy"
    now, then = question.case.document.build.build_args, before.document.build.build_args
    changes: list[_Change] = []
    for changed in sorted(question.changes.changed):
        kind, _, name = changed.partition(":")
        if kind not in (("arg",) if legacy else ("env", "setting", "arg")):
            continue
        if any(now.get(one) != then.get(one) for one in _arguments(question, kind, name)):
            continue  # given from outside: another rule's surprise
        what = {"env": f"ENV {name}", "setting": name, "arg": f"ARG {name}"}[kind]
        line = (question.changes.now.lines.get(name) if question.changes.now else None) or 0
        where = f" (line {line})" if line else ""
        text = f"{what}{where} has changed, and is in the cache key of the steps below"
        evidence = Evidence(kind="earlier", text=text, data={"name": name, "line": line})
        changes.append((_at(question, line), evidence))
    return changes


def _arguments(question: Question, kind: str, name: str) -> Iterable[str]:
    """The arguments that made a setting another while its line stayed the same."""
    if kind == "arg":
        return (name,)
    if question.changes.now is None or question.changes.then is None:
        return ()
    token, old = (
        one.tokens.get(f"{kind}:{name}", "")
        for one in (question.changes.now, question.changes.then)
    )
    same_line = token.partition(" with [")[0] == old.partition(" with [")[0]
    return arguments_in(token) if same_line else ()


def _at(question: Question, line: int) -> StepId | None:
    for item in question.case.dockerfile.instructions:
        if item.line == line and item.stage_index >= 0:
            return StepId(item.stage_index, item.index)
    return None


def _options(question: Question) -> list[_Change]:
    """Options of the build that are in this step's key, and changed."""
    before = question.before
    assert before is not None
    texts: list[str] = []
    now = build_options(question.case.document.build.docker_args)
    then = build_options(before.document.build.docker_args)
    buildkit_run = question.run.backend == "buildkit" and question.step.keyword == "RUN"
    for option in sorted({*now, *then}):
        in_key = option in IN_EVERY_KEY or (buildkit_run and option in IN_A_RUNS_KEY)
        if in_key and now.get(option) != then.get(option):
            texts.append(
                f"docker_args of the build have {_values(option, now)}; before: "
                f"{_values(option, then)}"
            )
    if buildkit_run and "network" in question.changes.changed:
        texts.append("the network of the build changed")
    return [(None, Evidence(kind="earlier", text=text)) for text in texts]


def _values(option: str, words: Mapping[str, tuple[str, ...]]) -> str:
    if option not in words:
        return f"no {option}"
    return " and ".join(f"{option} {value}".strip() for value in words[option])


def _no_cache(question: Question) -> Claim | None:
    """The build's own options say that nothing is to be looked up."""
    if not question.as_found or not forbids_cache(question.case.document.build.docker_args):
        return None
    chains = question.case.chains[question.run.id]
    claim = answer(
        question,
        title="--no-cache is among the build's own options: no step is looked up in the cache",
        confidence="proved",
        steps=tuple(chain.cause.id for chain in chains),
        evidence=[
            Evidence(kind="dockerfile", text="docker_args of the build have --no-cache"),
        ],
        advice="Remove --no-cache from docker_args to use the cache",
    )
    every = [step for chain in chains for step in chain.steps]
    return replace(claim, seconds=seconds_of(every))


RULE = Rule(
    id="build-changed",
    order=360,
    title="The build itself changed since the earlier run, or does not use the cache",
    surprise="None: a step whose own line changed is another step, and so is one below a changed "
    "ENV, USER, WORKDIR or SHELL; with --no-cache nothing is looked up. It is reported so that "
    "nothing else gets the blame.",
    needs="An earlier as-found run on the host, with its Dockerfile.",
    applies="The line of the first miss, or a setting above it, has changed; or the build's own "
    "options include --no-cache.",
    proves="The two Dockerfiles and the build's options.",
    advises="Put what changes often below what does not.",
    written=("BuildKit frontend/dockerfile/dockerfile2llb/convert.go", "our lab, all four engines"),
    example="FROM busybox\nENV VERSION=1\nRUN sleep 2\n",
    try_it="docker build it, set VERSION=2, and build again.",
    explain=explain,
)
