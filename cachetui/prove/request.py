"""What is to be proved: a finding, by its name, on one of its hosts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cachetui.audit.findings_of import case_of, why
from cachetui.config.bake_target import with_source
from cachetui.config.builder_choice import with_builder
from cachetui.config.settings import BuildSettings, HostSettings, Settings
from cachetui.config.toml_table import ConfigError
from cachetui.findings.case import Case
from cachetui.findings.record import Finding
from cachetui.findings.wording import host_names
from cachetui.prove.errors import NoExperiment
from cachetui.records.document import Document
from cachetui.records.step import StepId
from cachetui.store.database import Store


@dataclass(frozen=True)
class ProofRequest:
    """A finding to prove on a `host`. `contexts` are builds whose folders may hold the context
    that was sent, `unread` says which of the settings could not be read, and why. `given` are
    values of build arguments by name, `hosts` all hosts of the settings."""

    case: Case
    finding: Finding
    host: HostSettings
    hosts: Mapping[str, HostSettings]
    contexts: Sequence[BuildSettings] = ()
    unread: tuple[str, ...] = ()
    given: tuple[tuple[str, str], ...] = ()


def proof_request(
    document: Document,
    store: Store,
    settings: Settings,
    name: str,
    *,
    host: str | None = None,
    contexts: Sequence[BuildSettings] = (),
    given: tuple[tuple[str, str], ...] = (),
) -> ProofRequest:
    """The request for the finding of that name. `host` None is the first of the finding's hosts
    that is among the settings; `contexts` are looked through before the builds of the settings.
    Raises `NoExperiment`."""
    case = case_of(document, store)
    if case is None:
        raise NoExperiment(f"the Dockerfile of audit {document.audit} is not known")
    if document.build.fetched is not None:
        raise NoExperiment(
            f"an experiment builds from a folder, for which COPY . has another key than for "
            f"{document.build.fetched}: clone or unpack that, audit the folder, and prove there"
        )
    finding = _finding(document, store, case, name)
    named = document.build.builder
    known = {one.name: with_builder(one, named) for one in settings.hosts}
    builds, unread = list(contexts), []
    for build in settings.builds.values():
        if build.name == document.build.name:
            try:
                builds.append(with_source(build))
            except ConfigError as error:
                unread.append(str(error))
    return ProofRequest(
        case=case,
        finding=finding,
        host=_host(finding, known, host),
        hosts=known,
        contexts=tuple(builds),
        unread=tuple(unread),
        given=given,
    )


def _finding(document: Document, store: Store, case: Case, name: str) -> Finding:
    """The finding of that name, as it was before any experiment: one that was withdrawn can be
    asked about again."""
    findings = why(document, store, settled=False).findings
    matches = [finding for finding in findings if finding.name == name]
    matches = matches or [finding for finding in findings if is_named(case, finding, name)]
    if len(matches) == 1:
        return matches[0]
    names = ", ".join(finding.name for finding in matches or findings) or "none"
    what = f"{len(matches)} findings are of {name}" if matches else f"no finding is named {name!r}"
    raise NoExperiment(f"{what} in audit {document.audit}; its findings: {names}")


def is_named(case: Case, finding: Finding, name: str) -> bool:
    """Whether a finding is of the rule that is named, and has the line that the name ends in, if
    any: a cause that several lines show is named after the first."""
    rule, colon, line = name.partition(":")
    if finding.id != rule or not colon:
        return finding.id == rule
    items = (case.instruction(StepId(step.stage_index, step.index)) for step in finding.steps)
    return line in {str(item.line) for item in items if item is not None}


def _host(finding: Finding, known: dict[str, HostSettings], wanted: str | None) -> HostSettings:
    if wanted is not None:
        if wanted not in finding.hosts:
            raise NoExperiment(
                f"{finding.name} is about {host_names(finding.hosts)}, not about {wanted}"
            )
        if wanted not in known:
            raise NoExperiment(f"hosts.toml has no host {wanted}; it has {host_names(list(known))}")
        return known[wanted]
    settings = next((known[name] for name in finding.hosts if name in known), None)
    if settings is None:
        raise NoExperiment(
            f"{finding.name} is about {host_names(finding.hosts)}, and hosts.toml has none of them"
        )
    return settings
