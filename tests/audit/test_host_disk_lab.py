"""A disk of a host that is full: docker's own, or its user's home."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.audits import audit, core_of, run_of
from tests.lab import Lab
from tests.lab.base import BASE, share_image
from tests.lab.host import Host
from tests.lab.state import State
from tests.sample_builds import PLAIN, folder

pytestmark = [pytest.mark.lab, pytest.mark.takes_turns]

LARGE = """\
FROM base:1
RUN echo before
RUN dd if=/dev/zero of=/large bs=1M count=100
"""
FULL = (
    "No space left on device\", so perhaps a disk of the host is full, most likely docker's own: "
)


@contextmanager
def docker_disk(host: Host, other: Host, size: str) -> Iterator[None]:
    """Let the engine keep its data on an empty disk of that size, with the base image on it."""
    data = host.engine.folder / "data"
    host.power_off()
    try:
        host.machine.start()
        with host.machine.small_disk(data, size):
            host.engine.start()
            host.sshd.start()
            share_image(BASE, other.engine, [host.engine])
            yield
    finally:
        host.power_off()
        host.power_on()


@pytest.mark.fault("host-trouble")
@pytest.mark.parametrize("scenario", ["legacy-cold", "buildkit-cold"])
@pytest.mark.parametrize("name", ["old", "new", "ctd"])
def test_dockers_own_disk_is_full(lab: Lab, tmp_path: Path, name: str, scenario: str) -> None:
    core, build = core_of(lab, tmp_path / "s"), folder(tmp_path / "b", LARGE)
    with docker_disk(lab[name], lab["mid"], "60m"):
        before = State.of(lab[name])
        document = audit(core, build, [name, "mid"], scenarios=(scenario,))
        after = State.of(lab[name])
    run = run_of(document, name, scenario)
    assert run.status == "failed"
    assert FULL in (run.reason or ""), run.reason
    assert run_of(document, "mid", scenario).status == "ok"
    assert after.docker == before.docker


@pytest.mark.fault("home-full")
@pytest.mark.parametrize("name", ["old", "new"])
def test_the_home_is_full(lab: Lab, tmp_path: Path, name: str) -> None:
    core = core_of(lab, tmp_path / "s")
    build = folder(tmp_path / "b", PLAIN, large="x" * 500_000)
    before = State.of(lab[name])
    with lab[name].machine.small_disk(lab[name].engine.home, "64k"):
        document = audit(core, build, [name, "mid"], scenarios=("legacy-cold",))
        left = lab[name].machine.run("find", lab[name].engine.home, "-type", "f")
    told = {report.name: report for report in document.hosts}
    assert told["mid"].status == "ok"
    assert told[name].status == "failed"
    assert "No space left on device" in (told[name].reason or "")
    assert left == ""
    assert State.of(lab[name]) == before
