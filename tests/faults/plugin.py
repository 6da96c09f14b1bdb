"""At the end of a run, a line for each fault: held, failed, or not run (`make faults`)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

import pytest

from tests.faults.table import FAULTS

PROPERTY = "fault"


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """What a test holds goes along with its reports, also from a worker of pytest-xdist."""
    for item in items:
        for mark in item.iter_markers("fault"):
            item.user_properties += [(PROPERTY, fault) for fault in mark.args]


class Outcomes:
    """How the tests of each fault ended."""

    def __init__(self) -> None:
        self.counts: defaultdict[str, Counter[str]] = defaultdict(Counter)

    def add(self, report: pytest.TestReport) -> None:
        """Count a test once: by its call, or by what kept it from being called, or spoiled it."""
        if report.when != "call" and report.outcome == "passed":
            return
        for name, fault in report.user_properties:
            if name == PROPERTY:
                self.counts[str(fault)][report.outcome] += 1

    def verdict(self, fault: str) -> str:
        """ "held", "failed" or "not run", with how many tests said so."""
        counts = self.counts[fault]
        if counts["failed"]:
            return f"FAILED   {counts['failed']} of {counts.total()}"
        if counts["passed"]:
            skipped = f", {counts['skipped']} skipped" if counts["skipped"] else ""
            return f"held     {counts['passed']}{skipped}"
        return "not run"

    def lines(self) -> list[str]:
        """The table: a heading for each kind, a line for each fault."""
        return [
            line
            for kind, faults in FAULTS.items()
            for line in (kind, *(f"  {self.verdict(f.id):<24} {f.what}" for f in faults))
        ]


_OUTCOMES = Outcomes()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    _OUTCOMES.add(report)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    terminalreporter.section("faults")
    for line in _OUTCOMES.lines():
        terminalreporter.write_line(line)
