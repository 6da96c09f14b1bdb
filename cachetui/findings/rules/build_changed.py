"""The build itself was changed since the earlier run: its line, or what is in force above it."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import structs

from cachetui.dockerfile.instruction import BUILDKIT_KEYWORDS
from cachetui.findings.build_inputs import EPOCH
from cachetui.findings.changed_options import changed_options
from cachetui.findings.claim import HOSTS, Claim, answer
from cachetui.findings.dockerfile_edits import Edit
from cachetui.findings.earlier_run import EarlierRun
from cachetui.findings.guessed_inputs import FOLDER_AS_WRITTEN
from cachetui.findings.question import Question
from cachetui.findings.record import Evidence
from cachetui.findings.rule import Rule
from cachetui.findings.rules import legacy_metadata_invalidates
from cachetui.findings.step_inputs import platform_arguments
from cachetui.findings.trigger_changes import onbuild_edits, setting_stage
from cachetui.findings.uncached import not_looked_up
from cachetui.findings.variables import (
    PREDEFINED,
    arguments_in,
    from_arguments,
    global_args,
)
from cachetui.findings.wording import describe, join_names, was
from cachetui.records.digest import differ
from cachetui.records.step import StepId


def explain(question: Question) -> Claim | None:
    claim = not_looked_up(question)
    if claim is not None:
        return claim
    before = question.before
    if before is None or question.instruction is None:
        return None
    options = [(None, evidence) for evidence in changed_options(question)]
    changes = [*_lines(question), *_other_source(question), *options]
    renamed = question.changes.sources.renamed_base
    if not changes or renamed is None or not renamed.same_layers:
        changes = [*_base(question), *changes]
    if not changes:
        return None
    places = tuple(dict.fromkeys(place for place, _ in changes if place is not None))
    sure = all(item.data.get("sure", True) for _, item in changes)
    line = question.instruction.line
    changed = (
        f"the build changed at or above line {line}"
        if len(places) != 1
        else f"line {_line(question, places[0])} changed"
    )
    return answer(
        question,
        title=f"{changed} since the earlier run on {HOSTS}",
        brief=changed,
        confidence="proved" if sure else "likely",
        steps=places,
        evidence=[_since(item, before) for _, item in changes],
        advice="Nothing to do if the change was intended: a changed step runs again, and so do the "
        "steps that build on it. Put what changes often below what does not",
    )


def _since(change: Evidence, before: EarlierRun) -> Evidence:
    """The change, with the audit of the earlier run."""
    audit = before.run.audit
    text = f"since audit {audit}: {change.text}"
    return structs.replace(change, text=text, data={**change.data, "audit": audit})


def _line(question: Question, place: StepId) -> int:
    item = question.case.instruction(place)
    return item.line if item is not None else question.step.line


_Change = tuple[StepId | None, Evidence]
"""The place of a change in today's Dockerfile, None where it has none, and its evidence."""


def _base(question: Question) -> list[_Change]:
    """FROM names another image, and no build argument can have made it so."""
    renamed, before = question.changes.sources.renamed_base, question.before
    if renamed is None or before is None:
        return _other_from(question)
    now, then = question.case.document.build.build_args, before.document.build.build_args
    used = from_arguments(question.case.dockerfile, renamed.head)
    if any(differ(now.get(name), then.get(name)) is not False for name in used):
        return []
    names = question.changes.sources.set_by_base if renamed.same_layers else ()
    more = f", which has the same layers and sets {join_names(names)} otherwise" if names else ""
    evidence = Evidence(
        kind="earlier",
        text=f"{describe(renamed.head)} names {renamed.now}{more}; it named {renamed.then} before",
        data={"line": renamed.head.line, "sure": renamed.confidence == "proved"},
    )
    return [(StepId(renamed.head.stage_index, 0), evidence)]


def _other_from(question: Question) -> list[_Change]:
    """FROM stands on another stage, or is for another platform: BuildKit has that in its keys, the
    legacy builder what image comes of it."""
    edit = question.changes.sources.other_from
    if edit is None:
        return _platform_of_arguments(question)
    place, evidence = _edited(question, edit)
    sure = question.run.backend == "buildkit" or "platform" not in question.changes.changed
    return [(place, structs.replace(evidence, data={**evidence.data, "sure": sure}))]


