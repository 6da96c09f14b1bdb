"""Run audits against the lab, in-process, for tests."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

import msgspec

from cachetui.audit.audit import Audit
from cachetui.config import hosts_toml as config
from cachetui.config.settings import folder_build
from cachetui.core import Core, Options
from cachetui.records.document import Document
from cachetui.records.run import Run
from cachetui.records.step import Step
from cachetui.store.database import Store
from tests.lab import Lab
from tests.lab.host import Host


def core_of(lab: Lab, store: Path) -> Core:
    """A core over the lab's hosts, keeping results below `store`."""
    return Core(config.load(lab.hosts_toml), Store(store))


def prepare(core: Core, build: Path, hosts: Sequence[str] = (), **options: object) -> Audit:
    """An audit of a folder on the named hosts (none: all), with `--network=none`."""
    of_build = ("target", "build_args", "docker_args", "builder")
    changes = {key: options.pop(key) for key in of_build if key in options}
    settings = msgspec.structs.replace(folder_build(build), network="none", **changes)
    chosen = [host for host in core.settings.hosts if not hosts or host.name in hosts]
    return core.prepare(settings, chosen, Options(**options))  # type: ignore[arg-type]


def audit(core: Core, build: Path, hosts: Sequence[str] = (), **options: object) -> Document:
    """The document of such an audit."""
    return prepare(core, build, hosts, **options).run()


def typed(host: Host, build: Path, backend: str, *options: str) -> str:
    """What `docker build` says that the user of the host types, with `--network=none`."""
    env = {"DOCKER_BUILDKIT": "1" if backend == "buildkit" else "0", "BUILDKIT_PROGRESS": "plain"}
    done = subprocess.run(
        [host.engine.bin / "docker", "build", "--network=none", *options, str(build)],
        env={**os.environ, **host.engine.env, **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, f"{host.name}: {done.stdout}"
    return done.stdout


def typed_hits(said: str) -> list[str]:
    """The instructions that hit, sorted, by what `docker build` printed with either builder.

    Without FROM: where two stages begin at once, BuildKit prints CACHED of it or does not, as it
    happens.
    """
    names = dict(re.findall(r"^(#\d+) \[.*?\] ((?!FROM )[A-Z]+ .*)$", said, re.MULTILINE))
    cached = re.findall(r"^(#\d+) CACHED$", said, re.MULTILINE)
    legacy = r"^Step \S+ : ((?!FROM )[A-Z]+ .*)\n ---> Using cache"
    hits = [names[number] for number in cached if number in names]
    return sorted(hits + re.findall(legacy, said, re.MULTILINE))


def run_of(document: Document, host: str, scenario: str, repeat: int = 1) -> Run:
    """The run of that host and scenario."""
    found = [
        run
        for run in document.runs
        if (run.host, run.scenario, run.repeat) == (host, scenario, repeat)
    ]
    assert len(found) == 1, f"{host} {scenario}: {len(found)} runs; {document.hosts}"
    return found[0]


def statuses(run: Run) -> list[tuple[str, str]]:
    """(keyword, status) of each step."""
    return [(step.keyword, step.status) for step in run.steps]


def step_at(run: Run, keyword: str, occurrence: int = 0) -> Step:
    """The n-th step of that keyword."""
    return [step for step in run.steps if step.keyword == keyword][occurrence]


def log_of(store: Store, run: Run, step: Step) -> str:
    """A step's kept log."""
    log = store.log(run.id)
    assert log is not None
    with log:
        return "\n".join(line.text for line in log.step(step.id))
