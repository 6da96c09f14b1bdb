"""What `Machine` promises, held to by a host over a real sshd and by the local machine alike."""

from __future__ import annotations

import base64
import hashlib
import os
import pickle
import re
import shlex
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from cachetui.config.settings import HostSettings
from cachetui.hosts import session
from cachetui.hosts.machine import Cancel, HostError, Machine
from tests.hosts.conftest import connector
from tests.hosts.sshd import Sshd, running, until

NASTY = {"PLAIN": "x", "NASTY": "a 'b' \"c\" $HOME `id` \\ \n!%*~", "LEER": ""}
STUBBORN = "trap '' TERM; echo ready; while :; do sleep 1; done # {mark}"


@pytest.fixture(params=["local", "ssh"])
def settings(request: pytest.FixtureRequest) -> HostSettings:
    """The settings of the machine under test."""
    if request.param == "local":
        return HostSettings(name="h", address="local", env=NASTY)
    sshd: Sshd = request.getfixturevalue("sshd")
    return sshd.settings(env=NASTY)


@pytest.fixture
def machine(settings: HostSettings) -> Iterator[Machine]:
    made = connector().connect(settings)
    yield made
    made.close()


@pytest.fixture
def mark() -> str:
    """Text that finds a test's processes among all."""
    return f"mark-{uuid.uuid4().hex}"


class Blocks(list[bytes]):
    """An output's blocks, and an event that is set with the first."""

    def __init__(self) -> None:
        super().__init__()
        self.began = threading.Event()

    def __call__(self, block: bytes, arrived: float) -> None:
        assert abs(time.monotonic() - arrived) < 5
        self.append(block)
        self.began.set()

    @property
    def text(self) -> bytes:
        return b"".join(self)


def test_run(machine: Machine) -> None:
    done = machine.run("echo out; echo err >&2; exit 3", timeout=20)
    assert (done.status, done.stdout, done.stderr) == (3, b"out\n", b"err\n")
    assert done.text == "out\n"
    assert done.error_text == "err"


def test_env_is_set_whatever_it_holds(machine: Machine) -> None:
    done = machine.run('printf "%s|%s|%s" "$PLAIN" "$NASTY" "${LEER-unset}"', timeout=20)
    assert done.text == f"x|{NASTY['NASTY']}|"


@pytest.mark.fault("secret-in-processes")
def test_env_and_command_show_in_no_list_of_processes(machine: Machine, mark: str) -> None:
    done = machine.run(f"cat /proc/$$/cmdline # {mark}", timeout=20)
    assert mark not in done.text
    assert "NASTY" not in done.text


def test_without_stdin_there_is_an_empty_one(machine: Machine) -> None:
    assert machine.run("cat; echo end", timeout=20).stdout == b"end\n"


def test_bytes_pass_unchanged(machine: Machine) -> None:
    data = bytes(range(256)) * 1000
    assert machine.run("cat", stdin=data, timeout=20).stdout == data
    assert machine.run(
        "cat", stdin=iter([b"", data[:100], b"", data[100:]]), timeout=20
    ).stdout == (data)


def test_50_mb_through_stdin(machine: Machine) -> None:
    expected = hashlib.sha256()

    def blocks() -> Iterator[bytes]:
        for number in range(50):
            block = number.to_bytes(1, "big") * 1_000_000
            expected.update(block)
            yield block

    done = machine.run("sha256sum", stdin=blocks(), timeout=120)
    assert done.text.split()[0] == expected.hexdigest()


def test_large_both_ways_at_once(machine: Machine) -> None:
    data = os.urandom(1_000_000) * 12
    done = machine.run("tee /dev/fd/2", stdin=[data], timeout=120)
    assert done.stdout == data
    assert done.stderr == data


@pytest.mark.parametrize("status", [0, 1, 126, 127, 255])
def test_status(machine: Machine, status: int) -> None:
    assert machine.run(f"exit {status}", timeout=20).status == status
    assert machine.stream(f"exit {status}", Blocks(), timeout=20) == status


def test_status_of_a_signal(machine: Machine) -> None:
    assert machine.run("sh -c 'kill -TERM $$'", timeout=20).status == 143
    assert machine.run("sh -c 'kill -KILL $$'", timeout=20).status == 137
    # The very shell that keeps watch:
    assert machine.run("kill -KILL $$; sleep 1", timeout=20).status == 137


def test_no_such_command(machine: Machine) -> None:
    done = machine.run("no-such-command-here", timeout=20)
    assert done.status == 127
    assert "not found" in done.error_text


def test_long_script(machine: Machine) -> None:
    text = "x" * 300_000
    assert machine.run(f"echo '{text}' | wc -c", timeout=20).text.strip() == "300001"


def test_a_command_that_leaves_its_stdin_unread(machine: Machine) -> None:
    data = [b"x" * 1_000_000] * 30
    assert machine.run("head -c 10; exit 4", stdin=data, timeout=20).status == 4


