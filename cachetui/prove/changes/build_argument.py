"""Give build arguments the values that they had. Only the digests of values are kept."""

from __future__ import annotations

from collections.abc import Sequence

from cachetui.findings.wording import join_names
from cachetui.prove.change import Change, ExperimentSetting
from cachetui.prove.errors import NoExperiment, ValueNeeded, unreadable


def build_argument_change(setting: ExperimentSetting, names: Sequence[str]) -> Change:
    """The build with the earlier values of these arguments. Raises `NoExperiment`, and
    `ValueNeeded` where an earlier value was not given."""
    watch, build = setting.first, setting.case.document.build
    digests = {
        str(evidence.data.get("name")): evidence.data.get("then")
        for evidence in setting.finding.evidence
        if evidence.kind == "earlier" and "then" in evidence.data
    }
    then = dict(setting.values)
    for name in names:
        if name in digests and digests[name] is None:
            then.pop(name, None)
            continue
        value = _earlier_value(setting, name, digests.get(name), build.build_args.get(name))
        if value is not None:
            then[name] = value
    if then == dict(setting.values):
        raise ValueNeeded(names[0], f"the earlier value of {names[0]} is needed")
    return Change(
        backend=setting.backend,
        what=f"--build-arg {join_names(names)}: as before, and as now",
        watch=watch,
        now=setting.state(f"with --build-arg {join_names(names)} as now"),
        then=setting.state(f"with --build-arg {join_names(names)} as before", build_args=then),
        run=setting.missed(watch),
    )


def _earlier_value(
    setting: ExperimentSetting, name: str, wanted: str | None, now: str | None
) -> str | None:
    """The given value whose digest is `wanted`; where that is not known the last given that is
    not today's, None without one."""
    hasher = setting.case.hasher
    values = [
        value
        for given, value in setting.given
        if given == name and (now is None or hasher.matches(value, now) is False)
    ]
    if wanted is None:
        return values[-1] if values else None
    if not hasher.reads(wanted):
        raise unreadable(name)
    for value in values:
        if hasher.matches(value, wanted):
            return value
    if values:
        raise NoExperiment(f"that is not the value that {name} had: its digest differs")
    raise ValueNeeded(name, f"the earlier value of {name} is needed")