def _platform_of_arguments(question: Question) -> list[_Change]:
    """FROM is for another platform, by the default of an ARG above it."""
    before = question.before
    if before is None or "platform" not in question.changes.changed:
        return []
    head, used = platform_arguments(question.case.dockerfile, question.step.stage_index)
    now, then = (
        global_args(file, {}, question.case.hasher)
        for file in (question.case.dockerfile, before.dockerfile)
    )
    given = (question.case.document.build.build_args, before.document.build.build_args)
    changes: list[_Change] = []
    for item in question.case.dockerfile.meta_args:
        for name in {word.partition("=")[0] for word in item.args} & used:
            if any(name in one for one in given) or not differ(now.get(name), then.get(name)):
                continue
            text = f"{describe(item)} has another default, and {describe(head)} uses it"
            sure = question.run.backend == "buildkit"
            evidence = Evidence(
                kind="earlier", text=text, data={"name": name, "line": item.line, "sure": sure}
            )
            changes.append((StepId(head.stage_index, 0), evidence))
    return changes


def _other_source(question: Question) -> list[_Change]:
    """What it copies from or mounts is another stage; both builders go by the files alone, so that
    is only likely."""
    item, changes = question.instruction, question.changes
    if item is None or not changes.sources.other_source or "text" in changes.changed:
        return []
    text = f"{describe(item)} is the same, and names another stage than before"
    evidence = Evidence(kind="earlier", text=text, data={"line": item.line, "sure": False})
    return [(question.step.id, evidence)]


def _triggers(question: Question) -> list[_Change]:
    """ONBUILD lines of this file that made the trigger which missed another one."""
    number = question.step.id.trigger
    changes = question.changes
    if number is None or not (changes.step_before is None or "text" in changes.changed):
        return []
    stage = question.case.dockerfile.stages[question.step.stage_index]
    return [_edited(question, edit) for edit in onbuild_edits(question, stage, number)]


def _edited(question: Question, edit: Edit) -> _Change:
    """What became of a line, at its place now."""
    item = edit.now or edit.before
    assert item is not None
    before = was(item, edit.before) if edit.kind == "changed" and edit.before else ""
    evidence = Evidence(
        kind="earlier",
        text=f"{describe(item)} was {_kind(question, edit)}{before}",
        data={"edit": edit.kind, "line": item.line, **({} if edit.sure else {"sure": False})},
    )
    place = StepId(item.stage_index, item.index) if edit.now is not None else None
    return place, evidence


def _lines(question: Question) -> list[_Change]:
    """Changes of the Dockerfile that are in this step's key."""
    legacy = question.run.backend == "legacy"
    items = [edit.now or edit.before for edit in question.changes.lines.edits]
    if legacy and legacy_metadata_invalidates.explain(question) is not None:
        return []  # another rule's surprise
    changes = _triggers(question)
    for edit, item in zip(question.changes.lines.edits, items, strict=True):
        assert item is not None
        if not legacy and item.keyword not in BUILDKIT_KEYWORDS:
            continue  # in force or not: see below
        changes.append(_edited(question, edit))
    told = [evidence.text for _, evidence in changes]
    return changes + [one for one in _in_force(question) if one[1].text not in told]


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
        if question.changes.sources.behind(changed):
            continue  # the image's own change
        if kind == "order" and not legacy:
            changes.append(_reordered(question))
        if kind == FOLDER_AS_WRITTEN and "text" not in question.changes.changed:
            changes.append(_folder(question))
        if kind not in (("arg",) if legacy else ("env", "setting", "arg")):
            continue
        given = _arguments(question, kind, name)
        if any(differ(now.get(one), then.get(one)) is not False for one in given):
            continue  # given from outside: another rule's surprise
        line = (question.changes.now.lines.get(name) if question.changes.now else None) or 0
        if question.changes.sources.other_from is not None and not _own_line(question, line):
            continue  # it came with what FROM names now, or went with what it named
        runs = setting_stage(question, name)
        if runs is not None:  # by a trigger: of an image, which is another then, or of this file
            changes += [_edited(question, edit) for edit in onbuild_edits(question, runs)]
            continue
        what = {"env": f"ENV {name}", "setting": name, "arg": f"ARG {name}"}[kind]
        where = f" (line {line})" if line else ""
        text = f"{what}{where} has changed, and is in the cache key of the steps below"
        if kind == "arg" and name in PREDEFINED | {EPOCH}:
            text += f" (given by the docker client on {HOSTS})"
        data: dict[str, object] = {"name": name, "line": line}
        if changed in question.changes.unsure:
            data["sure"] = False
        evidence = Evidence(kind="earlier", text=text, data=data)
        changes.append((_at(question, line), evidence))
    return changes


