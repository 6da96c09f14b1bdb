"""The build itself was changed since the earlier run: its line, or what is in force above it."""

from __future__ import annotations

from cachetui.findings.case import told
from cachetui.findings.record import Evidence
from cachetui.findings.rule import Claim, Question, Rule, answer
from cachetui.findings.rules.legacy_metadata_invalidates import METADATA, WORK


def explain(question: Question) -> Claim | None:
    before = question.before
    if before is None or question.instruction is None:
        return None
    evidence = [*_lines(question), *_options(question)]
    if not evidence:
        return None
    return answer(
        question,
        title=f"the build changed at or above line {question.instruction.line} since audit "
        f"{before.run.audit}",
        confidence="proved",
        evidence=evidence,
        advice="Nothing, if it was meant: a step that changed runs again, and what stands on it. "
        "Put what changes often below what does not",
    )


def _lines(question: Question) -> list[Evidence]:
    """Changes of the Dockerfile that are in this step's key."""
    legacy = question.run.backend == "legacy"
    items = [edit.now or edit.before for edit in question.above]
    metadata = all(item is not None and item.keyword in METADATA for item in items)
    if legacy and items and metadata and any(s.keyword in WORK for s in question.chain.steps):
        return []  # another rule's surprise
    found: list[Evidence] = []
    for edit, item in zip(question.above, items, strict=True):
        assert item is not None
        if not legacy and item.keyword not in WORK:
            continue  # in force or not: see below
        was = f"; it was {edit.before.text!r}" if edit.kind == "changed" and edit.before else ""
        found.append(
            Evidence(
                kind="earlier",
                text=f"{told(item)} was {edit.kind}{was}",
                data={"edit": edit.kind, "line": item.line},
            )
        )
    return found + _in_force(question) if not legacy else found


def _in_force(question: Question) -> list[Evidence]:
    """ENV, USER, WORKDIR, SHELL and defaults of ARG above, which BuildKit has in a RUN's key."""
    before = question.before
    assert before is not None
    now, then = question.case.document.build.build_args, before.document.build.build_args
    found: list[Evidence] = []
    for changed in sorted(question.changed):
        kind, _, name = changed.partition(":")
        if kind not in ("env", "setting", "arg") or (
            kind == "arg" and now.get(name) != then.get(name)
        ):
            continue
        what = {"env": f"ENV {name}", "setting": name, "arg": f"the default of ARG {name}"}[kind]
        line = (question.now.lines.get(name) if question.now else None) or 0
        where = f" (line {line})" if line else ""
        text = f"{what}{where} is not what it was, and is in the key of the steps below"
        found.append(Evidence(kind="earlier", text=text, data={"name": name, "line": line}))
    return found


def _options(question: Question) -> list[Evidence]:
    names = {
        "options": "docker_args of the build changed",
        "network": "the network of the build changed",
    }
    return [
        Evidence(kind="earlier", text=text)
        for name, text in names.items()
        if name in question.changed
    ]


RULE = Rule(
    id="build-changed",
    title="The build itself was changed since the earlier run",
    surprise="None: a step whose own line changed, or an ENV, USER, WORKDIR or SHELL above it, "
    "is another step. It is said so that nothing else is blamed for it.",
    needs="An earlier as-found run on the host, with its Dockerfile.",
    applies="The step that missed first, or what is in force above it, is not what it was.",
    proves="The two Dockerfiles.",
    advises="Put what changes often below what does not.",
    written=("BuildKit frontend/dockerfile/dockerfile2llb/convert.go", "our lab, all four engines"),
    example="FROM busybox\nENV VERSION=1\nRUN sleep 2\n",
    try_it="docker build it, set VERSION=2, and build again.",
    explain=explain,
)
