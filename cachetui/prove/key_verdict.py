"""What a build that is made twice shows of a cache key: see `changes.repeated_build`. Pure."""

from __future__ import annotations

from cachetui.findings.record import Evidence
from cachetui.prove.change import Change
from cachetui.prove.verdict import Builds, Outcome, Verdict, builder_name, table


def key_verdict(change: Change, builds: Builds, host: str, line: str) -> Verdict:
    """Proved where the step hits the second time: the finding's claim is that all inputs of its key
    are those of a run that had it. Withdrawn where it misses again. `line` names the step."""
    first, again = builds.get("own-then"), builds.get("own-again")
    data = table(builds, "own-then", "own-again")
    where = f"{builder_name(change)} on {host}, in a cache of its own, with what the host has now: "

    def said(outcome: Outcome, text: str) -> Verdict:
        return Verdict(outcome, (Evidence(kind="experiment", text=where + text, data=data),))

    if first is None or first.status == "none":
        why = first.trouble if first is not None else "it was not made"
        return said("undecided", f"the build did not come to {line}: {why}")
    if first.status == "hit":
        return said("undecided", f"{line} hit in a cache that should be empty")
    if again is None or again.status == "none":
        why = again.trouble if again is not None else "it was not made"
        return said("undecided", f"the second build did not come to {line}: {why}")
    if again.status == "hit":
        return said(
            "proved",
            f"{line} hits when it is built again. Nothing in its key changes by itself, so the "
            "host's own cache lost the result",
        )
    return said(
        "withdrawn", f"{line} misses when it is built again: something in its key changes each time"
    )
