"""A host that imports: the build with neither cache nor import, then with nothing but each kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import msgspec

from cachetui.builders import registry_refs as refs
from cachetui.dockerfile.parse import resolve_target
from cachetui.hosts.machine import HostError
from cachetui.records.run import Run
from cachetui.records.scenario import UNSHARED, Planned
from cachetui.records.share import ShareImport
from cachetui.share.exporting import answers, what_helps
from cachetui.share.folders import FolderContents, copy_folder
from cachetui.share.kept import asked_again, kept_steps
from cachetui.share.kinds import Kind, import_obstacle
from cachetui.share.setting import SharingHost
from cachetui.share.why_not import why_not_kept

IMPORT_SECONDS = 120.0
"""What an import may take beside three cold builds: a registry that says nothing would keep a build
for ever."""

NO_OUTPUT = "--output=type=cacheonly"
OnDoing = Callable[[str], None]


@dataclass(frozen=True)
class Exported:
    """What there is to import: `source` is the host that exported it, `folders` what its folders
    hold, by kind, `dates` when its results were made: see `result_dates`."""

    source: SharingHost
    kinds: tuple[Kind, ...]
    folders: dict[str, FolderContents] = field(default_factory=dict)
    dates: frozenset[str] = frozenset()


def cold_build(host: SharingHost, on_doing: OnDoing) -> Run:
    """The build with neither cache nor import: what a fresh machine pays. Raises `HostError`."""
    planned = Planned(UNSHARED.name, 1)
    return host.build(host.shared.derived(host.facts, None, planned, ()), on_doing, keep=True)


def import_kind(
    host: SharingHost, exported: Exported, kind: Kind, cold: Run, on_doing: OnDoing
) -> ShareImport:
    """Build with nothing but the import of a kind, and ask what it kept. Raises `HostError` for
    a host that is gone, and `StoreError`."""
    obstacle = import_obstacle(kind, host.facts, host.shared.repository(host.at.host))
    if obstacle is not None:
        return ShareImport(
            host=host.name,
            kind=kind.name,
            status="unsupported",
            reason=obstacle.reason,
            remedy=obstacle.remedy,
        )
    try:
        _fetch(host, exported, kind)
        return _import(host, exported, kind, cold, on_doing)
    except HostError as error:
        if error.kind not in ("shell", "timeout"):
            raise
        return _failed(host, kind, error.reason, error.remedy)
    finally:
        if kind.via == "folder":
            host.remove_folder(host.shared.folder(host.facts, kind))


def _fetch(host: SharingHost, exported: Exported, kind: Kind) -> None:
    """Bring a folder here. Raises `HostError`, and `StoreError` where it cannot be noted."""
    if kind.via != "folder":
        return
    source = exported.source
    contents = exported.folders[kind.name]
    host.at.will_write(host.shared.folder(host.facts, kind))
    with source.reading, _as_its_own(host, source):
        copy_folder(
            source.machine,
            host.machine,
            source.shared.folder(source.facts, kind),
            host.shared.folder(host.facts, kind),
            contents,
            host.cancel,
        )


@contextmanager
def _as_its_own(host: SharingHost, source: SharingHost) -> Iterator[None]:
    """What is wrong with the host that exported fails a kind here, and not the host."""
    try:
        yield
    except HostError as error:
        if error.name != source.name or error.kind == "cancelled":
            raise
        reason = f"{source.name}, which has it: {error.reason}"
        raise HostError(host.name, "shell", reason, error.remedy) from None


def _import(
    host: SharingHost, exported: Exported, kind: Kind, cold: Run, on_doing: OnDoing
) -> ShareImport:
    shared, facts, task = host.shared, host.facts, host.shared.task
    ref = shared.ref(host.at.host, kind)
    words = kind.import_words(ref, shared.folder(facts, kind), buildx=bool(facts.buildx))
    limit = min(host.at.host.build_timeout, 3 * cold.seconds + IMPORT_SECONDS)
    usual, host.at.host = (
        host.at.host,
        msgspec.structs.replace(host.at.host, build_timeout=limit),
    )
    try:
        whole = host.build(shared.derived(facts, kind, kind.import_run, words), on_doing, keep=True)
        trouble = _trouble(host, whole, ref, limit)
        if trouble is not None:
            return _failed(host, kind, *trouble)
        target = resolve_target(task.dockerfile, task.settings.target)
        runs = {target: whole}
        for stage in asked_again(task.dockerfile, target):
            build = shared.derived(facts, kind, kind.import_run, (*words, NO_OUTPUT), stage)
            on_doing(f"stage {task.dockerfile.stages[stage].name or stage}")
            run = host.build(build, on_doing, keep=False)
            if _trouble(host, run, ref, limit) is None:
                runs[stage] = run
    finally:
        host.at.host = usual
    steps = kept_steps(task.dockerfile, runs)
    return ShareImport(
        host=host.name,
        kind=kind.name,
        status="ok",
        seconds=whole.seconds,
        steps=steps,
        notes=why_not_kept(
            task.dockerfile,
            steps,
            exported.source.facts,
            facts,
            mode=kind.mode,
            resolved=cold.bases,
            resolved_there={ref for run in exported.source.runs for ref in run.bases},
        ),
    )


def _trouble(host: SharingHost, run: Run, ref: str, limit: float) -> tuple[str, str] | None:
    """Why a build did not show what its import keeps, and what to do; None where it did. A failed
    import is no error to BuildKit."""
    imports = [one for one in run.transfers if one.direction == "import"]
    error = next((one.error for one in imports if one.error), None)
    if error is not None:
        known = refs.trouble(error, host.name, ref) if ref else None
        reason, remedy = known or (f"the import failed: {error}", "")
        return f"{reason}; the build went on without it", remedy
    if run.status == "ok":
        return None
    if imports and run.seconds >= limit - 1:
        where = ref.split("/")[0] or "the folder"
        # The import ends with the manifest: layers come when a step or the image needs them.
        told = (
            f"the build with the import did not end within {limit:.0f} s, and was stopped: a layer "
            f"that it needs from {where} may not have come"
            if all(one.ended for one in imports)
            else f"the import from {where} did not end within {limit:.0f} s, and the build was "
            "stopped"
        )
        return told, answers(ref, host.name)
    said = run.reason or f"the build ended as {run.status}"
    return said, what_helps(said)


def _failed(host: SharingHost, kind: Kind, reason: str, remedy: str = "") -> ShareImport:
    return ShareImport(
        host=host.name, kind=kind.name, status="failed", reason=reason, remedy=remedy or None
    )
