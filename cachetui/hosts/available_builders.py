"""Which builders a host has, found without building anything."""

from __future__ import annotations

from cachetui.builders.builder import BuilderProbe
from cachetui.builders.registry import BUILDERS
from cachetui.records.backend import Backend


def available_builders(
    probe: BuilderProbe, system: str
) -> tuple[tuple[Backend, ...], dict[str, str]]:
    """The builders that work, and for each other one why not and what to do.

    `system` is the engine's ("linux").
    """
    if system != "linux":
        reason = f"the engine builds for {system or 'an unknown system'}; only linux is supported"
        return (), {builder.name: reason for builder in BUILDERS}
    reasons = {builder.name: builder.why_missing(probe) for builder in BUILDERS}
    working = tuple(name for name, reason in reasons.items() if not reason)
    return working, {name: reason for name, reason in reasons.items() if reason}
