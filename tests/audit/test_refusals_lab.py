"""What a builder does not know and another does is unsupported, in the engine's own words."""

from __future__ import annotations

from pathlib import Path

import pytest

from cachetui.core import Core
from cachetui.dockerfile.parse import parse
from cachetui.findings import explain_audit
from cachetui.records.document import Document
from tests.audits import audit, core_of
from tests.lab import Lab

pytestmark = pytest.mark.lab

HOSTS = ("old", "mid", "new", "ctd")
COLD = ("legacy-cold", "buildkit-cold")


@pytest.fixture(scope="module")
def core(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Core:
    return core_of(lab, tmp_path_factory.mktemp("store"))


def made(core: Core, folder: Path, text: str, *args: str) -> Document:
    (folder / "Dockerfile").write_text(text)
    return audit(core, folder, HOSTS, scenarios=COLD, docker_args=args)


def ended(document: Document, scenario: str) -> dict[str, str]:
    return {run.host: run.status for run in document.runs if run.scenario == scenario}


PLAIN = "FROM base:1\nRUN true\n"


def test_options_that_only_buildkit_has(core: Core, tmp_path: Path) -> None:
    document = made(core, tmp_path, PLAIN, "--build-context", "extra=docker-image://base:1")
    assert set(ended(document, "legacy-cold").values()) == {"unsupported"}
    assert ended(document, "buildkit-cold") == {
        "old": "unsupported",  # its client has no buildx
        "mid": "ok",
        "new": "ok",
        "ctd": "ok",
    }
    reasons = {run.reason for run in document.runs if run.status == "unsupported"}
    assert reasons == {"unknown flag: --build-context"}
    steps = [step for run in document.runs if run.reason for step in run.steps]
    assert {step.status for step in steps} == {"unsupported"}
    found = explain_audit(document, dockerfile=parse(PLAIN)).findings
    (finding,) = [finding for finding in found if finding.id == "engine-differs"]
    assert finding.hosts == ("old",)
    assert "with these docker_args (unknown flag: --build-context)" in finding.title


def test_a_key_of_a_mount_that_older_engines_do_not_know(core: Core, tmp_path: Path) -> None:
    text = "FROM base:1\nRUN --mount=type=secret,id=s,env=S true\n"
    document = made(core, tmp_path, text)
    assert ended(document, "buildkit-cold") == {
        "old": "unsupported",
        "mid": "unsupported",
        "new": "ok",
        "ctd": "ok",
    }
    found = explain_audit(document, dockerfile=parse(text)).findings
    (finding,) = [finding for finding in found if finding.id == "engine-differs"]
    assert finding.hosts == ("old", "mid")
    assert finding.name == "engine-differs:2"
