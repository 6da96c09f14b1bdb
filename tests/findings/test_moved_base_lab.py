"""A base image that moved is told of a builder that no earlier audit ran, on real engines."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from cachetui.audit.findings_of import why
from cachetui.core import Core
from cachetui.records.document import Document
from tests.audit.test_audit_lab import HOSTS, own_build
from tests.audits import audit, core_of
from tests.lab import Lab

pytestmark = pytest.mark.lab


@pytest.mark.takes_turns
@pytest.mark.parametrize(
    ("audited", "asked", "confidence"),
    [("buildkit", "legacy", "proved"), ("legacy", "buildkit", "likely")],
)
def test_the_other_builders_audit_knows_what_the_image_was(
    lab: Lab, tmp_path: Path, audited: str, asked: str, confidence: str
) -> None:
    core = core_of(lab, tmp_path / "store")
    salt = str(time.time_ns())
    ref = f"moved-{salt}:1"
    build = tmp_path / "build"
    build.mkdir()
    (build / "Dockerfile").write_text(f"FROM {ref}\nRUN echo {salt}\n")
    for host in HOSTS:
        lab[host].import_base(ref, {"made": b"before"})
        own_build(lab[host], build, asked)
    audit(core, build, scenarios=(f"{audited}-as-found",))
    for host in HOSTS:
        lab[host].import_base(ref, {"made": b"now"})
    document = audit(core, build, scenarios=(f"{asked}-as-found",))
    assert _drift(core, document) == {(host, asked, confidence) for host in HOSTS}
    for host in HOSTS:
        lab[host].docker("rmi", "-f", ref, check=False)


def _drift(core: Core, document: Document) -> set[tuple[str, str, str]]:
    return {
        (host, backend, finding.confidence)
        for finding in why(document, core.store).findings
        if finding.id == "base-drift" and finding.scenarios
        for host in finding.hosts
        for backend in finding.backends
    }
