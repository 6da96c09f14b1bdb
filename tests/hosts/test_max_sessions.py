"""An sshd that allows one or two sessions of a connection: every command runs, and once."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cachetui.hosts.fan_out import run_on_all
from cachetui.hosts.machine import HostError, Machine
from tests.hosts.conftest import connector
from tests.hosts.sshd import Sshd, running, until


@pytest.fixture(params=[1, 2])
def machine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Machine]:
    server = Sshd(tmp_path / "s", f"MaxSessions {request.param}")
    made = connector().connect(server.settings())
    try:
        yield made
    finally:
        made.close()
        server.stop()


@pytest.fixture
def ran(tmp_path: Path) -> Path:
    """A file that every command of a test writes a line to."""
    return tmp_path / "ran"


@pytest.mark.fault("max-sessions")
def test_one_after_the_other(machine: Machine, ran: Path) -> None:
    for number in range(0, 60, 3):
        done = machine.run(f"echo {number} >>{ran}; echo out; echo err >&2", timeout=20)
        assert (done.text, done.error_text) == ("out\n", "err")
        with_input = machine.run(f"cat >>{ran}", stdin=f"{number + 1}\n".encode(), timeout=20)
        assert with_input.status == 0
        block = f"echo {number + 2} >>{ran}; head -c 100000 /dev/zero; exit 3"
        assert machine.stream(block, lambda *_: None, timeout=20) == 3
    assert ran.read_text() == "".join(f"{number}\n" for number in range(60))


@pytest.mark.fault("max-sessions")
def test_many_at_once(machine: Machine, ran: Path) -> None:
    def work(number: int) -> str:
        return machine.run(f"echo {number} >>{ran}; sleep 0.1; echo {number}", timeout=60).text

    outcomes = run_on_all(range(40), work, 8)
    assert [outcome.error for outcome in outcomes] == [None] * 40
    assert [outcome.value for outcome in outcomes] == [f"{number}\n" for number in range(40)]
    assert sorted(map(int, ran.read_text().split())) == list(range(40))


@pytest.mark.fault("max-sessions")
@pytest.mark.parametrize("what", ["sleep 60", "trap '' TERM; while :; do sleep 1; done"])
def test_after_one_that_was_stopped(machine: Machine, ran: Path, what: str) -> None:
    for number in range(2):
        cancel = threading.Event()
        threading.Timer(0.3, cancel.set).start()
        with pytest.raises(HostError, match="cancelled"):
            machine.stream(f"{what} # {ran}", lambda *_: None, timeout=60, cancel=cancel)
        machine.run(f"echo {number} >>{ran}", timeout=20)
    assert ran.read_text() == "0\n1\n"
    assert until(lambda: not running(f"# {ran}"), 15)


@pytest.mark.fault("max-sessions")
def test_after_one_that_left_something_running(machine: Machine, ran: Path) -> None:
    """What holds the outputs open is not waited for to the end, and its session is closed."""
    machine.run("sleep 30 & echo $!", timeout=20)
    machine.run(f"echo 1 >>{ran}", timeout=20)
    assert ran.read_text() == "1\n"


@pytest.mark.fault("max-sessions")
def test_waiting_for_a_session_can_be_called_off(machine: Machine, tmp_path: Path) -> None:
    begun = threading.Semaphore(0)
    go = tmp_path / "go"
    wait = f"echo begun; until [ -e {go} ]; do sleep 0.05; done"
    busy = [
        threading.Thread(
            target=lambda: machine.stream(wait, lambda *_: begun.release(), timeout=60)
        )
        for _ in range(2)
    ]
    busy[0].start()
    assert begun.acquire(timeout=10)
    busy[1].start()
    time.sleep(0.3)
    cancel = threading.Event()
    threading.Timer(0.3, cancel.set).start()
    started = time.monotonic()
    with pytest.raises(HostError, match="cancelled"):
        machine.run(f"touch {tmp_path / 'never'}", timeout=60, cancel=cancel)
    assert time.monotonic() - started < 2
    with pytest.raises(HostError, match=r"did not end within its 0\.2 s"):
        machine.run(f"touch {tmp_path / 'never'}", timeout=0.2)
    go.touch()
    for thread in busy:
        thread.join(30)
    assert not (tmp_path / "never").exists()
