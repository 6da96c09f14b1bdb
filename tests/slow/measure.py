"""Write the list of slow tests from what a run of all tests took (`make slow-tests`).

What counts is CPU time, also that of processes that a test started: unlike the seconds on the clock
it is about the same on a busy machine. What a fixture of several tests took is shared among them:
where all of them are left out, so is it. And a test that waits long keeps a worker from others.
"""

from __future__ import annotations

import os
import time
from collections import Counter, defaultdict
from collections.abc import Generator, Mapping, Sequence
from typing import NamedTuple

import psutil
import pytest

from tests.slow import names

LIMIT = 0.1
"""Seconds of CPU; a test that takes more, with any of its parameters, is slow."""
CLOCK_LIMIT = 2.0
"""Seconds on the clock; so is a test that takes more, measured on a machine with nothing else to
do."""

PROPERTY = "took"


class Took(NamedTuple):
    """What one test took without its shared fixtures: seconds of CPU and on the clock. `shared` are
    the names of those fixtures."""

    cpu: float
    clock: float
    shared: Sequence[str] = ()


class _Begin(NamedTuple):
    cpu: float
    clock: float
    set_up: float


_BEGIN = pytest.StashKey[_Begin]()
_SET_UP: defaultdict[str, float] = defaultdict(float)
"""In a worker: seconds of CPU that shared fixtures took, by name."""
_TESTS: list[tuple[str, Took]] = []
_FIXTURES: dict[str, dict[str, float]] = {}
"""In the process that reports: the same of each worker."""


def _cpu_seconds() -> float:
    """What this process, its ended children and the processes below it have used so far."""
    times = os.times()
    seconds = times.user + times.system + times.children_user + times.children_system
    for process in psutil.Process().children(recursive=True):
        try:
            used = process.cpu_times()
        except psutil.Error:
            continue
        seconds += used.user + used.system + used.children_user + used.children_system
    return seconds


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    item.stash[_BEGIN] = _Begin(_cpu_seconds(), time.monotonic(), sum(_SET_UP.values()))
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[object]) -> Generator[None, object, object]:
    begin = _cpu_seconds()
    try:
        return (yield)
    finally:
        if fixturedef.scope != "function":
            _SET_UP[f"{fixturedef.baseid}::{fixturedef.argname}"] += _cpu_seconds() - begin


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, object]:
    """The last report of a test takes the figures along, also from a worker of pytest-xdist."""
    report = yield
    if report.when == "teardown":
        begin = item.stash[_BEGIN]
        cpu = _cpu_seconds() - begin.cpu - (sum(_SET_UP.values()) - begin.set_up)
        used = [name for name in _SET_UP if _uses(item, name)]
        took = (cpu, time.monotonic() - begin.clock, used)
        report.user_properties.append((PROPERTY, (*took, os.getpid(), dict(_SET_UP))))
    return report


def _uses(item: pytest.Item, name: str) -> bool:
    place, _, fixture = name.rpartition("::")
    return fixture in getattr(item, "fixturenames", ()) and item.nodeid.startswith(place)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    for name, value in report.user_properties:
        if name == PROPERTY and report.when == "teardown":
            cpu, clock, shared, worker, fixtures = value  # type: ignore[misc]
            _TESTS.append((report.nodeid, Took(cpu, clock, shared)))  # type: ignore[has-type]
            _FIXTURES[worker] = fixtures  # type: ignore[has-type]


def slow(tests: Sequence[tuple[str, Took]], fixtures: Mapping[str, float]) -> list[str]:
    """The names of those that took more than a limit, by the ids of tests. `fixtures` has what
    each shared fixture took, in seconds of CPU."""
    users = Counter(name for _, took in tests for name in took.shared)
    found: set[str] = set()
    for test, took in tests:
        share = sum((fixtures[name] / users[name] for name in took.shared), 0.0)
        if took.cpu + share > LIMIT or took.clock > CLOCK_LIMIT:
            found.add(names.name_of(test))
    return sorted(found)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not _TESTS:  # a worker
        return
    fixtures: defaultdict[str, float] = defaultdict(float)
    for taken in _FIXTURES.values():
        for name, seconds in taken.items():
            fixtures[name] += seconds
    found = slow(_TESTS, fixtures)
    names.write(found)
    terminalreporter.section("slow tests")
    number = len({names.name_of(test) for test, _ in _TESTS})
    terminalreporter.write_line(
        f"{len(found)} of {number} take more than {LIMIT} s of CPU, or {CLOCK_LIMIT} s: "
        f"{names.PLACE}"
    )
