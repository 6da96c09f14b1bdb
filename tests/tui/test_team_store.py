"""The app on a team's database: an audit is watched live, kept there, and read again from there."""

from __future__ import annotations

from typing import Any

import pytest

from cachetui.demo.fleet import Fleet
from cachetui.store.database import Store
from cachetui.store.place import DatabaseAddress
from tests.make_records import document
from tests.tui.driving import Driver, drive


def finished(d: Driver) -> bool:
    """Whether an audit has run, and ended."""
    snapshot = d.app.session.snapshot
    return snapshot is not None and snapshot.finished and not d.app.session.running


@pytest.mark.needs("postgres")
def test_an_audit_is_live_and_kept_for_the_team(fleet: Fleet, database: DatabaseAddress) -> None:
    core: Any = fleet.core()
    core.store.close()
    core.store = Store(database)
    core.document = document()  # for the time that the app shows
    team = Store(database)

    async def story(d: Driver) -> None:
        await d.press("r")
        await d.see("legacy-cold", "repeat")
        await d.press("r")
        await d.until(lambda: finished(d), "it ends")
        assert d.toasts() == []
        await d.until(team.audits, "what the team sees")
        audit = team.audits()[0].audit
        kept = team.audit(audit)
        assert kept is not None
        assert len(kept.runs) >= 20
        assert kept.notes == d.app.session.current().notes  # type: ignore[union-attr]
        await d.press("6")
        await d.see(audit[:9])
        await d.press("1", "3")
        await d.place("step")
        await d.see("MISS")

    drive(story, core, opened=False, size=(120, 40))
    core.store.close()
    team.close()
