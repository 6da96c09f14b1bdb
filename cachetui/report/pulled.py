"""What a hit in an imported cache cost, in words. Pure."""

from __future__ import annotations

from cachetui.records.step import Step
from cachetui.report import units


def pulled(step: Step) -> str:
    """What a step's hit cost: "pulled 212 MB in 3.1s", "pulled in 3.1s" where the engine does not
    say how much; "" for a step that pulled nothing."""
    if step.pulled_seconds is None:
        return ""
    size = "" if step.pulled_bytes is None else f" {units.size(step.pulled_bytes)}"
    return f"pulled{size} in {units.seconds(step.pulled_seconds)}"
