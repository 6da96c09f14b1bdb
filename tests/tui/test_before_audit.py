"""Fleet before an audit: what hosts report of themselves, asked while one looks."""

from __future__ import annotations

import threading
from typing import Any

from tests import make_records
from tests.tui.driving import Driver, drive
from tests.tui.fake import FakeCore


def test_each_host_has_its_engine_or_why_it_cannot_be_asked() -> None:
    async def story(d: Driver) -> None:
        await d.see("hosts  4 of 5 hosts ready", "✗ far")
        assert "Docker 20.10" in d.line("old.example.com")
        assert "unreachable" in d.line("far.example.com")
        await d.press("G")
        far = next(host for host in core.document.hosts if host.name == "far")
        await d.see(f"→ {(far.remedy or '')[:20]}")
        await d.see("build  api")

    core = FakeCore(make_records.troubled())
    drive(story, core, opened=False)


def test_who_is_silent_is_waited_for_until_an_audit_begins() -> None:
    async def story(d: Driver) -> None:
        await d.see("waiting for 1", "asking…")
        await d.press("j")
        await d.see("build  api")
        assert not ended.is_set()
        await d.start(0.0)
        await d.until(ended.is_set, "the end of asking")
        assert d.app.session.asked.answers.waiting == ()

    ended = threading.Event()

    class Waiting(FakeCore):
        def ask_hosts(self, hosts: Any, told: Any, cancel: Any) -> None:
            super().ask_hosts(hosts, told, cancel)
            ended.set()

    core = Waiting()
    core.silent = {"ctd"}
    drive(story, core, opened=False)
    assert core.hosts_asked == [[host.name for host in core.document.hosts]]


def test_nothing_is_asked_where_an_audit_is_opened_or_no_host_known() -> None:
    async def story(d: Driver) -> None:
        await d.see("Fleet")
        assert core.hosts_asked == []

    core = FakeCore()
    drive(story, core)
    core = FakeCore(hosts=False)
    drive(story, core, opened=False)
