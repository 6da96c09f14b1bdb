"""A LABEL, CMD or EXPOSE above a step: the legacy builder builds all below it again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from cachetui.dockerfile.instruction import BUILDKIT_KEYWORDS, Instruction
from cachetui.findings.case import Case
from cachetui.findings.changing_values import changing_labels
from cachetui.findings.claim import HOSTS, Claim, answer
from cachetui.findings.legacy_cache import Parting, parting
from cachetui.findings.question import Question
from cachetui.findings.record import Confidence, Evidence
from cachetui.findings.rule import Rule
from cachetui.findings.step_seconds import seconds_of
from cachetui.findings.suspect import Suspect
from cachetui.findings.wording import change, describe, was
from cachetui.records.scenario import BUILDKIT_FOUND, BUILDKIT_IMPORTED, LEGACY_COLD
from cachetui.records.step import Step, StepId


class MetadataLine(Suspect, frozen=True, tag="metadata"):
    """A line (None: taken out since) that changes nothing but the configuration, and its earlier
    text where it is known."""

    line: int | None
    was: str | None


METADATA = frozenset(
    {"LABEL", "CMD", "ENTRYPOINT", "EXPOSE", "HEALTHCHECK", "MAINTAINER", "STOPSIGNAL", "ONBUILD"}
)
"""Instructions that change an image's configuration, and no later step's result."""


def explain(question: Question) -> Claim | None:
    if question.run.backend != "legacy" or question.instruction is None:
        return None
    below = [step for step in question.chain.steps if step.keyword in BUILDKIT_KEYWORDS]
    if not below:
        return None
    return _since_before(question, below) or _in_the_cache(question, below)


def _since_before(question: Question, below: list[Step]) -> Claim | None:
    """By the earlier run on this host: only metadata changed, and the rest was built."""
    before = question.before
    changed = [edit for edit in question.changes.lines.edits if edit.kind != "same"]
    if before is None or not changed:
        return None
    items = [edit.now or edit.before for edit in changed]
    if any(item is None or item.keyword not in METADATA for item in items):
        return None
    kept = _kept(question, below)
    if not kept:
        return None  # all below would have missed without it
    edit = changed[0]
    changed_from = was(edit.now, edit.before) if edit.now and edit.before else ""
    changed_from = changed_from if edit.kind == "changed" else ""
    evidence = [
        Evidence(
            kind="earlier",
            text=f"since audit {before.run.audit}, in the Dockerfile: {_lines(items)} "
            f"{edit.kind}{changed_from}",
            data={"audit": before.run.audit, "edit": edit.kind, "was": _text(edit.before)},
        ),
        Evidence(
            kind="run",
            text=f"the legacy builder on {HOSTS} found all above it in its cache, "
            f"and missed {len(question.chain.steps)} steps from line "
            f"{question.chain.cause.line} on; {len(kept)} of them had not changed and were built "
            "before",
            data={"missed": len(question.chain.steps), "unchanged": len(kept)},
            hosts=(question.run.host,),
        ),
    ]
    if len(kept) < len(below):
        other = below[len(kept)]
        evidence.append(
            Evidence(
                kind="run",
                text=f"line {other.line} has changed as well: it, and what builds on it, would "
                "have missed in any case",
            )
        )
    sure = all(one.sure for one in changed)
    claim = _claim(question, items[0], "proved" if sure else "likely", evidence, _text(edit.before))
    return replace(claim, seconds=seconds_of((question.chain.cause, *kept)))


def _kept(question: Question, below: list[Step]) -> list[Step]:
    """The steps that would have hit: as the earlier run had them, down to the first that is not."""
    kept: list[Step] = []
    for step in below:
        if (
            not _was_there(question, step)
            or replace(question, ancestor_step=step).changes.inputs_unchanged is False
        ):
            break
        kept.append(step)
    return kept


def _in_the_cache(question: Question, below: list[Step]) -> Claim | None:
    """By the engine's images: the same steps stand there, behind another such line."""
    if question.before is not None:
        return None  # that run shows what changed, or that nothing did
    other: Parting | None = parting(question.case, question.run, question.step.id)
    if other is None or other.keyword not in METADATA or not other.rejoins:
        return None
    item = question.instruction
    evidence = [
        Evidence(
            kind="cache",
            text=f"{HOSTS} has an image with the same steps, but with {other.quoted} "
            "in place of the Dockerfile's line",
            data={"made_by": other.made_by, "rejoins_at": other.rejoins},
            hosts=(question.run.host,),
        ),
        Evidence(
            kind="run",
            text=f"the legacy builder on {HOSTS} found all above it in its cache, "
            f"and missed {len(below)} steps although it has them below the other line",
            data={"missed": len(below)},
            hosts=(question.run.host,),
        ),
    ]
    return _claim(question, item, "proved", evidence, other.text)


def _was_there(question: Question, step: Step) -> bool:
    """Whether a step that missed is the same as in the earlier run, where it was built."""
    before = question.before
    edit = before.edit_at(step.id) if before else None
    there = before.step(step.id) if before else None
    return (
        edit is not None
        and edit.kind == "same"
        and there is not None
        and there.status in ("hit", "miss")
    )


