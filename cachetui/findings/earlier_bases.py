"""What a base image's name meant on a host in earlier audits, whatever builder they ran."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cachetui.findings.case import Case
from cachetui.records.host import HostReport


@dataclass(frozen=True, slots=True)
class EarlierBase:
    """The image that a reference named on the host in `audit`: its ID and layers, as far as they
    are known."""

    audit: str
    id: str | None
    layers: tuple[str, ...] | None


def earlier_bases(case: Case, host: str, ref: str) -> list[EarlierBase]:
    """Images that the reference named on the host and no longer does, newest first; none where
    what it names now is not known."""
    now = case.hosts.get(host)
    current = _base(now, ref, "") if now is not None else None
    if current is None or current.id is None:
        return []
    found: list[EarlierBase] = []
    for document in case.earlier:
        for report in document.hosts:
            base = _base(report, ref, document.audit) if report.name == host else None
            if base is not None and base.id not in (None, current.id):
                found.append(base)
    return found


def moved_layers(case: Case, host: str, ref: str) -> Iterator[EarlierBase]:
    """Those of them whose layers are known to be others than those of today's image."""
    now = case.hosts.get(host)
    layers = _layers(now, ref)
    for base in earlier_bases(case, host, ref):
        if layers is not None and base.layers is not None and base.layers != layers:
            yield base


def _base(report: HostReport, ref: str, audit: str) -> EarlierBase | None:
    images = report.evidence.bases if report.evidence else ()
    identity = next((image.id for image in images if image.ref == ref), None)
    layers = _layers(report, ref)
    return EarlierBase(audit, identity, layers) if identity or layers else None


def _layers(report: HostReport | None, ref: str) -> tuple[str, ...] | None:
    return report.facts.bases.get(ref) if report is not None and report.facts else None