@pytest.mark.fault("command-output")
def test_a_command_that_closes_its_output_early(machine: Machine) -> None:
    begun = time.monotonic()
    assert machine.run("exec >&- 2>&-; sleep 0.5; exit 6", timeout=20).status == 6
    assert time.monotonic() - begun > 0.4


@pytest.mark.fault("stubborn")
def test_what_a_command_leaves_behind_does_not_hold_it(
    machine: Machine, mark: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "LINGER", 0.3)
    begun = time.monotonic()
    blocks = Blocks()
    assert machine.stream(f"sh -c 'sleep 30; : {mark}' & echo out", blocks, timeout=20) == 0
    assert blocks.text == b"out\n"
    assert time.monotonic() - begun < 5
    for pid in running(mark):
        os.kill(pid, signal.SIGKILL)


@pytest.mark.fault("command-output")
def test_too_much_output(machine: Machine) -> None:
    with pytest.raises(HostError, match="64 MiB") as caught:
        machine.run("cat /dev/zero", timeout=60)
    assert caught.value.kind == "shell"
    assert machine.run("echo fine", timeout=20).text == "fine\n"


def test_stdin_that_fails(machine: Machine, mark: str) -> None:
    def blocks() -> Iterator[bytes]:
        yield b"x"
        raise ValueError("the tar broke")

    with pytest.raises(ValueError, match="the tar broke"):
        machine.run(f"sh -c 'cat; : {mark}'", stdin=blocks(), timeout=20)
    assert until(lambda: not running(mark), 15)
    assert machine.run("echo fine", timeout=20).text == "fine\n"


def test_stream_merges_in_order(machine: Machine) -> None:
    blocks = Blocks()
    command = "i=0; while [ $i -lt 200 ]; do echo o$i; echo e$i >&2; i=$((i+1)); done; exit 7"
    assert machine.stream(command, blocks, timeout=20) == 7
    assert blocks.text == b"".join(b"o%d\ne%d\n" % (i, i) for i in range(200))


def test_stream_passes_on_what_comes(machine: Machine) -> None:
    first: list[float] = []
    begun = time.monotonic()
    machine.stream("echo a; sleep 1; echo b", lambda _, at: first.append(at), timeout=20)
    assert first[0] - begun < first[-1] - begun - 0.8


@pytest.mark.fault("command-output")
def test_stream_flood(machine: Machine) -> None:
    size = 0

    def count(block: bytes, _: float) -> None:
        nonlocal size
        size += len(block)

    assert machine.stream("head -c 100000000 /dev/zero; exit 5", count, timeout=60) == 5
    assert size == 100_000_000


def test_a_quick_command_returns_at_once(machine: Machine) -> None:
    machine.run("true", timeout=20)
    bare = min(seconds(lambda: machine.run("true", stdin=b"x", timeout=20)) for _ in range(3))
    watched = min(seconds(lambda: machine.stream("true", Blocks(), timeout=20)) for _ in range(3))
    assert watched < bare + 0.1


def seconds(what: object) -> float:
    begun = time.monotonic()
    what()  # type: ignore[operator]
    return time.monotonic() - begun


def failure(
    machine: Machine, how: str, command: str, timeout: float, cancel: Cancel | None = None
) -> HostError:
    """How a command fails, run in one of three ways."""
    try:
        if how == "stream":
            machine.stream(command, Blocks(), timeout=timeout, cancel=cancel)
        else:
            stdin = b"x" if how == "stdin" else b""
            machine.run(command, stdin=stdin, timeout=timeout, cancel=cancel)
    except HostError as error:
        return error
    raise AssertionError("it did not fail")


@pytest.mark.fault("interrupted")
@pytest.mark.parametrize("how", ["run", "stream"])
def test_cancel(machine: Machine, mark: str, how: str) -> None:
    cancel = threading.Event()
    threading.Timer(1.0, cancel.set).start()
    begun = time.monotonic()
    error = failure(machine, how, STUBBORN.format(mark=mark), 30, cancel)
    assert error.kind == "cancelled"
    assert time.monotonic() - begun < 6
    assert not running(mark)
    assert machine.run("echo fine", timeout=20).text == "fine\n"


def test_cancelled_before(machine: Machine, tmp_path: Path) -> None:
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(HostError, match="cancelled"):
        machine.run(f"touch {tmp_path / 'ran'}", timeout=20, cancel=cancel)
    assert not (tmp_path / "ran").exists()


@pytest.mark.fault("limits")
@pytest.mark.parametrize("how", ["run", "stream", "stdin"])
def test_time_limit(machine: Machine, mark: str, how: str) -> None:
    command = f"sh -c 'trap : TERM; sleep 60; : {mark}'"
    error = failure(machine, how, command, 0.7)
    assert error.kind == "timeout"
    assert "did not end within its 0.7 seconds" in error.reason
    if how != "stdin":
        assert not running(mark)
    for pid in running(mark):
        os.kill(pid, signal.SIGKILL)


