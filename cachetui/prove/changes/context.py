"""Give the files that a step sees the content and modes that they had."""

from __future__ import annotations

from cachetui.context.manifest import Entry
from cachetui.dockerfile.instruction import Instruction
from cachetui.findings.case import Case
from cachetui.findings.context_files import ContextFiles, compare_files, files_read
from cachetui.findings.variables import scope_at
from cachetui.findings.wording import join_names
from cachetui.hosts.upload import context_folder, path_on_host
from cachetui.prove.change import Change, ExperimentSetting, instruction
from cachetui.prove.context_edits import edits
from cachetui.prove.errors import NoExperiment
from cachetui.records.backend import Backend


def context_change(setting: ExperimentSetting) -> Change:
    """The build with the files of the earlier context, or of the host's checkout. Raises
    `NoExperiment`."""
    case, step, backend = setting.case, setting.first, setting.backend
    item = instruction(case, step)
    now = case.files(case.document, setting.host)
    if now is None:
        raise NoExperiment("the manifest of the context is no longer stored; run the audit again")
    then, source, whose = _other_context(setting)
    view_now, view_then = (_view(case, files, item, backend) for files in (now, then))
    if view_now is None or view_then is None:
        raise NoExperiment(f"what line {item.line} sees of the context is not known")
    difference = compare_files(view_then, view_now)
    if not difference:
        raise NoExperiment(
            f"what line {item.line} sees of {whose} is what was sent: there is nothing to change"
        )
    what = "the modes" if difference.only_modes else "the files"
    return Change(
        backend=backend,
        what=f"{what} of {join_names(difference.paths, 3)}: as in {whose}, and as sent",
        watch=step,
        now=setting.state(f"with {what} as sent"),
        then=setting.state(
            f"with {what} as in {whose}", files=edits(difference, view_then, source)
        ),
        run=setting.missed(step),
    )


def _other_context(setting: ExperimentSetting) -> tuple[ContextFiles, str, str]:
    """The context that the cache was made from, its folder on the host, and whose it is."""
    case, before = setting.case, setting.before
    if before is not None:
        files = case.files(before.document, setting.host)
        folder = context_folder(setting.cache_folder, before.document.build.context_digest)
        if files is not None:
            return files, path_on_host(folder), f"audit {before.document.audit}"
    files = case.checkout(setting.host)
    evidence = case.evidence(setting.host)
    if files is None or evidence is None or evidence.checkout is None:
        raise NoExperiment("no other context is known: neither an earlier audit's nor a checkout's")
    return files, evidence.checkout.path, f"the checkout on {setting.host}"


def _view(
    case: Case, files: ContextFiles, item: Instruction, backend: Backend
) -> dict[str, Entry] | None:
    """What the instruction sees of a context."""
    args = case.document.build.build_args
    scope = scope_at(case.dockerfile, args, item.stage_index, item.index, backend, case.hasher)
    return files_read(files, item, backend, scope, case.document.build.named_contexts)
