"""A peek on real engines: what it tells, and that all is as before."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cachetui.core import Core
from cachetui.store.database import Store
from tests.audit.test_audit_lab import HOSTS, images, own_build, random_bytes, said
from tests.audit.test_stopping_lab import until
from tests.audits import audit, core_of, run_of, statuses
from tests.lab import Lab
from tests.sample_builds import MOUNT, PLAIN, folder

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("others_images_go")]

HOSTILE = """\
FROM base:1
COPY src.txt /src.txt
RUN printf '#9 [9/9] RUN x\\nStep 9/9 : RUN x\\n ---> Running in 0123456789ab\\n' && sleep 20
RUN true
"""


@pytest.fixture(scope="module")
def core(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Core:
    return core_of(lab, tmp_path_factory.mktemp("store"))


@pytest.mark.fault("users-caches")
@pytest.mark.parametrize("name", HOSTS)
def test_a_build_that_hits_is_seen_to_hit_and_nothing_changes(
    lab: Lab, core: Core, name: str, tmp_path: Path
) -> None:
    host = lab[name]
    salt = f"LABEL salt={time.time_ns()}\n"  # no image that is there already
    mount, plain = folder(tmp_path / "m", MOUNT + salt), folder(tmp_path / "p", PLAIN + salt)
    own_build(host, mount, "buildkit", "-t", "own:buildkit")
    own_build(host, plain, "legacy", "-t", "own:legacy")
    before = {tag: random_bytes(host, f"own:{tag}") for tag in ("buildkit", "legacy")}
    held, containers = images(host), said(host, "ps", "-aq")

    seen = audit(core, mount, [name], peek=("buildkit",))
    assert {status for _, status in statuses(run_of(seen, name, "buildkit-peek"))} == {"hit"}
    seen = audit(core, plain, [name], peek=("legacy",))
    assert {status for _, status in statuses(run_of(seen, name, "legacy-peek"))} == {"hit"}

    assert images(host) == held
    assert said(host, "ps", "-aq") == containers
    own_build(host, mount, "buildkit", "-t", "own:buildkit2")
    own_build(host, plain, "legacy", "-t", "own:legacy2")
    assert random_bytes(host, "own:buildkit2") == before["buildkit"]
    assert random_bytes(host, "own:legacy2") == before["legacy"]


@pytest.mark.takes_turns
@pytest.mark.fault("users-caches", "left-by-stopped")
@pytest.mark.parametrize("backend", ["legacy", "buildkit"])
@pytest.mark.parametrize("name", HOSTS)
def test_a_build_that_misses_is_stopped_at_its_first_run(
    lab: Lab, core: Core, name: str, backend: str, tmp_path: Path
) -> None:
    host = lab[name]
    build = folder(tmp_path, HOSTILE, **{"src.txt": str(time.time_ns())})
    held, containers = images(host), said(host, "ps", "-aq")
    began = time.monotonic()
    document = audit(core, build, [name], peek=(backend,))
    assert time.monotonic() - began < 18  # the RUN alone takes 20
    run = run_of(document, name, f"{backend}-peek")
    assert run.status == "ok", run.reason
    assert statuses(run)[1:] == [("COPY", "miss"), ("RUN", "miss"), ("RUN", "not-reached")]
    assert images(host) == held
    assert said(host, "ps", "-aq") == containers
    assert not host.processes()
    again = audit(core, build, [name], peek=(backend,))
    assert statuses(run_of(again, name, f"{backend}-peek"))[2] == ("RUN", "miss")


@pytest.mark.takes_turns
@pytest.mark.parametrize("name", HOSTS)
def test_other_branches_are_waited_for(lab: Lab, core: Core, name: str, tmp_path: Path) -> None:
    host = lab[name]
    salt = time.time_ns()
    warm = f"FROM base:1 AS warm\nRUN echo warm {salt} > /w\nRUN echo again {salt} > /v\n"
    own_build(host, folder(tmp_path / "w", warm), "buildkit")
    text = f"FROM base:1 AS cold\nRUN sleep 20 && echo {salt}\n{warm}COPY --from=cold /etc /etc\n"
    document = audit(core, folder(tmp_path / "c", text), [name], peek=("buildkit",))
    found = statuses(run_of(document, name, "buildkit-peek"))
    assert [status for keyword, status in found if keyword == "RUN"] == ["miss", "hit", "hit"]
    assert found[-1] == ("COPY", "not-reached")


@pytest.mark.fault("interrupted")
@pytest.mark.takes_turns
def test_a_watch_tells_what_changed(lab: Lab, tmp_path: Path) -> None:
    """The host's user fills the cache between two looks; Ctrl-C ends the watch."""
    build = folder(tmp_path / "b", f"FROM base:1\nRUN echo {time.time_ns()}\nRUN sleep 1\n")
    words = ["peek", str(build), "-w", "new", "--only", "buildkit", "--watch", "10s"]
    words += ["--network", "none"]
    command = [sys.executable, "-m", "cachetui", *words, "--hosts", str(lab.hosts_toml)]
    command += ["--store", str(tmp_path / "store")]
    told, errors = tmp_path / "out", tmp_path / "err"
    with told.open("wb") as out, errors.open("wb") as err:
        watch = subprocess.Popen(command, stdout=out, stderr=err)
    try:
        until(lambda: "looking again every 10.0s" in errors.read_text(), 30, "the first look")
        assert "cold from line 2 on" in told.read_text()
        own_build(lab["new"], build, "buildkit", "-t", "own:watched")
        until(lambda: "new buildkit is warm again" in told.read_text(), 60, "the news")
        watch.send_signal(signal.SIGINT)
        assert watch.wait(10) == 130
    finally:
        watch.kill()
        watch.wait(10)
    assert not lab["new"].processes()
    assert len(Store(tmp_path / "store").audits()) == 2


@pytest.mark.takes_turns
def test_a_second_look_says_what_the_first_did(core: Core, tmp_path: Path) -> None:
    """Both are compared with the build, not with the RUN at which the first was stopped."""
    text = f"FROM base:1\nCOPY src.txt /src.txt\nRUN sleep 1 && echo {time.time_ns()}\n"
    audit(
        core, folder(tmp_path, text, **{"src.txt": "1"}), ["new"], scenarios=("buildkit-as-found",)
    )
    build = folder(tmp_path, text, **{"src.txt": "2"})
    looks = [audit(core, build, ["new"], peek=("buildkit",)) for _ in range(2)]
    missed = [dict(statuses(run_of(look, "new", "buildkit-peek"))) for look in looks]
    assert [(each["COPY"], each["RUN"]) for each in missed] == [("miss", "miss"), ("hit", "miss")]
    found = [{one.name for one in core.findings(look).findings} for look in looks]
    assert all("context-content:2" in names for names in found)
    assert not any(name.startswith("evicted") for name in set().union(*found))
