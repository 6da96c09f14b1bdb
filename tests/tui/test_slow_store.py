"""A store that does not answer for a while: the app goes on."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

import msgspec
import pytest

from cachetui.records.document import Document
from cachetui.store.audit_records import AuditEntry
from tests import make_records
from tests.tui.driving import Driver, drive
from tests.tui.fake import FakeCore, FakeStore

_T = TypeVar("_T")


class SlowStore(FakeStore):
    """Answers when it is let, and never the app's own thread."""

    def __init__(self, *documents: Document) -> None:
        super().__init__(documents)
        self.home = threading.get_ident()
        self.let = threading.Event()
        self.asked = 0

    def _slowly(self, answer: Callable[[], _T]) -> _T:
        assert threading.get_ident() != self.home, "asked on the event loop"
        self.asked += 1
        assert self.let.wait(20)
        return answer()

    def audits(self) -> list[AuditEntry]:
        return self._slowly(super().audits)

    def audit(self, audit: str) -> Document | None:
        return self._slowly(lambda: FakeStore.audit(self, audit))

    def pin(self, audit: str, pinned: bool) -> None:
        self._slowly(lambda: FakeStore.pin(self, audit, pinned))

    def delete_audit(self, audit: str) -> None:
        self._slowly(lambda: FakeStore.delete_audit(self, audit))


@pytest.fixture
def core() -> FakeCore:
    core = FakeCore(make_records.document())
    document = core.document
    core.store = SlowStore(*(make_at(document, days) for days in (0, 1, 2)))
    return core


def make_at(document: Document, days: int) -> Document:
    at = document.started_at - 86400 * days
    return msgspec.structs.replace(document, audit=f"day-{days}", started_at=at)


def store_of(core: FakeCore) -> SlowStore:
    assert isinstance(core.store, SlowStore)
    return core.store


def test_the_first_screen_is_there_before_the_store_answers(core: FakeCore) -> None:
    async def story(d: Driver) -> None:
        await d.see("old", "mid", "build  ")
        await d.press("j", "k")
        await d.not_see("last   ")
        assert store_of(core).asked == 1
        store_of(core).let.set()
        await d.see("last   ", "on 4 hosts")

    drive(story, core, opened=False)


def test_history_is_there_before_the_store_answers(core: FakeCore) -> None:
    async def story(d: Driver) -> None:
        await d.press("6")
        await d.see("Reading…")
        await d.press("1", "6")
        store_of(core).let.set()
        await d.see("day-0", "day-2")
        store_of(core).let.clear()
        await d.press("p", "j", "d")
        await d.see("Delete this audit?")
        await d.press("y")
        await d.not_see("(pinned)", "Deleted")
        store_of(core).let.set()
        await d.see("day-0 (pinned)", "Deleted day-1")
        await d.not_see("day-1  ")
        store_of(core).let.clear()
        await d.press("e")
        await d.see("day-2")
        store_of(core).let.set()
        await d.see("Export what is on the screen")

    drive(story, core, opened=False, size=(120, 30))
