"""The host that exports: one cold build a kind, and what the export takes."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress

from cachetui.builders import registry_refs as refs
from cachetui.builders.audit_names import tag
from cachetui.hosts.machine import HostError, Machine
from cachetui.records.run import Run
from cachetui.records.share import ShareExport
from cachetui.share.folders import FolderContents, read_cache
from cachetui.share.kinds import Kind, export_obstacle
from cachetui.share.setting import SharingHost


def cannot_export(host: SharingHost, kind: Kind) -> ShareExport | None:
    """Why the host cannot export a kind; None when it can."""
    obstacle = export_obstacle(kind, host.facts, host.shared.repository(host.at.host))
    if obstacle is None:
        return None
    return ShareExport(
        kind=kind.name, status="unsupported", reason=obstacle.reason, remedy=obstacle.remedy
    )


def unreachable(host: SharingHost, kind: Kind) -> tuple[str, str] | None:
    """What is wrong with the registry as the host reaches it, and what to do; None where nothing
    is, or where the host's client has nothing to ask with. Raises `HostError`."""
    ref = host.shared.ref(host.at.host, kind)
    if not ref or not host.facts.buildx:
        return None
    try:
        done = host.machine.run(
            refs.reach_command(host.at.docker, ref), timeout=refs.SECONDS, cancel=host.cancel
        )
    except HostError as error:
        if error.kind != "timeout":
            raise
        registry = ref.split("/")[0]
        return f"the registry {registry} does not answer", f"check that it is up ({host.name})"
    return refs.trouble(done.text, host.name, ref, missing=False) if done.status else None


def export(host: SharingHost, kind: Kind, on_doing: Callable[[str], None]) -> ShareExport:
    """Build with the export of a kind. Raises `HostError` and `StoreError`; a build or export that
    fails is a result."""
    shared, facts = host.shared, host.facts
    ref, folder = shared.ref(host.at.host, kind), shared.folder(facts, kind)
    build = shared.derived(facts, kind, kind.export_run, kind.export_words(ref, folder))
    run = host.build(build, on_doing, keep=True)
    seconds = sum(one.seconds or 0.0 for one in run.transfers if one.direction == "export")
    if run.status != "ok":
        return _failed(host, kind, run, ref)
    if kind.via == "image":
        begun = time.monotonic()
        try:
            host.at.push(tag(build.name, kind.export_run), ref)
        except HostError as error:
            reason, remedy = _not_pushed(host, error, ref)
            return ShareExport(
                kind=kind.name, status="failed", reason=reason, remedy=remedy or None, ref=ref
            )
        seconds += time.monotonic() - begun
    size = None if kind.via == "folder" else ref_bytes(host.machine, host.at.docker, ref)
    return ShareExport(kind=kind.name, status="ok", seconds=seconds, bytes=size, ref=ref)


def _failed(host: SharingHost, kind: Kind, run: Run, ref: str) -> ShareExport:
    """The reason, with its remedy where it is the registry's."""
    begun = next((one for one in run.transfers if one.direction == "export"), None)
    if begun is not None and not begun.ended and run.seconds >= host.at.host.build_timeout - 1:
        where = ref.split("/")[0] or "the folder"
        why = _endless(host, f"the export to {where}", ref)
        return ShareExport(kind=kind.name, status="failed", reason=why[0], remedy=why[1], ref=ref)
    error = next((one.error for one in run.transfers if one.error), None)
    said = error or run.reason or f"the build ended as {run.status}"
    known = refs.trouble(said, host.name, ref, writing=True) if error and ref else None
    reason, remedy = known or (said, what_helps(said) or None)
    return ShareExport(kind=kind.name, status="failed", reason=reason, remedy=remedy, ref=ref)


def _not_pushed(host: SharingHost, error: HostError, ref: str) -> tuple[str, str]:
    """The reason and the remedy; what is not about the push is raised."""
    if error.kind == "timeout":
        return _endless(host, f"the push to {ref.split('/')[0]}", ref)
    if error.kind != "shell":
        raise error
    known = refs.trouble(error.reason, host.name, ref, writing=True)
    return known or (error.reason, what_helps(error.reason))


def _endless(host: SharingHost, what: str, ref: str) -> tuple[str, str]:
    """What did not end in the time that the host's builds have, and what to do."""
    seconds = host.at.host.build_timeout
    return (
        f"{what} did not end within {seconds:g} s, and was stopped",
        f"{answers(ref, host.name)}; where it only takes that long, raise build_timeout in "
        "hosts.toml",
    )


def what_helps(said: str) -> str:
    """What to do where docker was kept from a registry by the filter of a key of least right
    (`examples/least-right`); "" where it said something else."""
    if "docker-filter: refused" not in said:
        return ""
    return (
        "the key of least right lets no cache through a registry: use --kinds local-max there, or "
        "an account that may use all of docker"
    )


def answers(ref: str, host: str) -> str:
    """How to see whether the registry of a reference answers on a host."""
    return refs.answers(ref, host) if ref else f"check the disk of {host}"


def read_folder(host: SharingHost, kind: Kind) -> FolderContents:
    """What a folder holds after its export. Raises `HostError`."""
    return read_cache(host.machine, host.shared.folder(host.facts, kind), host.cancel)


def ref_bytes(machine: Machine, docker: str, ref: str) -> int | None:
    """What a reference takes in the registry, None where it does not tell."""
    with suppress(HostError):
        size, first = refs.manifest_bytes(_manifest(machine, docker, ref))
        if size is None and first is not None:
            name = ref.rpartition(":")[0]
            size, _ = refs.manifest_bytes(_manifest(machine, docker, f"{name}@{first}"))
        return size
    return None


def _manifest(machine: Machine, docker: str, ref: str) -> bytes:
    return machine.run(refs.size_command(docker, ref), timeout=2 * refs.SECONDS).stdout
