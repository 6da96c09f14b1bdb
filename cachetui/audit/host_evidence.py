"""What findings about a host rest on: read before anything is built there, and again afterwards."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from cachetui.audit.cleanup import images_question, records_question
from cachetui.audit.host_runs import HostRuns
from cachetui.audit.own_build import own_build_questions, read_own_build
from cachetui.audit.redact_evidence import redact_evidence
from cachetui.audit.task import AuditTask
from cachetui.builders.registry import builder_named
from cachetui.config.settings import HostSettings
from cachetui.findings.build_options import pulls_always
from cachetui.hosts.asked_ahead import AskedAhead
from cachetui.hosts.cache_records import CacheRecord
from cachetui.hosts.evidence import bases_after, evidence_questions, gather_evidence
from cachetui.hosts.machine import Cancel, Machine
from cachetui.hosts.upload import there_question
from cachetui.records.digest import ValueHasher
from cachetui.records.host import HostEvidence, HostFacts
from cachetui.records.scenario import Planned
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
    evidence = gather_evidence(
        machine,
        host,
        tuple(facts.bases),
        records,
        gc=facts.builder.gc if facts.builder else (),
        as_found=bool(_as_found(task)),
        step_images=_step_images(task),
        hasher=store.hasher,
    )
    own = read_own_build(machine, host, facts, task, store, cancel)
    evidence = redact_evidence(evidence, task.redactor)
    return replace(evidence, checkout=own.checkout, image=own.image), tuple(own.problems)


def _as_found(task: AuditTask) -> list[Planned]:
    return [planned for planned in task.plan.order if not planned.kind.controlled]


def _step_images(task: AuditTask) -> bool:
    """Whether images are asked for that the legacy builder left step by step."""
    return any(builder_named(planned.backend).leaves_step_images for planned in _as_found(task))


def ask_before(machine: AskedAhead, runs: HostRuns, cancel: Cancel) -> None:
    """Ask ahead what is asked of a host before its builds: its images, cache records and evidence,
    and whether the context is there. Raises `HostError` but for what one question brings."""
    host, refs, steps = runs.host, tuple(runs.facts.bases), _step_images(runs.task)
    machine.ask(
        [
            there_question(runs.context_folder),
            images_question(host),
            *evidence_questions(host, refs, step_images=steps),
            *own_build_questions(host, runs.task),
            records_question(host, runs.facts.builder),
        ],
        cancel,
    )


def ask_after(machine: AskedAhead, runs: HostRuns, cancel: Cancel) -> None:
    """The same of what is asked right after them."""
    if runs.facts.bases and _asks_again(runs.task):
        first, *_ = evidence_questions(runs.host, tuple(runs.facts.bases), step_images=False)
        machine.ask([first, images_question(runs.host)], cancel)


def _asks_again(task: AuditTask) -> bool:
    return bool(_as_found(task)) or pulls_always(task.settings.docker_args)


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
    if not _asks_again(task):
        return evidence
    after = bases_after(machine, host, facts, evidence, hasher)
    return replace(evidence, bases_after=after)
