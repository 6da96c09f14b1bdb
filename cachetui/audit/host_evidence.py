"""What findings about a host rest on: read before anything is built there, and again afterwards."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from cachetui.audit.own_build import read_own_build
from cachetui.audit.redact_evidence import redact_evidence
from cachetui.audit.task import AuditTask
from cachetui.builders.registry import builder_named
from cachetui.config.settings import HostSettings
from cachetui.findings.build_options import pulls_always
from cachetui.hosts.cache_records import CacheRecord
from cachetui.hosts.evidence import bases_after, gather_evidence
from cachetui.hosts.machine import Cancel, Machine
from cachetui.records.digest import ValueHasher
from cachetui.records.host import HostEvidence, HostFacts
from cachetui.store.database import Store


def evidence_before(
    machine: Machine,
    host: HostSettings,
    facts: HostFacts,
    task: AuditTask,
    store: Store,
    records: Iterable[CacheRecord] | None,
    cancel: Cancel,
) -> tuple[HostEvidence, tuple[str, ...]]:
    """The host's caches, images and own build, and what could not be read of the last, as
    sentences. `records` are those of BuildKit's cache. Raises `HostError` and `StoreError`."""
    as_found = [planned for planned in task.plan.order if not planned.kind.controlled]
    evidence = gather_evidence(
        machine,
        host,
        tuple(facts.bases),
        records,
        gc=facts.builder.gc if facts.builder else (),
        as_found=bool(as_found),
        step_images=any(builder_named(planned.backend).leaves_step_images for planned in as_found),
        hasher=store.hasher,
    )
    own = read_own_build(machine, host, facts, task, store, cancel)
    evidence = redact_evidence(evidence, task.redactor)
    return replace(evidence, checkout=own.checkout, image=own.image), tuple(own.problems)


def evidence_after(
    machine: Machine,
    host: HostSettings,
    facts: HostFacts,
    task: AuditTask,
    evidence: HostEvidence,
    hasher: ValueHasher,
) -> HostEvidence:
    """The same with what the base images' names are now: a run as found pulls those that are not
    there, and `--pull` takes what the registry has. Raises `HostError`."""
    as_found = any(not planned.kind.controlled for planned in task.plan.order)
    if not as_found and not pulls_always(task.settings.docker_args):
        return evidence
    after = bases_after(machine, host, facts, evidence, hasher)
    return replace(evidence, bases_after=after)
