"""The terminal is closed during real builds: they end on the host, and what was done is stored."""

from __future__ import annotations

import os
import random
import re
import time
from pathlib import Path

import pytest

from cachetui.store.database import Store
from tests.audit.test_stopping_lab import asleep, until, until_quiet
from tests.lab import Lab
from tests.sample_builds import folder
from tests.tui.test_terminal_closed import App, app

pytestmark = [pytest.mark.lab, pytest.mark.takes_turns]

NAME = "mid"


def hosts_toml(lab: Lab, build: Path, folder: Path) -> Path:
    """A hosts.toml of one host and one build."""
    head, *tables = lab.hosts_toml.read_text().split("[[hosts]]")
    (own,) = [table for table in tables if re.search(rf'^name = "{NAME}"$', table, re.MULTILINE)]
    path = folder / "hosts.toml"
    path.write_text(f'{head}[[hosts]]{own}\n[builds.b]\ncontext = "{build}"\nnetwork = "none"\n')
    return path


@pytest.mark.fault("terminal-closed")
@pytest.mark.parametrize("signals", [True, False], ids=["with SIGHUP", "without a signal"])
@pytest.mark.parametrize("what", ["command line", "app"])
def test_real_builds_end(lab: Lab, tmp_path: Path, what: str, signals: bool) -> None:
    text = f"FROM base:1\nRUN echo {random.random()} && trap '' TERM && sleep 600\n"
    hosts = hosts_toml(lab, folder(tmp_path / "b", text), tmp_path)
    where = ("--hosts", str(hosts), "--store", str(tmp_path / "s"))
    command = where if what == "app" else ("run", "b", *where)
    with app("cachetui", *command, signals=signals) as it:
        if what == "app":
            start(it, lab)
        until(lambda: drained(it) and asleep(lab[NAME]), 60, "the RUN step begins")
        it.close()
        assert it.end() == 130
        until_quiet(lab[NAME], seconds=5)
    (kept,) = Store(tmp_path / "s").audits()
    assert kept.audit


def start(it: App, lab: Lab) -> None:
    """Start the audit, as its user would by keys."""
    it.see("Fleet", NAME)
    deadline = time.monotonic() + 40
    while not any(process.kind == "client" for process in lab[NAME].processes()):
        assert time.monotonic() < deadline, it.output[-3000:]
        os.write(it.master, b"r")
        until(lambda: drained(it), 5, "it is read")
        time.sleep(1.5)


def drained(it: App) -> bool:
    """Take what was written, so that the writer need not wait."""
    os.set_blocking(it.master, False)
    try:
        while block := os.read(it.master, 1 << 16):
            it.output += block
    except BlockingIOError:
        pass
    return True
