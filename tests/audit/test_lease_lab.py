"""Two audits, of two people, never build on one engine at once, and cleaning up harms neither."""

from __future__ import annotations

import hashlib
import random
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from tests.audit.test_left_lab import clean
from tests.audit.test_stopping_lab import Command, asleep, until, until_quiet
from tests.audits import audit, core_of, prepare
from tests.lab import Lab
from tests.lab.state import State
from tests.sample_builds import PLAIN, folder

pytestmark = pytest.mark.lab

NAMES = ("old", "ctd")
SLOW = """\
FROM base:1
COPY src.txt /src
RUN echo {salt}
RUN trap '' TERM && sleep 600
"""


@pytest.mark.fault("two-audits")
def test_an_audit_waits_for_another_and_clean_leaves_both_alone(lab: Lab, tmp_path: Path) -> None:
    slow = folder(tmp_path / "slow", SLOW.format(salt=random.random()))
    plain = folder(tmp_path / "plain", PLAIN)
    others = leases(lab)
    before = {name: State.of(lab[name]) for name in NAMES}
    first = prepare(core_of(lab, tmp_path / "one"), slow, NAMES, scenarios=("legacy-cold",))
    going = threading.Thread(target=first.run, daemon=True)
    going.start()
    until(lambda: all(asleep(lab[name]) for name in NAMES), 60, "the first is at work")
    held = f"audit {first.id} is at work on this engine"
    with Command(lab, plain, tmp_path / "two", "legacy-cold", "old,ctd") as second:
        told = lines_until(second, len(NAMES), rf"waiting: \S+@\S+, {held} since \d\d:\d\d")
        assert all(any(f" {name}: waiting" in line for line in told) for name in NAMES), told
        cleaned = clean_by_another(lab, tmp_path / "three")
        assert cleaned.returncode == 2
        assert cleaned.stderr.count(held) == len(NAMES)
        assert all(asleep(lab[name]) for name in NAMES)
        first.stop()
        going.join(30)
        out, _ = second.communicate(timeout=120)
    assert second.returncode == 0, out
    for name in NAMES:
        assert re.search(rf"{name}: waited \d+ s, as \S+@\S+, {held}", out.decode()), out
        state = State.of(lab[name])
        assert (state.images, state.tags) == (before[name].images, before[name].tags)
    assert leases(lab) <= others


@pytest.mark.takes_turns
@pytest.mark.fault("two-audits", "left-by-killed")
@pytest.mark.parametrize("stage", ["it has the lease", "it builds", "its step runs"])
def test_when_one_is_killed_the_other_goes_on(lab: Lab, tmp_path: Path, stage: str) -> None:
    """Two people, each with a store: what is left of one is no hurdle for the other."""
    name = "old"
    host = lab[name]
    clean(lab, tmp_path / "one", "--yes")
    others, before = leases(lab), State.of(host)
    reached: Callable[[], object] = {
        "it has the lease": lambda: leases(lab) - others,
        "it builds": lambda: any("docker build" in one.cmdline for one in host.processes()),
        "its step runs": lambda: asleep(host),
    }[stage]
    slow = folder(tmp_path / "slow", SLOW.format(salt=random.random()))
    with Command(lab, slow, tmp_path / "one", "legacy-cold", name) as killed:
        until(lambda: bool(reached()), 60, stage)
        killed.kill()
    begun = time.monotonic()
    plain = folder(tmp_path / "plain", PLAIN)
    document = audit(core_of(lab, tmp_path / "two"), plain, [name], scenarios=("legacy-cold",))
    assert [(run.host, run.status) for run in document.runs] == [(name, "ok")]
    assert time.monotonic() - begun < 45
    until_quiet(host, seconds=1)
    clean(lab, tmp_path / "one", "--yes")
    assert State.of(host) == before


def leases(lab: Lab) -> set[Path]:
    """Those of the two engines: other labs of this machine have theirs in the same folder."""
    engines = (
        lab[name].docker("info", "--format", "{{.ID}}@{{.Name}}").stdout.strip() for name in NAMES
    )
    digests = (hashlib.sha256(engine).hexdigest()[:16] for engine in engines)
    return {path for digest in digests for path in Path("/tmp").glob(f"cachetui-{digest}.[0-9]*")}


def clean_by_another(lab: Lab, store: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            *(sys.executable, "-m", "cachetui", "clean", "--hosts", str(lab.hosts_toml)),
            *("--store", str(store), "--yes", "-w", "old,ctd"),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def lines_until(process: subprocess.Popen[bytes], count: int, pattern: str) -> list[str]:
    """The first lines of its standard error that match."""
    found: list[str] = []
    assert process.stderr is not None
    while len(found) < count:
        line = process.stderr.readline().decode()
        assert line, "it ended"
        if re.search(pattern, line):
            found.append(line)
    return found


@pytest.mark.takes_turns
@pytest.mark.fault("not-now")
def test_no_more_builds_a_day_than_allowed(lab: Lab, tmp_path: Path) -> None:
    core = core_of(lab, tmp_path / "s")
    limited = tuple(
        msgspec.structs.replace(host, max_builds_per_day=1)
        for host in core.settings.hosts
        if host.name in NAMES
    )
    core.settings = msgspec.structs.replace(core.settings, hosts=limited)
    before = {name: State.of(lab[name]) for name in NAMES}
    scenarios = ("legacy-cold", "legacy-warm")
    document = prepare(core, folder(tmp_path / "b", PLAIN), scenarios=scenarios).run()
    assert [(run.host, run.scenario) for run in document.runs] == [
        (name, "legacy-cold") for name in NAMES
    ]
    for host in document.hosts:
        assert (host.status, host.reason) == (
            "skipped",
            "stopped: max_builds_per_day (1) is reached",
        )
        assert host.not_asked_since is None
        assert State.of(lab[host.name]).images == before[host.name].images
    again = prepare(core, folder(tmp_path / "b", PLAIN), scenarios=scenarios).run()
    assert {host.reason for host in again.hosts} == {"not asked: max_builds_per_day (1) is reached"}
