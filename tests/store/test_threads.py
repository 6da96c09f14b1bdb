"""Threads come and go; what they opened of the store goes with them."""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from cachetui.store.database import Store


@pytest.fixture
def no_collector() -> Iterator[None]:
    """What the collector would close is not closed with its thread."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.fault("soak")
@pytest.mark.usefixtures("no_collector")
def test_a_thread_closes_what_it_opened(tmp_path: Path) -> None:
    store = Store(tmp_path)
    handles = []
    for number in range(12):
        thread = threading.Thread(target=store.count_build, args=("h", f"2026-01-{number:02}"))
        thread.start()
        thread.join()
        handles.append(len(os.listdir("/proc/self/fd")))
    store.close()
    assert handles[-1] <= handles[2]
