"""Fixtures for all tests."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab import Lab, skip_reason

LEFT_OUT = pytest.StashKey[str]()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the lab's tests out on a machine that cannot run it, and say so in one line.

    In CI they stay, and fail: a lab that cannot start is no reason to be green.
    """
    if os.environ.get("CI") == "true" or os.environ.get("CACHETUI_LAB"):
        return
    labs = [item for item in items if item.get_closest_marker("lab") is not None]
    reason = skip_reason() if labs else None
    if reason is not None:
        items[:] = [item for item in items if item not in set(labs)]
        config.hook.pytest_deselected(items=labs)
        config.stash[LEFT_OUT] = f"left out: {len(labs)} tests on real engines; {reason}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    said = terminalreporter.config.stash.get(LEFT_OUT, "")
    if said:
        terminalreporter.write_line(said, yellow=True)


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """The four hosts, up for the whole session.

    CACHETUI_LAB names the folder of a lab that is up already, to be used and left as it is. A
    machine that cannot run the lab leaves its tests out, but never in CI.
    """
    folder = os.environ.get("CACHETUI_LAB")
    if folder:
        yield Lab.at(Path(folder))
        return
    reason = skip_reason()
    if reason is not None:
        pytest.fail(f"this test needs the lab, and is not marked so: {reason}")
    with Lab(Path(f"/tmp/cachetui-lab-{os.getpid()}")) as lab:
        yield lab