def _reordered(question: Question) -> _Change:
    """The same ARGs and ENVs in another order: a RUN has them all, one after the other, in its
    key."""
    now = question.changes.now
    names = now.tokens["order"].split() if now is not None else []
    values = now.tokens if now is not None else {}
    kinds = [word for word in ("ARG", "ENV") if any(f"{word.lower()}:{n}" in values for n in names)]
    text = (
        f"{' and '.join(kinds)} {join_names(names)} stand in another order, and are in the cache "
        "key in that"
    )
    return None, Evidence(kind="earlier", text=text, data={"names": names})


def _folder(question: Question) -> _Change:
    """A WORKDIR that comes to the same folder, of which the legacy builder of 20.10 has every
    slash and dot in its key."""
    changes, item = question.changes, question.instruction
    assert item is not None
    now, then = (
        one.values.get(FOLDER_AS_WRITTEN) if one is not None else None
        for one in (changes.now, changes.then)
    )
    told = f": {now}, where it was {then}" if now and then else ""
    text = (
        f"{describe(item)} writes its folder differently than before{told}; the legacy builder of "
        f"the engine on {HOSTS} has every slash and dot of it in its key"
    )
    data: dict[str, object] = {"line": item.line}
    if FOLDER_AS_WRITTEN in changes.unsure:
        data["sure"] = False
    return question.step.id, Evidence(kind="earlier", text=text, data=data)


def _own_line(question: Question, line: int) -> bool:
    """Whether a line is of the step's own stage."""
    stage = question.case.dockerfile.stages[question.step.stage_index]
    return any(item.line == line for item in stage.instructions)


def _arguments(question: Question, kind: str, name: str) -> Iterable[str]:
    """The arguments that made a setting another while its line stayed the same."""
    own = (name,) if kind == "arg" else ()
    if question.changes.now is None or question.changes.then is None:
        return own
    token, old = (
        one.tokens.get(f"{kind}:{name}", "")
        for one in (question.changes.now, question.changes.then)
    )
    same_line = token.partition(" with [")[0] == old.partition(" with [")[0]
    return (*own, *(arguments_in(token) if same_line else ()))


def _at(question: Question, line: int) -> StepId | None:
    for item in question.case.dockerfile.instructions:
        if item.line == line and item.stage_index >= 0:
            return StepId(item.stage_index, item.index)
    return None


RULE = Rule(
    id="build-changed",
    order=360,
    title="The build itself changed since the earlier run, or does not use the cache",
    surprise="None: a step whose own line changed is another step, and so is one below a changed "
    "ENV, USER, WORKDIR or SHELL; with --no-cache nothing is looked up. It is reported so that "
    "nothing else gets the blame.",
    needs="An earlier as-found run on the host, with its Dockerfile.",
    applies="The line of the first miss, what its FROM names, a setting or an ONBUILD above it, or "
    "an option that is in its key has changed; or the client on the host adds another proxy or "
    "SOURCE_DATE_EPOCH than before; or "
    "the build's own options include --no-cache or --no-cache-filter.",
    proves="The two Dockerfiles and the build's options.",
    advises="Put what changes often below what does not.",
    written=("BuildKit frontend/dockerfile/dockerfile2llb/convert.go", "our lab, all four engines"),
    example="FROM busybox\nENV VERSION=1\nRUN sleep 2\n",
    try_it="docker build it, set VERSION=2, and build again.",
    paid="per-change",
    explain=explain,
)
