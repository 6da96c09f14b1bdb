"""Put a line that changes nothing but the image's configuration back as it was."""

from __future__ import annotations

import re

from cachetui.dockerfile.instruction import BUILDKIT_KEYWORDS, Instruction
from cachetui.findings.case import Case
from cachetui.findings.earlier_run import EarlierRun
from cachetui.findings.rules.legacy_metadata_invalidates import METADATA
from cachetui.prove import dockerfile_pieces as pieces
from cachetui.prove.change import Change, ExperimentSetting, instruction
from cachetui.prove.dockerfile_pieces import Pieces
from cachetui.prove.errors import NoExperiment
from cachetui.records.step import StepId

_PAIR = re.compile(r"([^\s=]+)=(.*?)(?=\s+[^\s=]+=|\s*\Z)", re.DOTALL)


def metadata_line_change(setting: ExperimentSetting, was: str | None) -> Change:
    """The build with the line as it was, by the earlier Dockerfile or by `was`, an image's
    history; else with another value. Raises `NoExperiment`."""
    case, at = setting.case, setting.first
    if setting.backend != "legacy":
        raise NoExperiment("it is about the legacy builder alone")
    item = instruction(case, at)
    watch = _work_below(case, at)
    own = pieces.pieces(case.dockerfile)
    inexact = None
    if setting.before is not None:
        then, said = _lines_before(own, setting.before, watch), "as before"
    elif was is not None:
        # `docker history` does not show values as they were written.
        inexact = f"`docker history` does not show how {was!r} was written"
        then = _line_in_the_image(own, item, was)
        said = "as an image of the host has it"
    else:
        then, said = pieces.replaced(own, at, _with_another_value(item)), "with another value"
    if then == own:
        raise NoExperiment("what the line was before is not known")
    return Change(
        backend="legacy",
        what=f"line {item.line} ({item.keyword}): {said}, and as it is",
        watch=watch,
        now=setting.state(f"with line {item.line} as it is"),
        then=setting.state(f"with line {item.line} {said}", then),
        run=setting.missed(watch),
        inexact=inexact,
    )


def _line_in_the_image(own: Pieces, item: Instruction, was: str) -> Pieces:
    """With the line that an image has in this one's place: changed, taken out, or added since."""
    at = StepId(item.stage_index, item.index)
    body = _as_written(was) + "\n"
    if item.keyword not in METADATA:
        return pieces.inserted(own, at, body)
    same = was.partition(" ")[0] == item.keyword
    return pieces.replaced(own, at, body if same else None)


def _work_below(case: Case, at: StepId) -> StepId:
    """The first step from there on in its stage that makes something."""
    for item in case.dockerfile.stages[at.stage_index].instructions[at.index :]:
        if item.keyword in BUILDKIT_KEYWORDS:
            return StepId(at.stage_index, item.index)
    raise NoExperiment("no step below it makes anything")


def _lines_before(own: Pieces, before: EarlierRun, watch: StepId) -> Pieces:
    """With all such lines above the step as they were in the earlier Dockerfile."""
    parts = own
    for edit in before.edits:
        item = edit.now or edit.before
        if item is None or item.keyword not in METADATA or edit.at.stage_index != watch.stage_index:
            continue
        if edit.at.index > watch.index or edit.kind == "same":
            continue
        body = None
        if edit.before is not None:
            there = StepId(edit.before.stage_index, edit.before.index)
            earlier = pieces.pieces(before.dockerfile)
            body = next((part.body for part in earlier if part.step == there), None)
        if edit.kind == "removed" and body is not None:
            parts = pieces.inserted(parts, edit.at, body)
        elif edit.kind in ("changed", "added"):
            parts = pieces.replaced(parts, edit.at, body)
    return parts


def _as_written(history: str) -> str:
    """A line of `docker history` as it could stand in a Dockerfile: values quoted."""
    keyword, _, rest = history.partition(" ")
    pairs = _PAIR.findall(rest) if keyword == "LABEL" else []
    if not pairs:
        return history
    quoted = (
        value.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$") for _, value in pairs
    )
    return " ".join(
        [keyword, *(f'{name}="{v}"' for (name, _), v in zip(pairs, quoted, strict=True))]
    )


def _with_another_value(item: Instruction) -> str:
    """The line with another value, whatever it is."""
    if item.keyword != "LABEL":
        raise NoExperiment("what the line was before is not known")
    return f"{item.text.rstrip()} cachetui.experiment=1\n"
