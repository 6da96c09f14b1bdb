"""The one thing to change, by the kind of suspect.

Takes an `ExperimentSetting`, returns a `Change`: the build as it is now and as it was but for
the suspect. Pure. A new kind of suspect that an experiment can test gets a module here.
"""

from __future__ import annotations

from cachetui.findings.context_claims import ContextSuspect
from cachetui.findings.registry import rule, suspect_of
from cachetui.findings.rules.base_drift import BaseImage
from cachetui.findings.rules.build_arg_invalidates import BuildArguments
from cachetui.findings.rules.evicted_or_never_built import EvictedResult
from cachetui.findings.rules.legacy_metadata_invalidates import MetadataLine
from cachetui.findings.rules.mount_changes_result import MountContent
from cachetui.findings.rules.nondeterministic_step import RepeatedStep
from cachetui.prove.change import Change, ExperimentSetting
from cachetui.prove.changes.base_image import base_image_change
from cachetui.prove.changes.build_argument import build_argument_change
from cachetui.prove.changes.context import context_change
from cachetui.prove.changes.metadata_line import metadata_line_change
from cachetui.prove.changes.repeated_build import repeated_build_change
from cachetui.prove.changes.repeated_run import repeated_run_change
from cachetui.prove.errors import NoExperiment


def change_for(setting: ExperimentSetting) -> Change:
    """The change that tests a finding. Raises `NoExperiment`."""
    finding = setting.finding
    match suspect_of(finding):
        case ContextSuspect():
            return context_change(setting)
        case BaseImage(ref=ref):
            return base_image_change(setting, ref)
        case BuildArguments(names=names):
            return build_argument_change(setting, names)
        case MetadataLine(was=was):
            return metadata_line_change(setting, was)
        case EvictedResult():
            return repeated_build_change(setting)
        case RepeatedStep():
            return repeated_run_change(setting, "run")
        case MountContent():
            return repeated_run_change(setting, "mount")
    made = rule(finding.id)
    why = made.untestable if made is not None else None
    if why is None and finding.confidence == "proved":
        why = "the engines' own records show it already"
    raise NoExperiment(why or f"nothing can be changed back to test {finding.id}")
