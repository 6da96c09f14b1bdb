"""Fixtures for all tests."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab import Lab, skip_reason


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """The four hosts, up for the whole session.

    CACHETUI_LAB names the folder of a lab that is up already, to be used and left as it is. A
    machine that cannot run the lab skips these tests, but never in CI.
    """
    folder = os.environ.get("CACHETUI_LAB")
    if folder:
        yield Lab.at(Path(folder))
        return
    reason = skip_reason()
    if reason is not None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(reason)
    with Lab(Path(f"/tmp/cachetui-lab-{os.getpid()}")) as lab:
        yield lab