@pytest.mark.fault("command-output")
def test_output_that_nobody_can_take(machine: Machine, mark: str) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        machine.stream(f"echo x; sh -c 'sleep 60; : {mark}'", fail, timeout=20)
    assert until(lambda: not running(mark), 3)


@pytest.mark.fault("interrupted")
def test_close_ends_what_runs(machine: Machine, mark: str) -> None:
    blocks = Blocks()

    def close() -> None:
        blocks.began.wait(10)
        machine.close()

    threading.Thread(target=close, daemon=True).start()
    with pytest.raises(HostError) as caught:
        machine.stream(STUBBORN.format(mark=mark), blocks, timeout=30)
    assert caught.value.kind == "cancelled"
    assert until(lambda: not running(mark), 15)
    machine.close()
    with pytest.raises(HostError, match="closed"):
        machine.run("true", timeout=20)


@pytest.mark.fault("stubborn")
def test_a_child_in_a_group_of_its_own_is_ended_too(machine: Machine, mark: str) -> None:
    code = (
        "import os, signal, time; os.setpgid(0, 0); signal.signal(15, 1); "
        f"print(1, flush=True); time.sleep(60) # {mark}"
    )
    cancel = threading.Event()
    with pytest.raises(HostError, match="cancelled"):
        machine.stream(
            f'{sys.executable} -c "{code}" & wait',
            lambda *_: cancel.set(),
            timeout=30,
            cancel=cancel,
        )
    assert until(lambda: not running(mark), 3)


CLIENT = """
import sys, pickle, base64
from cachetui.config.hosts_toml import HostSettings
from tests.hosts.conftest import connector
settings = pickle.loads(base64.b64decode(sys.argv[1]))
connector().connect(settings).stream(sys.argv[2], lambda b, t: print(b, flush=True), timeout=60)
"""


@pytest.mark.fault("killed")
@pytest.mark.parametrize("command", ["sleep 60 # {mark}", STUBBORN])
def test_nothing_outlives_a_killed_client(settings: HostSettings, mark: str, command: str) -> None:
    command = command.format(mark=mark)
    given = base64.b64encode(pickle.dumps(settings)).decode()
    script = f"sh -c {shlex.quote(f'echo ready; {command}' + chr(10) + ':')}"
    client = subprocess.Popen(
        [sys.executable, "-c", CLIENT, given, script],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    assert client.stdout is not None
    assert b"ready" in client.stdout.readline()
    others = [pid for pid in running(mark) if pid != client.pid]
    assert others
    client.kill()
    client.wait(10)
    client.stdout.close()
    assert until(lambda: not running(mark), 15)


STOPPED_CLIENT = """
import sys, pickle, base64
from cachetui.config.hosts_toml import HostSettings
from cachetui.hosts import watcher
from tests.hosts.conftest import connector
watcher.SILENT_SECONDS, watcher.TICK_SECONDS = 4, 1
settings = pickle.loads(base64.b64decode(sys.argv[1]))
try:
    connector().connect(settings).stream(
        sys.argv[2], lambda b, t: print(b.decode(), flush=True), timeout=60
    )
except Exception as error:
    print(error.kind, error, flush=True)
"""


@pytest.mark.fault("client-stopped")
@pytest.mark.parametrize("seconds", [2, 7])
def test_nothing_outlives_a_stopped_client(
    settings: HostSettings, mark: str, seconds: float
) -> None:
    """One that is stopped, or asleep, for long; for a moment does no harm."""
    given = base64.b64encode(pickle.dumps(settings)).decode()
    script = f"sh -c {shlex.quote(f'echo ready; sleep {seconds + 2}; echo fine; : {mark}')}"
    client = subprocess.Popen(
        [sys.executable, "-c", STOPPED_CLIENT, given, script],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert client.stdout is not None
    assert client.stdout.readline() == "ready\n"
    os.kill(client.pid, signal.SIGSTOP)
    try:
        ended = until(lambda: [pid for pid in running(mark) if pid != client.pid] == [], seconds)
    finally:
        os.kill(client.pid, signal.SIGCONT)
    said, _ = client.communicate(timeout=30)
    if seconds < 4:
        assert not ended
        assert said.strip() == "fine"
    else:
        assert ended
        assert re.search(
            r"(?m)^lost .*cachetui was stopped, or its machine asleep, for \d+ s", said
        )


@pytest.mark.fault("secret-in-messages")
def test_errors_hold_no_environment(machine: Machine) -> None:
    with pytest.raises(HostError) as caught:
        machine.stream("echo $PLAIN; sleep 9", Blocks(), timeout=0.5)
    said = f"{caught.value} {caught.value.reason} {caught.value.remedy}"
    assert not re.search(r"HOME|\$|echo", said)
