"""What an audit leaves that could not tidy up is told and removed later; nothing else is."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cachetui.report.passages import passages
from tests.audit.test_stopping_lab import HOSTS, Command, asleep, until, until_quiet
from tests.audits import audit, core_of, prepare
from tests.lab import Lab
from tests.lab.host import Host
from tests.lab.state import State
from tests.sample_builds import folder

# Thorough: four engines are made to end their builds at once, which other tests beside them delay.
pytestmark = [
    pytest.mark.lab,
    pytest.mark.thorough,
    pytest.mark.usefixtures("others_images_go"),
]

STEPS = """\
FROM base:1 AS tool
COPY src.txt /tool
RUN echo {salt} tool && sleep 0.7
FROM base:1
LABEL a=b
COPY src.txt /src
RUN echo {salt} one && sleep 0.7
COPY --from=tool /tool /tool
RUN --network=none echo {salt} two && sleep 0.7
"""
LEGACY_STEPS = STEPS.replace("RUN --network=none", "RUN")
ASLEEP = LEGACY_STEPS + "RUN echo {salt} three && trap '' TERM && sleep 600\nCOPY src.txt /last\n"


LEASE_SECONDS = 110.0
"""A lease ends 90 s after its last renewal; most of these soon after their build was ended."""


@pytest.fixture(autouse=True)
def tags_of_users_are_gone(lab: Lab) -> Iterator[None]:
    """What stands for a user's own image goes in the end, so that other tests do not find it."""
    yield
    for name in HOSTS:
        lab[name].docker("rmi", "-f", "cachetui:latest", "user:1", check=False)


def clean(lab: Lab, store: Path, *more: str) -> subprocess.CompletedProcess[str]:
    """`cachetui clean`, once the leases of killed audits have ended."""
    deadline = time.monotonic() + LEASE_SECONDS
    while True:
        done = subprocess.run(
            [
                *(sys.executable, "-m", "cachetui", "clean", "--hosts", str(lab.hosts_toml)),
                *("--store", str(store), *more),
            ],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if "is at work on this engine" not in done.stderr or time.monotonic() > deadline:
            assert done.returncode == 0, done.stdout + done.stderr
            return done
        time.sleep(2)


def users_build(host: Host, build: Path, tag: str) -> str:
    """The user's own legacy build: what it says of each step."""
    done = subprocess.run(
        ["docker", "build", "--network=none", "-t", tag, str(build)],
        env={**os.environ, **host.engine.env, "DOCKER_BUILDKIT": "0"},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return done.stdout


STAGES = [None, 0.0, 0.5, 1.2, 2.2]


@pytest.mark.fault("left-by-killed")
@pytest.mark.parametrize("kind", ["legacy-cold", "buildkit-cold"])
@pytest.mark.parametrize("seconds", STAGES)
def test_what_a_killed_audit_left_is_cleaned_up(
    lab: Lab, tmp_path: Path, kind: str, seconds: float | None
) -> None:
    """Killed while a RUN step is asleep, or that long after the build has begun."""
    salt = f"{random.random()}"
    users = folder(tmp_path / "user", LEGACY_STEPS.format(salt=salt))
    build = folder(tmp_path / "b", (ASLEEP if seconds is None else LEGACY_STEPS).format(salt=salt))
    clean(lab, tmp_path / "s", "--yes")

    def kill_one(name: str) -> State:
        host = lab[name]
        users_build(host, users, "user:1")
        host.docker("tag", "base:1", "cachetui:latest")
        before = State.of(host)
        with Command(lab, build, tmp_path / "s", kind, name) as process:
            until(lambda: begun(host, seconds), 60, "the build is where it is to be")
            time.sleep(seconds or 0.0)
            os.kill(process.pid, signal.SIGKILL)
        until_quiet(host, seconds=30)
        time.sleep(1)
        return before

    with ThreadPoolExecutor(4) as pool:
        before = dict(zip(HOSTS, pool.map(kill_one, HOSTS), strict=True))
    left = {name: State.of(lab[name]) for name in HOSTS}
    said = clean(lab, tmp_path / "s", "--yes")
    for name in HOSTS:
        assert State.of(lab[name]) == before[name], (name, said.stdout)
        assert users_build(lab[name], users, "user:1").count("Using cache") == 7
        if kind == "legacy-cold" and seconds is None:
            assert len(left[name].images - before[name].images) == 7
        lab[name].docker("rmi", "cachetui:latest")
    assert "nothing" in clean(lab, tmp_path / "s", "--yes").stderr


def begun(host: Host, seconds: float | None) -> bool:
    if seconds is None:
        return asleep(host)
    return any("docker build" in process.cmdline for process in host.processes())


@pytest.mark.fault("left-unknown")
@pytest.mark.parametrize("way", ["clean", "the next audit"])
def test_what_a_lost_host_has_is_not_said_to_be_nothing(lab: Lab, tmp_path: Path, way: str) -> None:
    core = core_of(lab, tmp_path / "s")
    salt = f"{random.random()}"
    build = folder(tmp_path / "b", ASLEEP.format(salt=salt))
    clean(lab, tmp_path / "s", "--yes")
    before = {name: State.of(lab[name]) for name in HOSTS}
    going = prepare(core, build, HOSTS, scenarios=("legacy-cold",))
    thread = threading.Thread(target=going.run, daemon=True)
    thread.start()
    until(lambda: all(asleep(lab[name]) for name in HOSTS), 60, "the RUN steps begin")
    for name in HOSTS:
        lab[name].stop_sshd()
    thread.join(40)
    for name in HOSTS:
        lab[name].start_sshd()
    document = going.document()
    (said,) = [p.lines for p in passages(document) if p.heading == "Left behind on the hosts"]
    assert re.fullmatch(r"unknown on old,mid,new,ctd: not asked since \d.* UTC; .*", said[0])
    assert len(said) == 2
    assert said[1].startswith("the build context (")
    assert "on old,mid,new,ctd" in said[1]
    assert all(host.not_asked_since is not None for host in document.hosts)
    if way == "clean":
        shown = clean(lab, tmp_path / "s", "--yes").stdout
        assert all(shown.count(f"{name}: image sha256:") == 7 for name in HOSTS), shown
    else:
        other = folder(tmp_path / "other", f"FROM base:1\nRUN echo {salt}\n")
        after = audit(core, other, HOSTS, scenarios=("legacy-cold",))
        assert all(host.not_asked_since is None for host in after.hosts), after.hosts
        for name in HOSTS:
            removed = f"{name}: removed what audit {document.audit} had left: image sha256:"
            assert any(note.startswith(removed) for note in after.notes), after.notes
        clean(lab, tmp_path / "s", "--yes")  # the folders of both contexts
    for name in HOSTS:
        assert State.of(lab[name]) == before[name]
