"""After every fault that is tried on real engines, each host is as it was before."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import pytest

from tests.lab import Lab
from tests.lab.host import Host
from tests.lab.machine import Entry, process_table
from tests.lab.state import State

QUIET_SECONDS = 10.0
"""How long a host may take until nothing of a build runs on it any more."""


@dataclass(frozen=True)
class Look:
    """A host at a time: what is on it, and what builds run there."""

    state: State
    processes: tuple[str, ...] = ()

    @classmethod
    def at(cls, host: Host, table: Mapping[int, Entry]) -> Look:
        return cls(State.of(host), tuple(one.cmdline for one in host.processes(table)))

    def changes(self, before: Look) -> list[str]:
        """A line for each. Whole build contexts are left out: they stay for later audits, which
        the report tells, and `cachetui clean` removes them. So it may everything else of ours."""
        now, then = (
            replace(one.state, folder=tuple(one.state.unfinished)) for one in (self, before)
        )
        lines = [one for one in now.changes(then) if not one.startswith("gone from folder: ")]
        return lines + [f"runs: {line}" for line in self.processes if line not in before.processes]

    @property
    def _kept(self) -> State:
        return replace(self.state, folder=tuple(self.state.unfinished))


def look_at(lab: Lab) -> dict[str, Look]:
    """All hosts of the lab that are up."""
    table = process_table()
    hosts = [host for host in lab.hosts.values() if host.engine.runs_by(table)]
    return {host.name: Look.at(host, table) for host in hosts}


def changes(lab: Lab, before: dict[str, Look]) -> list[str]:
    """What differs on the hosts once they are quiet, a line each."""
    deadline = time.monotonic() + QUIET_SECONDS
    while True:
        now = look_at(lab)
        lines = [f"{name}: is down" for name in before if name not in now]
        for name, look in now.items():
            if name in before:
                lines += [f"{name}: {line}" for line in look.changes(before[name])]
        if not lines or time.monotonic() > deadline:
            return lines
        time.sleep(0.2)


@pytest.fixture
def others_images_go(lab: Lab) -> Iterator[None]:
    """What a test builds as somebody else is gone in the end."""
    before = look_at(lab)
    yield
    for name, look in before.items():
        _remove_new(lab[name], look.state)


def _remove_new(host: Host, before: State) -> None:
    """Containers and images that are not of `before`; one that others stand on goes after these."""
    now = State.of(host)
    containers = [one.split()[0] for one in now.containers - before.containers]
    if containers:
        host.docker("rm", "-f", *containers, check=False)
    images = now.images - before.images
    while images:
        host.docker("rmi", "-f", *images, check=False)
        left = State.of(host).images - before.images
        if left == images:
            return  # the look at the host tells
        images = left


@pytest.fixture(autouse=True)
def as_before(request: pytest.FixtureRequest) -> Iterator[None]:
    """A test of a fault on real engines leaves `docker ps`, `docker images -a`, processes and
    cachetui's folder on each host as they were."""
    node = request.node
    marks = [node.get_closest_marker(name) for name in ("fault", "lab")]
    if None in marks:
        yield
        return
    lab: Lab = request.getfixturevalue("lab")
    before = look_at(lab)
    yield
    lines = changes(lab, before)
    assert not lines, "\n".join(lines)
