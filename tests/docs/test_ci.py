"""The examples for CI: their shell commands run, as a job runs them, against the recorded fleet."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from msgspec.structs import replace

from cachetui.demo.fleet import Fleet
from cachetui.store.database import Store
from tests.docs.console import ROOT, Workspace

CI = ROOT / "examples" / "ci"
PIPELINES = ("github-actions.yml", "gitlab-ci.yml", "Jenkinsfile")
ARGUMENTS = {"night", "pull-request"}


@dataclass(frozen=True)
class Job:
    """A checkout on a runner, with a folder that outlives the job."""

    folder: Path

    @property
    def memory(self) -> Path:
        return self.folder / "memory"

    def sh(self, command: str, **variables: str) -> subprocess.CompletedProcess[str]:
        environment = {
            "HOME": str(self.folder),
            "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
            "MEMORY": str(self.memory),
            "BUILD": "shop",
            **variables,
        }
        return subprocess.run(
            ["sh", "-c", command],
            cwd=self.folder, env=environment, capture_output=True, text=True, check=False,
            timeout=120,
        )  # fmt: skip


@pytest.fixture
def job(fleet: Fleet, tmp_path: Path) -> Job:
    Workspace.of(fleet, tmp_path)
    shutil.copytree(CI, tmp_path / "examples" / "ci")
    return Job(tmp_path)


def commands(pipeline: str) -> list[str]:
    """The commands of a pipeline that run the script, as it has them."""
    found = re.findall(r"\bsh examples/ci/audit\.sh \S+", (CI / pipeline).read_text("utf-8"))
    return [command.strip("\"'").replace('",', "") for command in found]


def remember_hits(job: Job) -> None:
    """Make the night one in which every step hit on every host."""
    store = Store(job.memory / "store")
    night = (job.memory / "night").read_text().strip()
    document = store.audit(night)
    assert document is not None
    runs = tuple(
        replace(
            run,
            id=f"{run.id}-hit",
            status="ok",
            steps=tuple(replace(step, status="hit") if step.counts else step for step in run.steps),
        )
        for run in document.runs
    )
    for run in runs:
        store.keep_run(run)
    store.keep_audit(replace(document, audit="1-night", runs=runs))
    store.close()
    (job.memory / "night").write_text("1-night\n")


@pytest.mark.parametrize("pipeline", PIPELINES)
def test_every_pipeline_runs_the_script_at_night_and_for_pull_requests(pipeline: str) -> None:
    text = (CI / pipeline).read_text("utf-8")
    said = set(re.findall(r"audit\.sh (night|pull-request)\b", text))
    said |= set(re.findall(r"'(night|pull-request)'", text))
    assert said == ARGUMENTS
    for name in ("cachetui.html", "comment.md"):
        assert name in text, "a file that the script writes is not kept"


def test_the_night_is_remembered_and_a_pull_request_that_is_no_worse_says_nothing(
    job: Job,
) -> None:
    night, merge = (
        next(command for command in commands("github-actions.yml") if command.endswith(word))
        for word in ("night", "pull-request")
    )
    done = job.sh(night)
    assert done.returncode in (0, 1), done.stderr
    assert (job.folder / "cachetui.html").read_text().startswith("<!doctype html>")
    assert (job.folder / "cachetui.xml").read_text().startswith("<?xml")
    audit = (job.memory / "night").read_text().strip()
    assert re.fullmatch(r"\d{4}-\d{6}-[a-z]{4}", audit)
    done = job.sh(merge)
    assert done.returncode == 0, done.stderr
    assert f"not worse than {audit}" in done.stderr
    assert not (job.folder / "comment.md").exists()
    assert (job.memory / "night").read_text().strip() == audit, "a pull request is no night"


def test_a_pull_request_that_makes_a_runner_cold_says_which_and_why(job: Job) -> None:
    assert job.sh("sh examples/ci/audit.sh night").returncode in (0, 1)
    remember_hits(job)
    done = job.sh("sh examples/ci/audit.sh pull-request")
    assert done.returncode == 1, done.stderr
    comment = (job.folder / "comment.md").read_text("utf-8")
    lines = comment.splitlines()
    assert lines[0] == "## shop"
    assert lines[2] == "**✗ Worse than 1-night:**"
    assert re.match(r"- buildkit-as-found on .*ci.*: line \d+ .* hit then and missed now", lines[4])
    assert "### Why" in lines
    assert "- 1-night is the audit of 20" in comment
    assert "as docker build makes it there" in comment
    issues = json.loads((job.folder / "gl-code-quality-report.json").read_text())
    assert issues
    assert all(issue["location"]["lines"]["begin"] for issue in issues)


def test_without_a_night_nothing_is_compared_and_nothing_fails(job: Job) -> None:
    done = job.sh("sh examples/ci/audit.sh pull-request")
    assert done.returncode == 0
    assert "no night is remembered" in done.stderr
    assert not (job.folder / "comment.md").exists()


def test_without_a_hosts_toml_it_is_the_runner_itself(job: Job) -> None:
    (job.folder / "hosts.toml").unlink()
    shop = job.folder / "shop"
    shop.mkdir()
    (shop / "Dockerfile").write_text("FROM base:1\nRUN true\n")
    nowhere = f"unix://{job.folder}/no.sock"
    done = job.sh("sh examples/ci/audit.sh night", RUNNER="ci-7", DOCKER_HOST=nowhere)
    assert done.returncode == 2
    assert "ci-7" in (job.folder / "cachetui.html").read_text("utf-8")
    assert not (job.memory / "night").exists(), "a night in trouble is not remembered"


def breaking(job: Job, command: str) -> str:
    """A PATH with a cachetui that runs but for `command`, and breaks there as Python does."""
    real = Path(sys.executable).parent / "cachetui"
    bin_folder = job.folder / "broken"
    bin_folder.mkdir(exist_ok=True)
    script = bin_folder / "cachetui"
    script.write_text(
        f'#!/bin/sh\n[ "$1" = {command} ] || exec {real} "$@"\n'
        "echo 'Traceback (most recent call last):' >&2\nexit 1\n"
    )
    script.chmod(0o755)
    return f"{bin_folder}:{Path(sys.executable).parent}:/usr/bin:/bin"


@pytest.mark.parametrize("command", ["run", "show", "history"])
def test_what_breaks_is_no_night_and_not_hosts_that_differ(job: Job, command: str) -> None:
    """The report of an earlier night lies there still: it is none of this one."""
    (job.folder / "cachetui.html").write_text("of an earlier night")
    (job.folder / "cachetui.xml").write_text("of an earlier night")
    job.memory.mkdir()
    (job.memory / "night").write_text("1-earlier\n")
    path = breaking(job, command)
    done = job.sh("sh examples/ci/audit.sh night", PATH=path)
    assert done.returncode == 2, done.stderr
    assert (job.memory / "night").read_text() == "1-earlier\n"
    if command != "history":
        assert f"cachetui wrote no cachetui.{'html' if command == 'run' else 'xml'}" in done.stderr


@pytest.mark.parametrize("command", ["run", "show"])
def test_what_breaks_is_not_a_pull_request_that_makes_a_runner_cold(job: Job, command: str) -> None:
    assert job.sh("sh examples/ci/audit.sh night").returncode in (0, 1)
    remember_hits(job)
    (job.folder / "comment.md").write_text("of an earlier change")
    done = job.sh("sh examples/ci/audit.sh pull-request", PATH=breaking(job, command))
    assert done.returncode == 2, done.stderr
    assert not (job.folder / "comment.md").exists()


def test_the_script_says_how_it_is_called(job: Job) -> None:
    done = job.sh("sh examples/ci/audit.sh")
    assert (done.returncode, done.stderr) == (2, "usage: audit.sh night|pull-request\n")


def test_the_comment_is_sent_from_where_it_lies(job: Job) -> None:
    """The loop of the workflow, with a `gh` that writes down what it was given."""
    text = (CI / "github-actions.yml").read_text("utf-8")
    block = re.search(r"run: \|\n((?: {10}.*\n)+)", text)
    assert block is not None
    bin_folder = job.folder / "bin"
    bin_folder.mkdir()
    gh = bin_folder / "gh"
    gh.write_text('#!/bin/sh\necho "$@"\n')
    gh.chmod(0o755)
    for name in ("cachetui-ci-1", "cachetui-ci-2"):
        (job.folder / name).mkdir()
    (job.folder / "cachetui-ci-2" / "comment.md").write_text("cold")
    path = f"{bin_folder}:{os.environ['PATH']}"
    done = job.sh(re.sub(r"^ {10}", "", block[1], flags=re.M), NUMBER="12", PATH=path)
    assert done.stdout == "pr comment 12 --body-file cachetui-ci-2/comment.md\n"
