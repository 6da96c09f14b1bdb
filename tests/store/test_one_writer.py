"""Threads that write into one cache, while each may wait for SQLite no time at all."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from cachetui.store.one_writer import OneWriter


def test_threads_wait_for_each_other_and_not_for_a_time(tmp_path: Path) -> None:
    cache = OneWriter(str(tmp_path), timeout=0)
    errors: list[BaseException] = []
    start = threading.Barrier(20)

    def write(number: int) -> None:
        try:
            start.wait()
            for turn in range(5):
                with cache.transact():
                    cache.set(f"{number}-{turn}", "x")  # in the transaction of this thread
                    time.sleep(0.002)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert len(cache) == 100
    cache.close()


def test_one_that_fails_lets_the_next_one_write(tmp_path: Path) -> None:
    cache = OneWriter(str(tmp_path), timeout=0)
    try:
        with cache.transact():
            cache.set("a", "x")
            raise ValueError
    except ValueError:
        pass
    thread = threading.Thread(target=cache.set, args=("b", "y"))
    thread.start()
    thread.join(60)
    assert not thread.is_alive()
    assert list(cache) == ["b"]
    cache.close()
