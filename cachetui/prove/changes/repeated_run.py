"""Whether a RUN makes the same bytes again, on equal inputs and alone: a COPY on BuildKit shows it.

A derived Dockerfile has the RUN in a stage of its own, and copies what stands above it, and what
it made, into an empty image. BuildKit finds such a copy again exactly when the bytes are the same
(names, modes and content; no times). With another extra host name every RUN runs again: then the
copy of what is above must hit, so that a copy of the result that misses is this RUN's doing.

For a step whose result is said to depend on its cache mount, it runs again twice: with the mount
as the first run left it, and with an empty one.
"""

from __future__ import annotations

from typing import Literal

from cachetui.prove import dockerfile_pieces as pieces
from cachetui.prove.change import Change, ExperimentSetting, instruction
from cachetui.prove.dockerfile_pieces import Piece
from cachetui.prove.errors import NoExperiment
from cachetui.records.step import StepId

ABOVE = "cachetui-above"


def repeated_run_change(setting: ExperimentSetting, repeats: Literal["run", "mount"]) -> Change:
    """The build of the last RUN that a finding names; with "mount" of one that must have a cache
    mount. Raises `NoExperiment`."""
    case, steps = setting.case, setting.finding.steps
    if setting.backend != "buildkit":
        raise NoExperiment("it is about BuildKit alone")
    if not steps:
        raise NoExperiment("the finding is about no step of the Dockerfile")
    at = StepId(steps[-1].stage_index, steps[-1].index)
    item = instruction(case, at)
    if item.keyword != "RUN" or (repeats == "mount" and not item.cache_mounts):
        raise NoExperiment(f"line {item.line} is not a RUN that can be run again")
    stage = case.dockerfile.stages[at.stage_index]
    own = pieces.pieces(case.dockerfile)
    parts = pieces.until(own, at, case.dockerfile.all_needed(at.stage_index))
    body = next(part.body for part in parts if part.step == at)
    name = stage.name or ABOVE
    if stage.name is None:
        head = stage.instructions[0]
        words = ["FROM", *head.flags, stage.base_text, "AS", name]
        parts = pieces.replaced(parts, StepId(stage.index, 0), " ".join(words) + "\n")
    made, probe = stage.index + 1, stage.index + 2
    more = (
        (made, f"FROM {name}\n"),
        (made, body),
        (probe, "FROM scratch\n"),
        (probe, "COPY .cachetui-salt /.cachetui-salt\n"),
        (probe, f"COPY --from={name} / /above/\n"),
        (probe, f"COPY --from={made} / /made/\n"),
    )
    counts: dict[int, int] = {}
    added: list[Piece] = []
    for number, text in more:
        index = counts.get(number, 0)
        counts[number] = index + 1
        added.append(Piece(number, StepId(number, index), "", text))
    whole = (*pieces.replaced(parts, at, None), *added)
    return Change(
        backend="buildkit",
        what=f"line {item.line}, run again on the same inputs",
        watch=StepId(probe, 3),
        now=setting.state("run again", whole),
        then=setting.state("run first", whole),
        repeats=repeats,
        line=item.line,
    )
