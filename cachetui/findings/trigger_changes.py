"""Which ONBUILD lines, or triggers of a base image, became others since the earlier run.

A trigger stands at the FROM that runs it, and so does what it sets: neither is a change of that
line. In the Dockerfile the ONBUILD line is; of a base image, the image.
"""

from __future__ import annotations

from cachetui.dockerfile.stages import Stage
from cachetui.findings.dockerfile_edits import Edit
from cachetui.findings.question import Question

SETS = frozenset({"ARG", "ENV", "USER", "WORKDIR", "SHELL"})
"""Triggers that set what is in force below them."""


def onbuild_edits(question: Question, stage: Stage, trigger: int | None = None) -> list[Edit]:
    """Edits of the ONBUILD lines that a stage of this file brings to `stage`: down to the trigger
    of that number, or (None) of all that set something. [] where the base is an image."""
    before = question.before
    if before is None or stage.base_stage is None:
        return []
    items = question.case.dockerfile.stages[stage.base_stage].instructions
    lines = [item for item in items if item.keyword == "ONBUILD"]
    last = len(items)
    if trigger is not None and trigger < len(lines):
        last = lines[trigger].index
    return [
        edit
        for edit in before.edits
        if edit.kind != "same"
        and edit.at.stage_index == stage.base_stage
        and edit.at.index <= last
        and _is_onbuild(edit, of_settings=trigger is None)
    ]


def _is_onbuild(edit: Edit, *, of_settings: bool) -> bool:
    items = [item for item in (edit.now, edit.before) if item is not None]
    if any(item.keyword != "ONBUILD" for item in items):
        return False
    bodies = {item.onbuild.keyword for item in items if item.onbuild is not None}
    return bool(bodies & SETS) or not of_settings


def other_triggers(question: Question, ref: str) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """The triggers of an image on the host in the earlier run and now, where they differ; None
    where they are the same, or not known."""
    before = question.before
    earlier = before.host if before is not None else None
    report = question.case.report(question.run)
    if earlier is None or report is None:
        return None
    then, now = earlier.as_known_to(question.run.backend).facts, report.facts
    if then is None or now is None or ref not in then.triggers or ref not in now.triggers:
        return None
    old, new = then.triggers[ref], now.triggers[ref]
    return (old, new) if old != new else None


def setting_stage(question: Question, name: str) -> Stage | None:
    """The stage whose FROM's triggers set a variable or setting that changed (or did, and no longer
    do); None where a line of its own sets it."""
    changes, before = question.changes, question.before
    stages = question.case.dockerfile.stages
    line = changes.now.lines.get(name) if changes.now is not None else None
    if line is not None:
        return next((one for one in stages if one.instructions[0].line == line), None)
    line = changes.then.lines.get(name) if changes.then is not None else None
    if line is None or before is None:
        return None
    for edit in before.edits:
        if edit.before is not None and edit.before.line == line and edit.before.keyword == "FROM":
            return stages[edit.at.stage_index]
    return None


def by_triggers_of_base(question: Question, ref: str) -> bool:
    """Whether the key of the step is another because the image has other triggers than before."""
    triggers = other_triggers(question, ref)
    if triggers is None:
        return False
    number = question.step.id.trigger
    if number is not None:
        then, now = (texts[: number + 1] for texts in triggers)
        return then != now
    names = [changed.partition(":")[2] for changed in question.changes.changed]
    found = [setting_stage(question, name) for name in names if name]
    return any(stage is not None and stage.base_stage is None for stage in found)
