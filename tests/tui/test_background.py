"""Threads of the app: their results arrive, and one that ends after the app does no harm."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from cachetui.store.run_log import RunLog
from cachetui.tui.background import call_soon, run_in_background
from tests import make_records
from tests.tui.driving import Driver, drive
from tests.tui.fake import FakeCore, FakeStore


@pytest.fixture
def uncaught(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[object]]:
    """What threads raised and nobody caught."""
    raised: list[object] = []
    monkeypatch.setattr(threading, "excepthook", lambda args: raised.append(args.exc_value))
    yield raised
    assert raised == []


def threads(name: str) -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == name]


class SlowStore(FakeStore):
    """Gives a log only when the test lets it."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = threading.Event()
        self.let_go = threading.Event()

    def log(self, run_id: str) -> RunLog | None:
        self.asked.set()
        assert self.let_go.wait(10)
        return super().log(run_id)


def test_a_log_that_is_read_when_the_app_has_left(uncaught: list[object]) -> None:
    core = FakeCore(make_records.odd_one_out())
    store = core.store = SlowStore()

    async def story(d: Driver) -> None:
        await d.press("o", "enter")
        await d.place("step")
        await d.until(store.asked.is_set, "the log is asked for")

    drive(story, core)
    waiting = threads("log")
    assert waiting
    store.let_go.set()
    for thread in waiting:
        thread.join(10)
        assert not thread.is_alive()
    assert uncaught == []


def test_results_and_errors_reach_the_apps_thread(uncaught: list[object]) -> None:
    results: list[tuple[str, bool]] = []

    async def story(d: Driver) -> None:
        home = threading.get_ident()

        def done(result: object) -> None:
            results.append((str(result), threading.get_ident() == home))

        def fail() -> None:
            raise ValueError("broken on purpose")

        run_in_background(d.app, "works", lambda: "worked", done, done)
        await d.until(lambda: len(results) == 1, "the result")
        run_in_background(d.app, "fails", fail, done, done)
        await d.until(lambda: len(results) == 2, "the error")
        apps.append(d)

    apps: list[Driver] = []
    drive(story)
    assert results == [("worked", True), ("broken on purpose", True)]
    assert not call_soon(apps[0].app, results.clear)
    assert results
    assert uncaught == []
