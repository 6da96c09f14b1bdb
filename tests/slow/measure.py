"""Write the list of slow tests from what a run of all tests took (`make slow-tests`).

What counts is the CPU time of a test with its fixtures and of the processes that it waited for:
unlike the seconds on the clock it is about the same on a busy machine.
"""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest

from tests.slow import names

LIMIT = 0.2
"""Seconds of CPU; a test that takes more, with any of its parameters, is slow."""

PROPERTY = "cpu_seconds"
_BEGIN = pytest.StashKey[float]()
_MEASURED: dict[str, float] = {}


def _cpu_seconds() -> float:
    """What this process and its ended children have used so far."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    item.stash[_BEGIN] = _cpu_seconds()
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, object]:
    """The last report of a test takes the figure along, also from a worker of pytest-xdist."""
    report = yield
    if report.when == "teardown":
        report.user_properties.append((PROPERTY, _cpu_seconds() - item.stash[_BEGIN]))
    return report


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    for name, seconds in report.user_properties:
        if name == PROPERTY and report.when == "teardown":
            test = names.name_of(report.nodeid)
            _MEASURED[test] = max(_MEASURED.get(test, 0), float(str(seconds)))


def slow(measured: dict[str, float]) -> list[str]:
    """The names of those that took more than the limit."""
    return [name for name, seconds in measured.items() if seconds > LIMIT]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    names.write(slow(_MEASURED))
    terminalreporter.section("slow tests")
    terminalreporter.write_line(
        f"{len(slow(_MEASURED))} of {len(_MEASURED)} take more than {LIMIT} s of CPU: {names.PLACE}"
    )
