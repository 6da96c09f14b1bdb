"""A fleet as a new user has it: another umask here, an older base image there, a date in a LABEL.

On real engines: each of the three is found, on the host that has it, and nothing else is blamed.
"""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import tarfile
import time
from pathlib import Path

import pytest

from cachetui.core import Core
from cachetui.findings import Finding
from cachetui.records.document import Document
from cachetui.report.audit_report import AuditReport, log_tail_of
from cachetui.report.formats.table import render
from tests.findings.making import only
from tests.lab import Lab
from tests.lab.base import share_image
from tests.surprises.stage import Stage

pytestmark = pytest.mark.lab

DOCKERFILE = """\
FROM shop-@SALT@:1
LABEL org.opencontainers.image.created="2026-11-24"
WORKDIR /app
COPY requirements.txt .
RUN sleep 1 && echo installed @SALT@ > installed
COPY src src
RUN sleep 0.5 && cat src/* installed > all
CMD ["cat", "/app/all"]
"""
WEEK = 7 * 86400
UMASK, DRIFT, LABEL = "context-mode-only", "base-drift", "legacy-metadata-invalidates"


@pytest.fixture
def fleet(lab: Lab, tmp_path: Path) -> Stage:
    """Four hosts that have built the shop yesterday, each from a checkout of its own."""
    source = tmp_path / "shop"
    (source / "src").mkdir(parents=True)
    (source / "Dockerfile").write_text(DOCKERFILE)
    (source / "requirements.txt").write_text("flask @SALT@\n")
    (source / "src" / "app.py").write_text("print('shop')\n")
    (source / "src" / "shop.py").write_text("goods = []\n")
    stage = Stage(lab, source, tmp_path)
    tag = f"shop-{stage.salt}:1"
    lab["old"].import_base(tag, {"etc/release": b"today"})
    share_image(tag, lab["old"].engine, [lab[name].engine for name in ("mid", "ctd")])
    lab["old"].import_base("aged:1", {"etc/release": b"last week"})
    lab["new"].docker("load", input=aged(lab["old"].docker("save", "aged:1").stdout, tag))
    lab["old"].docker("rmi", "aged:1")
    for name in stage.hosts:
        folder = lab[name].dir / f"checkout-{stage.salt}"
        shutil.copytree(stage.build, folder)
        for path in folder.rglob("*"):
            loose = 0o020 if name == "mid" else 0
            path.chmod((0o755 if path.is_dir() else 0o644) | loose)
        stage.host_settings[name] = {"context_on_host": str(folder)}
        for backend in ("legacy", "buildkit"):
            stage.typed(backend=backend, hosts=[name], folder=folder)
    stage.edit("Dockerfile", "2026-11-24", "2026-11-25")
    return stage


def aged(image: bytes, tag: str) -> bytes:
    """A saved image under another tag and made a week ago."""
    out = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(image)) as old, tarfile.open(fileobj=out, mode="w") as new:
        files = {member.name: old.extractfile(member) for member in old if member.isfile()}
        data = {name: file.read() for name, file in files.items() if file is not None}
        (manifest,) = json.loads(data.pop("manifest.json"))
        config = json.loads(data.pop(manifest["Config"]))
        config["created"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - WEEK))
        text = json.dumps(config).encode()
        manifest |= {"Config": f"{hashlib.sha256(text).hexdigest()}.json", "RepoTags": [tag]}
        data = {name: body for name, body in data.items() if name in manifest["Layers"]}
        data |= {manifest["Config"]: text, "manifest.json": json.dumps([manifest]).encode()}
        for name, body in data.items():
            info = tarfile.TarInfo(name)
            info.size = len(body)
            new.addfile(info, io.BytesIO(body))
    return out.getvalue()


def told(core: Core, document: Document) -> str:
    return render(
        AuditReport(
            document=document,
            findings=core.findings(document),
            log_tail=log_tail_of(core.store),
            width=100,
        )
    )


@pytest.mark.takes_turns
def test_three_findings_each_right(fleet: Stage) -> None:
    document = fleet.audit("legacy-as-found", "buildkit-as-found")
    found = fleet.core.findings(document)
    table = told(fleet.core, document)
    print(table)
    sure = [one for one in found.findings if one.confidence != "possible"]
    assert {one.id for one in sure} == {UMASK, DRIFT, LABEL}, table
    assert found.unexplained == (), table

    umask = only(found, UMASK)
    assert umask.hosts == ("mid",)
    assert set(umask.backends) == {"buildkit", "legacy"}
    assert "umask 022" in umask.advice
    one_or_more = (f"chmod g-w {fleet.lab['mid'].dir}/", f"cd {fleet.lab['mid'].dir} && chmod g-w")
    assert any(change in umask.advice.replace("-R ", "") for change in one_or_more)
    assert line_of(umask, document) == "COPY requirements.txt ."

    drift = only(found, DRIFT)
    assert drift.hosts == ("new",)
    assert drift.confidence == "proved"
    week_ago = time.strftime("%Y-%m-%d", time.gmtime(time.time() - WEEK))
    assert any(week_ago in one.text for one in drift.evidence)
    assert any("docker save" in command for command in drift.commands)

    label = only(found, LABEL)
    assert label.hosts == fleet.hosts
    assert label.backends == ("legacy",)
    assert label.confidence == "proved", "the engines' images have the steps behind another LABEL"
    assert len(label.consequences) == 6
    assert "line 2" in label.advice
    assert label.seconds is not None
    assert "1 step, and 6 more because of it" in table


def line_of(finding: Finding, document: Document) -> str:
    place = finding.steps[0]
    return next(
        step.instruction
        for step in document.runs[0].steps
        if (step.stage_index, step.index) == (place.stage_index, place.index)
    )
