"""A folder in --build-context is read, sent and compared as the build context is."""

from __future__ import annotations

from pathlib import Path

import pytest

from cachetui.audit.findings_of import why
from cachetui.core import Core
from cachetui.records.document import Document
from tests.audit.test_audit_lab import HOSTS, own_build
from tests.audits import audit, core_of, log_of, run_of, step_at, typed_hits
from tests.lab import Lab
from tests.sample_builds import checkout
from tests.surprises.stage import Stage

pytestmark = pytest.mark.lab

WITH = ("mid", "new", "ctd")
"""Hosts whose client knows the option."""
SAME_TIME = 1_760_000_000
DOCKERFILE = """\
FROM base:1
COPY --from=data conf /conf
COPY --from=data . /m
RUN cat /conf /m/sub/more && ls -A /m
"""
MOUNT = "RUN --mount=type=bind,from=data,target=/b ls -A /b && echo @SALT@\n"
FOUND = "buildkit-as-found"


def service(folder: Path, name: str) -> Path:
    """A checkout with the build in `app` and a context beside it in `data`."""
    files = {
        "app/Dockerfile": DOCKERFILE,
        "data/conf": f"conf of {name}\n",
        "data/sub/more": f"more of {name}\n",
        "data/left.log": "left out\n",
        "data/.dockerignore": "*.log\n",
    }
    return checkout(folder, files, SAME_TIME)


def build(core: Core, folder: Path, *scenarios: str) -> Document:
    args = ("--build-context", "data=../data")
    return audit(core, folder / "app", scenarios=scenarios, docker_args=args, fresh=True)


def of(name: str) -> list[str]:
    return [f"conf of {name}", f"more of {name}"]


@pytest.fixture
def core(lab: Lab, tmp_path: Path) -> Core:
    return core_of(lab, tmp_path / "store")


@pytest.mark.takes_turns
def test_each_build_gets_its_own_files_and_the_user_theirs(
    lab: Lab, core: Core, tmp_path: Path
) -> None:
    """Three checkouts that differ in nothing but bytes, one of them the user's."""
    user = service(tmp_path / "user", "mine!")
    option = ("--build-context", f"data={user / 'data'}")
    for host in WITH:
        said = own_build(lab[host], user / "app", "buildkit", *option)
        assert all(line in said for line in of("mine!")), said
    for name in ("alpha", "omega"):
        document = build(core, service(tmp_path / name, name), "legacy-cold", "buildkit-cold")
        for host in HOSTS:
            legacy = run_of(document, host, "legacy-cold")
            assert (legacy.status, legacy.reason) == (
                "unsupported",
                "unknown flag: --build-context",
            )
            run = run_of(document, host, "buildkit-cold")
            if host not in WITH:
                assert (run.status, run.reason) == ("unsupported", "unknown flag: --build-context")
                continue
            assert run.status == "ok", run.reason
            said = log_of(core.store, run, step_at(run, "RUN"))
            assert all(line in said for line in of(name)), (host, said)
            assert ".dockerignore" in said
            assert "left.log" not in said
        assert {report.left_behind_images for report in document.hosts} == {0}
    for host in WITH:
        said = own_build(lab[host], user / "app", "buildkit", *option)
        assert len(typed_hits(said)) >= 3, said
        said = own_build(lab[host], user / "app", "buildkit", "--no-cache", *option)
        assert all(line in said for line in of("mine!")), said


@pytest.mark.takes_turns
def test_a_changed_file_is_told_with_the_name_of_its_context(lab: Lab, tmp_path: Path) -> None:
    source = service(tmp_path / "source", "one")
    (source / "app" / "Dockerfile").write_text(DOCKERFILE + MOUNT)
    stage = Stage(lab, source / "app", tmp_path / "stage", hosts=WITH)
    data = source / "data"
    stage.settings["docker_args"] = ("--build-context", f"data={data}")
    stage.audit(FOUND)
    (data / "left.log").write_text("an excluded file is another\n")
    assert missed(stage.audit(FOUND)) == set()
    (data / "conf").write_text("conf of two\n")
    document = stage.audit(FOUND)
    assert missed(document) == {(host, keyword) for host in WITH for keyword in ("COPY", "RUN")}
    found = why(document, stage.core.store)
    assert {one.id for one in found.findings} == {"context-content"}
    assert {one.confidence for one in found.findings} == {"proved"}
    assert all("named context data: conf" in one.title for one in found.findings)
    assert found.unexplained == ()


def missed(document: Document) -> set[tuple[str, str]]:
    for run in document.runs:
        assert run.status == "ok", run.reason
    return {
        (run.host, step.keyword)
        for run in document.runs
        for step in run.steps
        if step.status == "miss" and step.keyword != "FROM"
    }
