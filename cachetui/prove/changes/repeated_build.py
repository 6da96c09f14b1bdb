"""Whether a step hits when nothing changes: it is built twice with what the host has now."""

from __future__ import annotations

from cachetui.prove.change import Change, ExperimentSetting, instruction


def repeated_build_change(setting: ExperimentSetting) -> Change:
    """The build as it is, up to the first step of the finding. Raises `NoExperiment`."""
    item = instruction(setting.case, setting.first)
    now = setting.state("as it is")
    return Change(
        backend=setting.backend,
        what=f"nothing: line {item.line} is built twice, with what the host has now",
        watch=setting.first,
        now=now,
        then=now,
        repeats="key",
        line=item.line,
    )
