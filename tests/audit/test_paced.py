"""An audit's record is kept as its hosts end, and that takes a tenth of the time at most."""

from __future__ import annotations

import threading
import time

from cachetui.audit.paced import REST, Paced

SOON = 60.0


def test_it_is_done_at_once_though_nobody_asks_again() -> None:
    done = threading.Event()
    paced = Paced(done.set)
    with paced.going():
        paced.ask()
        assert done.wait(SOON)


def test_what_is_asked_for_meanwhile_is_done_once_after_a_rest() -> None:
    begun: list[float] = []
    twice = threading.Event()

    def work() -> None:
        begun.append(time.monotonic())
        if len(begun) == 1:
            for _ in range(50):
                paced.ask()
            time.sleep(0.02)
        else:
            twice.set()

    paced = Paced(work)
    with paced.going():
        paced.ask()
        assert twice.wait(SOON)
        time.sleep(0.05)
    assert len(begun) == 2
    assert begun[1] - begun[0] >= 0.02 * (1 + REST)


def test_nothing_is_under_way_behind_the_block_and_no_rest_is_waited_for() -> None:
    at_work = threading.Event()
    done: list[str] = []

    def work() -> None:
        at_work.set()
        time.sleep(0.5)
        done.append("whole")

    paced = Paced(work)
    with paced.going():
        paced.ask()
        assert at_work.wait(SOON)
        begun = time.monotonic()
    assert done == ["whole"]
    assert time.monotonic() - begun < REST * 0.5


def test_it_can_go_again() -> None:
    done: list[int] = []
    paced = Paced(lambda: done.append(1))
    for number in (1, 2):
        with paced.going():
            paced.ask()
            deadline = time.monotonic() + SOON
            while len(done) < number and time.monotonic() < deadline:
                time.sleep(0.001)
    assert len(done) == 2
