"""Hosts that reboot during an audit: what had ended is kept, and what stayed there goes later."""

from __future__ import annotations

import os
import random
import re
import signal
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cachetui.report.passages import passages
from tests.audit.test_left_lab import clean
from tests.audit.test_stopping_lab import HOSTS, asleep, until
from tests.audits import audit, core_of, prepare, run_of
from tests.lab import Lab
from tests.lab.host import Host
from tests.lab.state import State
from tests.sample_builds import folder

pytestmark = [pytest.mark.lab, pytest.mark.takes_turns]

# Only the legacy builder's containers have this file. One whose sleep is ended goes on.
SLEEPING_ON_ONE = """\
FROM base:1
COPY src.txt /src
RUN echo {salt} one
RUN echo {salt} two && {when} [ -e /.dockerenv ] || sleep 600 || true
"""
WHEN = {"legacy-cold": "!", "buildkit-cold": ""}
REBOOTING = ("old", "new", "ctd")
GOING_ON = "mid"
BROKE = "the connection broke while a command ran: the host closed it"


@pytest.mark.fault("reboot")
@pytest.mark.parametrize("during", WHEN)
def test_three_hosts_reboot_and_the_fourth_goes_on(lab: Lab, tmp_path: Path, during: str) -> None:
    core = core_of(lab, tmp_path / "s")
    text = SLEEPING_ON_ONE.format(salt=random.random(), when=WHEN[during])
    build = folder(tmp_path / "b", text)
    clean(lab, tmp_path / "s", "--yes")
    before = {name: State.of(lab[name]) for name in HOSTS}
    going = prepare(core, build, HOSTS, scenarios=tuple(WHEN))
    thread = threading.Thread(target=going.run)
    thread.start()
    try:
        until(lambda: all(asleep(lab[name]) for name in HOSTS), 120, "the steps run")
        reboot(lab[name] for name in REBOOTING)
        assert thread.is_alive()
        end_sleep(lab[GOING_ON])
        thread.join(90)
    finally:
        going.stop()
        thread.join(20)
    document = going.document()
    assert not thread.is_alive()
    for name in REBOOTING:
        run = run_of(document, name, during)
        assert (run.status, run.reason) == ("lost", BROKE)
        assert [step.status for step in run.steps] == ["hit", "miss", "miss", "lost"]
    ended = HOSTS if during == "buildkit-cold" else (GOING_ON,)
    assert all(run_of(document, name, "legacy-cold").status == "ok" for name in ended)
    assert run_of(document, GOING_ON, "buildkit-cold").status == "ok"
    assert {h.name: h.status for h in document.hosts} == dict.fromkeys(REBOOTING, "failed") | {
        GOING_ON: "ok"
    }
    (said,) = [p.lines for p in passages(document) if p.heading == "Left behind on the hosts"]
    assert any(line.startswith("unknown on old,new,ctd: not asked since ") for line in said)
    assert core.store.audit(document.audit) is not None

    other = folder(tmp_path / "other", "FROM base:1\nRUN echo next\n")
    after = audit(core, other, REBOOTING, scenarios=("legacy-cold",))
    assert [host.status for host in after.hosts] == ["ok"] * 3
    for name in REBOOTING:
        restarted = rf"{name}: the host restarted at \S+ \S+ UTC, before audit {document.audit} had"
        assert any(re.match(restarted, note) for note in after.notes), after.notes
        assert not any(note.startswith(f"{name}: waited") for note in after.notes), after.notes
        removed = f"{name}: removed what audit {document.audit} had left: "
        assert any(note.startswith(removed) for note in after.notes), after.notes
    clean(lab, tmp_path / "s", "--yes")  # the folders of the contexts
    assert {name: State.of(lab[name]) for name in HOSTS} == before


def reboot(hosts: Iterable[Host]) -> None:
    def one(host: Host) -> None:
        host.power_off()
        host.power_on()

    with ThreadPoolExecutor(len(REBOOTING)) as pool:
        list(pool.map(one, hosts))


def end_sleep(host: Host) -> None:
    for process in host.processes():
        if process.kind == "step" and process.cmdline == "sleep 600":
            os.kill(process.pid, signal.SIGTERM)
