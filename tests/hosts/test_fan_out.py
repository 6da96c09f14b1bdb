"""The pool: failures stay with their item, limits hold, and cancelling ends it."""

from __future__ import annotations

import ctypes
import subprocess
import sys
import threading
import time

import pytest

from cachetui.hosts import fan_out as fleet
from cachetui.hosts.fan_out import NotDone, Outcome, run_on_all


def test_order_and_failures() -> None:
    def work(item: int) -> int:
        time.sleep(0.01 * (5 - item))
        if item == 2:
            raise ValueError("two")
        return item * 10

    seen: list[Outcome[int, int]] = []
    outcomes = run_on_all(range(5), work, 5, on_done=seen.append)
    assert [outcome.item for outcome in outcomes] == [0, 1, 2, 3, 4]
    assert [outcome.value for outcome in outcomes] == [0, 10, None, 30, 40]
    assert isinstance(outcomes[2].error, ValueError)
    assert sorted(outcome.item for outcome in seen) == [0, 1, 2, 3, 4]


def test_nothing_to_do() -> None:
    assert run_on_all([], lambda item: item, 4) == []


@pytest.mark.parametrize("limit", [1, 3, 100])
def test_limit(limit: int) -> None:
    now = most = 0
    lock = threading.Lock()

    def work(_: int) -> None:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.02)
        with lock:
            now -= 1

    run_on_all(range(12), work, limit)
    assert most <= limit
    assert limit == 1 or most > 1


def test_cancel_begins_nothing_more() -> None:
    cancel = threading.Event()

    def work(item: int) -> int:
        cancel.set()
        return item

    outcomes = run_on_all(range(4), work, 1, cancel)
    assert outcomes[0].value == 0
    assert all(isinstance(outcome.error, NotDone) for outcome in outcomes[1:])


def test_cancel_waits_for_work_only_so_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fleet, "GRACE", 0.2)
    cancel = threading.Event()
    never = threading.Event()

    def work(item: int) -> int:
        if item == 1:
            cancel.set()
            never.wait(30)
        return item

    begun = time.monotonic()
    outcomes = run_on_all(range(2), work, 2, cancel)
    never.set()
    assert time.monotonic() - begun < 5
    assert isinstance(outcomes[1].error, NotDone)


def test_a_failing_callback_is_the_caller_s() -> None:
    def fail(_: object) -> None:
        raise RuntimeError("callback")

    with pytest.raises(RuntimeError, match="callback"):
        run_on_all(range(3), lambda item: item, 1, on_done=fail)


def test_workers_keep_no_process_alive() -> None:
    daemons: list[bool] = []
    run_on_all(range(2), lambda _: daemons.append(threading.current_thread().daemon), 2)
    assert daemons == [True, True]


MANY_THREADS = """
import ctypes, threading
from cachetui.hosts.fan_out import run_on_all

together = threading.Barrier(16)
def take(item):
    together.wait(20)
    return [bytearray(1000 + item) for _ in range(1000)]
run_on_all(range(16), take, 16)
libc = ctypes.CDLL(None)
libc.malloc_info(0, ctypes.c_void_p.in_dll(libc, "stderr"))
"""


@pytest.mark.skipif(
    not hasattr(ctypes.CDLL(None), "malloc_info"), reason="the C library is not glibc"
)
@pytest.mark.fault("soak")
def test_threads_share_one_heap() -> None:
    """With one for each, what is free in it is no other's, and a process grows with every audit."""
    done = subprocess.run(
        [sys.executable, "-c", MANY_THREADS], stderr=subprocess.PIPE, check=True, timeout=60
    )
    assert done.stderr.count(b"<heap nr=") == 1
