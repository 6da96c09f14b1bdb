"""Whether a RUN makes the same bytes again, on equal inputs and alone: BuildKit tells by a COPY.

A derived Dockerfile has the RUN in a stage of its own, and copies what stands above it, and what
it made, into an empty image. BuildKit finds such a copy again exactly when the bytes are the same
(names, modes and content; no times). With another extra host name every RUN runs again: then the
copy of what is above must hit, so that a copy of the result that misses is this RUN's doing.

For a step whose result is said to depend on its cache mount, it runs again twice: with the mount
as the first run left it, and with an empty one.
"""

from __future__ import annotations

from cachetui.findings.record import Evidence
from cachetui.prove import dockerfile_pieces as pieces
from cachetui.prove.change import Change, ExperimentSetting, NoExperiment, instruction
from cachetui.prove.dockerfile_pieces import Piece
from cachetui.prove.verdict import Builds, Verdict, table
from cachetui.records.step import StepId

ABOVE = "cachetui-above"


def remake(setting: ExperimentSetting) -> Change:
    """The experiment for the last RUN that a finding names. Raises `NoExperiment`."""
    case, steps = setting.case, setting.finding.steps
    if setting.backend != "buildkit":
        raise NoExperiment("it is about BuildKit alone")
    if not steps:
        raise NoExperiment("the finding is about no step of the Dockerfile")
    at = StepId(steps[-1].stage_index, steps[-1].index)
    item = instruction(case, at)
    kind = setting.finding.suspect.get("kind")
    if item.keyword != "RUN" or (kind == "mount" and not item.cache_mounts):
        raise NoExperiment(f"line {item.line} is no RUN that could be run again")
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
        remade="mount" if kind == "mount" else "run",
        line=item.line,
    )


def remade_verdict(change: Change, builds: Builds, host: str) -> Verdict:
    """What the copies say: the same bytes, or others."""
    names = ("own-then", "own-cold", "own-now", "own-again")
    data = table(builds, *names)
    what = f"BuildKit on {host}: line {change.line}"

    def said(outcome: str, text: str) -> Verdict:
        evidence = Evidence(kind="experiment", text=f"{what} {text}", data=data)
        return Verdict(outcome, (evidence,))  # type: ignore[arg-type]

    for key in names:
        made = builds.get(key)
        if made is not None and made.status == "none":
            return said("undecided", f"was not run to its end: {made.trouble}")
    first, now, again = (builds.get(key) for key in ("own-then", "own-now", "own-again"))
    if first is None or now is None or again is None or again.status != "hit":
        return said("undecided", "was not found again in a cache that has it")
    above = StepId(change.watch.stage_index, change.watch.index - 1)
    cold = builds.get("own-cold")
    for made in (now, cold):
        if made is not None and any(s.id == above and s.status != "hit" for s in made.run.steps):
            return said("undecided", "stands on steps that make other bytes each time themselves")
    if change.remade == "run":
        if now.status == "miss":
            return said("proved", "made other bytes when it ran again, and all above it the same")
        return said("undecided", "made the same bytes when it ran again; it may not always")
    if cold is None or cold.status == "miss":
        return said("withdrawn", "makes other bytes with an empty mount as well, each time it runs")
    if now.status == "miss":
        text = "made the same bytes with an empty mount again, and others with the mount as it left"
        return said("proved", f"{text} it. Nothing else differs")
    return said("undecided", "made the same bytes with the mount warm and with it empty")
