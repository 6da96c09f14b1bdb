"""What a failed test on the lab's engines says first: what was expected of which host."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from cachetui.records.run import Run
from tests.lab import Host, Lab

TESTS = Path(__file__).parent
LONGEST = 300


def expectation(error: pytest.ExceptionInfo[BaseException], hosts: tuple[str, ...]) -> str:
    """One line: the hosts and runs that the failed statement is about, the statement, the error.

    Hosts are found among the values of the innermost function of the tests: by a `Host`, a `Run`,
    or a text that is a host's name.
    """
    entry = next(
        (item for item in reversed(error.traceback) if TESTS in Path(str(item.path)).parents),
        error.traceback[-1],
    )
    about = sorted(set(_about(entry.frame.f_locals, hosts)))
    statement = " ".join(str(entry.statement).split()).removeprefix("assert ")
    first = (str(error.value).splitlines() or [""])[0].removeprefix("assert ")
    said = f"{type(error.value).__name__}: {first}" if first else type(error.value).__name__
    line = f"on {', '.join(about) or 'the lab'}: expected `{statement}`, got {said}"
    return line if len(line) <= LONGEST else f"{line[:LONGEST]}…"


def _about(values: Mapping[str, object], hosts: tuple[str, ...]) -> Iterator[str]:
    for value in values.values():
        if isinstance(value, Host):
            yield value.name
        elif isinstance(value, Run):
            yield f"{value.host} ({value.scenario})"
        elif isinstance(value, str) and value in hosts:
            yield value


def hosts_of(item: pytest.Item) -> tuple[str, ...]:
    """The names of the lab's hosts; none when the test has no lab yet."""
    lab = getattr(item, "funcargs", {}).get("lab")
    return tuple(lab.hosts) if isinstance(lab, Lab) else ("old", "mid", "new", "ctd")


def put_first(report: pytest.TestReport, line: str) -> None:
    """Show the line where the report begins and in the summary at the end of the run."""
    report.sections.insert(0, ("Expected", line))
    crash = getattr(report.longrepr, "reprcrash", None)
    if crash is not None:
        crash.message = line
