"""Hosts are reached and commands run in a process with so many open files that `select` fails."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from cachetui.config.settings import HostSettings
from tests.hosts.conftest import connector
from tests.hosts.sshd import Sshd

FULL = 1024
"""The first file descriptor that does not fit into a set of `select`."""


@pytest.fixture
def many_handles() -> Iterator[None]:
    """Whatever is opened in the test gets a descriptor that `select` refuses."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FULL + 200
    if hard != resource.RLIM_INFINITY and hard < wanted:
        pytest.skip(f"at most {hard} files may be open here")
    with ExitStack() as stack:
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))
        stack.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        while True:
            handle = os.open("/", os.O_RDONLY)
            stack.callback(os.close, handle)
            if handle >= FULL:
                break
        yield


@pytest.mark.parametrize("where", ["local", "ssh"])
@pytest.mark.usefixtures("many_handles")
def test_a_command_with_input_that_has_to_wait(where: str, sshd: Sshd) -> None:
    settings = HostSettings(name="h", address="local") if where == "local" else sshd.settings()
    machine = connector().connect(settings)
    try:
        done = machine.run("sleep 0.3; cat | wc -c", stdin=bytes(5_000_000), timeout=60)
    finally:
        machine.close()
    assert done.stdout.strip() == b"5000000"
