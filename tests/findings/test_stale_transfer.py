"""An image of the host's own build that has another build's file."""

from __future__ import annotations

from typing import Any

from cachetui.records.backend import Backend
from cachetui.records.host import Checkout, ForeignFile, HostEvidence, OwnImage
from tests import make_records as b
from tests.findings.making import audit, host, ids, only, run, why

TEXT = "FROM base:1\nCOPY app.conf /app.conf\n"
FILE: dict[str, Any] = {
    "stage_index": 0, "index": 1, "path": "/app.conf", "size": 11, "mtime": 1_760_000_000,
    "sha256": "a" * 64, "source": "context/app.conf", "source_sha256": "b" * 64,
    "source_mtime": 1_760_000_000,
}  # fmt: skip


def found(backend: Backend = "buildkit", **file: Any) -> list[str]:
    image = OwnImage(
        ref="api:ci", backend=backend, compared=1, foreign=(ForeignFile(**{**FILE, **file}),)
    )
    checkout = Checkout(path="/srv/omega/context", digest="sha256:d")
    evidence = HostEvidence(at=b.NOW, checkout=checkout, image=image)
    document = audit(TEXT, [run(TEXT, "h")], hosts=[host("ci-1", evidence=evidence)])
    findings = why(document)
    if "stale-transfer" in ids(findings):
        one = only(findings, "stale-transfer")
        assert one.confidence == "likely"
        assert one.title == "api:ci on ci-1 was built with another build's /app.conf"
        assert "`touch /srv/omega/context/app.conf` on ci-1" in one.advice
        assert "every folder called `context` is the same one" in one.advice
    return ids(findings)


def test_equal_size_and_time_and_other_bytes() -> None:
    assert "stale-transfer" in found()


def test_an_image_of_another_commit_has_other_times() -> None:
    assert "stale-transfer" not in found(mtime=1_750_000_000)
    assert "stale-transfer" not in found(source_mtime=None)


def test_the_legacy_builder_sends_every_file() -> None:
    assert "stale-transfer" not in found("legacy")
