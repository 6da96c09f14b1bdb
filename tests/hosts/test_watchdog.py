"""One thread ends what takes too long, for all connections."""

from __future__ import annotations

import threading
import time

from cachetui.hosts.ssh.watchdog import Watchdog
from tests.hosts.sshd import until

SOON = 60.0


def of_ours() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "watchdog"]


def test_it_bites_what_takes_too_long_and_nothing_else() -> None:
    watchdog = Watchdog(0.2)
    bitten = threading.Event()
    others: list[str] = []
    with watchdog.watching(lambda: others.append("in time")):
        pass
    with watchdog.watching(bitten.set):
        for _ in range(5):
            with watchdog.watching(lambda: others.append("in time")):
                time.sleep(0.01)
        assert bitten.wait(SOON)
    assert others == []


def test_one_thread_watches_many_and_ends_after_them() -> None:
    assert until(lambda: not of_ours(), SOON)
    watchdog = Watchdog(30.0)
    go, inside = threading.Event(), threading.Barrier(21)

    def wait() -> None:
        with watchdog.watching(lambda: None):
            inside.wait(SOON)
            go.wait(SOON)

    threads = [threading.Thread(target=wait) for _ in range(20)]
    for thread in threads:
        thread.start()
    inside.wait(SOON)
    assert len(of_ours()) == 1
    go.set()
    for thread in threads:
        thread.join()
    assert until(lambda: not of_ours(), SOON)


def test_it_watches_again_after_its_thread_has_ended() -> None:
    watchdog = Watchdog(0.1)
    for _ in range(2):
        bitten = threading.Event()
        with watchdog.watching(bitten.set):
            assert bitten.wait(SOON)
        assert until(lambda: not of_ours(), SOON)


def test_one_that_cannot_be_ended_does_not_keep_it_from_the_next() -> None:
    watchdog = Watchdog(0.1)
    bitten = threading.Event()

    def fails() -> None:
        raise OSError("gone")

    with watchdog.watching(fails), watchdog.watching(bitten.set):
        assert bitten.wait(SOON)
