"""Threads come and go; what they opened of the store goes with them."""

from __future__ import annotations

import gc
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from cachetui.store.database import Store
from cachetui.store.place import StorePlace


@pytest.fixture
def no_collector() -> Iterator[None]:
    """What the collector would close is not closed with its thread."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.fault("soak")
@pytest.mark.usefixtures("no_collector")
def test_a_thread_closes_what_it_opened(place: StorePlace) -> None:
    store = Store(place)
    handles = []
    for number in range(12):
        thread = threading.Thread(
            target=store.marks.count_build, args=("h", f"2026-01-{number:02}")
        )
        thread.start()
        thread.join()
        handles.append(len(os.listdir("/proc/self/fd")))
    store.close()
    assert handles[-1] <= handles[2]


# A type whose looking at takes a while, in which other threads run.
DECODE = """
import threading, time
import msgspec
from cachetui.records.from_json import from_json

def slow(kind):
    time.sleep(0.3)
    return kind

class Inner(msgspec.Struct):
    x: "slow(int)"

class Outer(msgspec.Struct):
    inner: Inner
    many: list[Inner]
    last: int

def decode(after):
    time.sleep(after)
    found.append(DECODE(b'{"inner":{"x":1},"many":[{"x":2}],"last":3}', Outer).last)

found = []
threads = [threading.Thread(target=decode, args=(n / 20,)) for n in range(6)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(found)
"""


def test_threads_that_read_their_first_record_at_once_read_it() -> None:
    """msgspec itself ends the process with a segmentation fault here."""
    text = DECODE.replace("DECODE", "from_json")
    done = subprocess.run(
        [sys.executable, "-c", text], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[3, 3, 3, 3, 3, 3]"


def test_nothing_is_decoded_into_a_type_but_by_from_json() -> None:
    package = Path(__file__).parents[2] / "cachetui"
    wrong = [
        str(path)
        for path in package.rglob("*.py")
        if path.name != "from_json.py"
        and re.search(r"json\.decode\([^\n]*type=|json\.Decoder\(", path.read_text("utf-8"))
    ]
    assert not wrong
