"""What a host's caches and images say, without the values of this audit's build."""

from __future__ import annotations

from msgspec.structs import replace

from cachetui.audit.redact import Redactor
from cachetui.records.host import HostEvidence, LegacyChain


def redact_evidence(evidence: HostEvidence, redactor: Redactor) -> HostEvidence:
    """The evidence as it may be kept. The builders put values of ARGs into what made an image
    (moby builder/dockerfile/dispatchers.go: LABEL and the like are expanded) and into the
    description of a cache record."""
    if not redactor.active:
        return evidence
    cache = evidence.cache
    return replace(
        evidence,
        legacy=None if evidence.legacy is None else _chains(evidence.legacy, redactor),
        pulled=_chains(evidence.pulled, redactor),
        cache=cache
        and tuple(
            replace(entry, description=redactor.string(entry.description)) for entry in cache
        ),
    )


def _chains(chains: tuple[LegacyChain, ...], redactor: Redactor) -> tuple[LegacyChain, ...]:
    return tuple(
        replace(chain, made_by=tuple(_line(line, redactor) for line in chain.made_by))
        for chain in chains
    )


def _line(line: str, redactor: Redactor) -> str:
    """A line as `history_line.kept` gives it: of a RUN there are digests alone."""
    if line.startswith("RUN "):
        return line
    data = line.encode("utf-8", "surrogateescape")
    return redactor.image(data).decode("utf-8", "replace")
