"""What the builds of a repeated RUN show: see `changes.repeated_run`. Pure."""

from __future__ import annotations

from cachetui.findings.record import Evidence
from cachetui.prove.change import Change
from cachetui.prove.verdict import Builds, Verdict, table
from cachetui.records.step import StepId


def repeat_verdict(change: Change, builds: Builds, host: str) -> Verdict:
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
            return said("undecided", f"did not run to its end: {made.trouble}")
    first, now, again = (builds.get(key) for key in ("own-then", "own-now", "own-again"))
    if first is None or now is None or again is None or again.status != "hit":
        return said("undecided", "missed in a cache that has its result")
    above = StepId(change.watch.stage_index, change.watch.index - 1)
    cold = builds.get("own-cold")
    for made in (now, cold):
        if made is not None and any(s.id == above and s.status != "hit" for s in made.run.steps):
            return said("undecided", "builds on steps that make other bytes every time themselves")
    if change.repeats == "run":
        if now.status == "miss":
            return said(
                "proved",
                "made other bytes when it ran again, while all steps above it made the same",
            )
        return said("undecided", "made the same bytes when it ran again; it may not always")
    if cold is None or cold.status == "miss":
        return said(
            "withdrawn", "makes other bytes with an empty mount as well, every time it runs"
        )
    if now.status == "miss":
        text = "made the same bytes again with an empty mount, and others with the mount warm"
        return said("proved", f"{text}. Nothing else differs")
    return said("undecided", "made the same bytes with the mount warm and with it empty")
