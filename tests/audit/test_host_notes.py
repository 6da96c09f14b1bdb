"""What a killed audit made is found by the notes that it took, whatever the clocks say."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cachetui.audit.host_notes import HostNotes, noted_on
from cachetui.audit.made_images import MadeImages
from cachetui.hosts.machine import Completed
from cachetui.store.database import Store
from cachetui.store.troubles import StoreError
from tests import make_records as b
from tests.audit.test_made_images import AA, BASE, HOST, Engine

YEAR = 366 * 86400.0


class Dated(Engine):
    """A machine whose engine's clock is `ahead` of all others, by seconds, and dates AA by it."""

    def __init__(self, ahead: float) -> None:
        super().__init__({BASE: "", AA: BASE})
        self.ahead = ahead

    def answer(self, command: str) -> Completed:
        """What is asked of clocks; the rest as an `Engine`."""
        now = datetime.fromtimestamp(time.time() + self.ahead, UTC).isoformat()
        answers = {"SystemTime": now, ".Created}}": f"{AA} {now}", "date +%s": f"{time.time():.0f}"}
        for asked, answer in answers.items():
            if asked in command:
                return Completed(0, answer.encode(), b"")
        return super().answer(command)


@pytest.mark.fault("host-trouble", "left-by-killed")
@pytest.mark.parametrize("ahead", [-YEAR, 0.0, YEAR])
def test_an_engines_clock_may_be_off(tmp_path: Path, ahead: float) -> None:
    """Images have its dates, and which are of the audit's time is asked of its clock."""
    store, images = Store(tmp_path / "s"), MadeImages(before=frozenset({BASE}))
    facts = b.facts()
    troubles: list[StoreError] = []
    text = "FROM x\nCOPY f /f\nRUN make\n"
    notes = HostNotes.begin(store, "a1", HOST, facts, images, text, troubles.append)
    notes.note(images)
    notes.removed(looked=False)
    assert not troubles
    (found,) = noted_on(Dated(ahead), HOST, facts, store)
    assert any(AA in command for command in found.commands)
    found.journal.leave()


@pytest.mark.fault("reboot")
@pytest.mark.parametrize("later", [-60.0, 0.0])
def test_a_restart_is_told_though_the_loss_was_noted_after_it(tmp_path: Path, later: float) -> None:
    store, images = Store(tmp_path / "s"), MadeImages(before=frozenset({BASE}))
    text = "FROM x\nCOPY f /f\nRUN make\n"
    notes = HostNotes.begin(store, "a1", HOST, b.facts(), images, text, lambda _: None)
    facts = b.facts(booted_at=time.time() + 1 + later)
    notes.note(images)
    notes.removed(looked=False)
    (found,) = noted_on(Dated(0.0), HOST, facts, store)
    assert found.restarted_at == (facts.booted_at if later == 0.0 else None)
    found.journal.leave()