def _claim(
    question: Question,
    item: Instruction | None,
    confidence: Confidence,
    evidence: list[Evidence],
    was: str | None,
) -> Claim:
    hits = _buildkit_hits(question)
    if hits:
        evidence.append(
            Evidence(
                kind="run",
                text=f"BuildKit on {HOSTS} has {hits} of these steps in its cache: "
                "there such a line is in no later step's cache key",
                data={"hits": hits},
                hosts=(question.run.host,),
            )
        )
    name = item.keyword if item is not None else "a line that was removed"
    line = f" (line {item.line})" if item is not None and question.instruction is item else ""
    brief = f"{name}{line} changed: legacy rebuilds below"
    return answer(
        question,
        title=f"{name}{line} changed, so the legacy builder builds all steps below it again",
        brief=_brief(item, was) or brief,
        shared_brief=brief,
        confidence=confidence,
        evidence=evidence,
        advice=advice(item),
        suspect=MetadataLine(item.line if item else None, was),
    )


def _brief(item: Instruction | None, was: str | None) -> str:
    """ "LABEL release 6 → 7: legacy rebuilds below"; "" where that is not one word's change."""
    changed = change(item.text, was) if item is not None and was else ""
    if item is None or not changed:
        return ""
    return f"{item.keyword} {changed}: legacy rebuilds below"


def advice(item: Instruction | None) -> str:
    """What to do about it, with the line."""
    buildkit = "build with BuildKit (DOCKER_BUILDKIT=1 in the environment)"
    if item is None:
        return buildkit[0].upper() + buildkit[1:]
    move = f"Move {describe(item, 40)} to the end of its stage"
    if item.keyword == "LABEL":
        move += "; or remove it, and set it with --label in the build that is released"
    return f"{move}; or {buildkit}"


def _buildkit_hits(question: Question) -> int:
    """How many of the steps below BuildKit has in its cache on the same host."""
    wanted = {step.id for step in question.chain.steps if step.keyword in BUILDKIT_KEYWORDS}
    for run in question.case.of(BUILDKIT_FOUND, BUILDKIT_IMPORTED, host=question.run.host):
        return sum(step.id in wanted and step.status == "hit" for step in run.steps)
    return 0


def _lines(items: list[Instruction | None]) -> str:
    return ", ".join(f"{item.keyword} (line {item.line})" for item in items if item is not None)


def _text(item: Instruction | None) -> str | None:
    return item.text if item is not None else None


def observe(case: Case) -> Iterator[Claim]:
    """A LABEL that names a time or a revision has another in the next build."""
    for item, what in changing_labels(case):
        for run in case.of(LEGACY_COLD):
            below = [step for step in run.steps if _below(step, item)]
            if below:
                yield _would(run.host, item, what, below)


def _below(step: Step, item: Instruction) -> bool:
    return (
        step.stage_index == item.stage_index
        and step.index > item.index
        and step.keyword in BUILDKIT_KEYWORDS
    )


def _would(host: str, item: Instruction, what: str, below: list[Step]) -> Claim:
    return Claim(
        title=f"{item.keyword} (line {item.line}) contains {what}: when that changes, the legacy "
        "builder builds all steps below it again",
        confidence="possible",
        steps=(StepId(item.stage_index, item.index),),
        evidence=(
            Evidence(kind="dockerfile", text=f"{describe(item)}: it contains {what}"),
            Evidence(
                kind="source",
                text="in our lab the legacy builder misses a changed LABEL and all steps below it, "
                "and BuildKit hits them",
            ),
        ),
        advice=advice(item),
        hosts=(host,),
        backends=("legacy",),
        consequences=tuple(step.id for step in below),
        seconds=seconds_of(below),
        suspect=MetadataLine(item.line, None),
    )


RULE = Rule(
    id="legacy-metadata-invalidates",
    order=110,
    title="A LABEL, CMD or EXPOSE above a step makes the legacy builder build the step again",
    surprise="The legacy builder makes an image of every instruction and looks for the next one "
    "among that image's children. A LABEL with another value is another image, so nothing below "
    "it is found, although no file changed. BuildKit has such lines in no cache key.",
    needs="An as-found run of the legacy builder, and either an earlier one on that host or the "
    "host's images (`docker history`), read before the run.",
    applies="The first miss is at a LABEL, CMD, ENTRYPOINT, EXPOSE, HEALTHCHECK, STOPSIGNAL, "
    "MAINTAINER or ONBUILD that was changed, added or removed, above a RUN, COPY, ADD or WORKDIR "
    "that stayed the same. Without such runs: a LABEL contains a date, a time or a revision.",
    proves="The earlier run had the steps below, and only that line differs; images of the engine "
    "have the same steps behind another such line; or an experiment.",
    advises="Move the line to the end of its stage, pass it with `--label`, or use BuildKit.",
    written=(
        "moby builder/dockerfile/dispatchers.go, dispatchLabel and probeCache",
        "BuildKit frontend/dockerfile/dockerfile2llb/convert.go, dispatchLabel: no operation",
        "our lab: 20.10, 26.1, 28.5 and 28.5 with the containerd store",
    ),
    example='FROM busybox\nLABEL built="2026-11-24"\nRUN sleep 2 && echo expensive > /out\n',
    try_it="docker build it with DOCKER_BUILDKIT=0, change the date, build again: the RUN runs "
    "again. With DOCKER_BUILDKIT=1 it is CACHED.",
    paid="per-change",
    explain=explain,
    observe=observe,
    suspect=MetadataLine,
)
