"""An engine in rootless mode, of an ordinary account: found, audited, and as it was afterwards."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest

from cachetui.config import hosts_toml
from cachetui.config.settings import HostSettings
from cachetui.core import Core
from cachetui.store.database import Store
from tests.as_before import QUIET_SECONDS
from tests.audit.test_stopping_lab import until
from tests.audits import audit, prepare, run_of
from tests.lab import Lab
from tests.lab.machine import process_table
from tests.lab.rootless import SOCKET, USER, Rootless, rootless_on
from tests.sample_builds import PLAIN, SLEEPING, folder

pytestmark = [pytest.mark.lab, pytest.mark.takes_turns]

SCENARIOS = ("legacy-cold", "legacy-warm", "buildkit-cold", "buildkit-warm")


@pytest.fixture(scope="module", params=["old", "new"])
def rootless(
    request: pytest.FixtureRequest, lab: Lab, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Rootless]:
    with rootless_on(lab[request.param], tmp_path_factory.mktemp("rootless")) as found:
        yield found


def core_of(rootless: Rootless, lab: Lab, store: Path, **settings: object) -> Core:
    """A core whose one host is the account."""
    host = HostSettings(
        name="h",
        address="127.0.0.1",
        port=rootless.port,
        user=USER,
        identity_file=lab.identity_file,
        known_hosts=rootless.known_hosts,
        **settings,  # type: ignore[arg-type]
    )
    return Core(
        msgspec.structs.replace(hosts_toml.load(lab.hosts_toml), hosts=(host,)), Store(store)
    )


def found_there(rootless: Rootless) -> tuple[str, ...]:
    """What the account's docker tells of images and containers."""
    asked = (("images", "-a", "--no-trunc"), ("ps", "-a", "--no-trunc"))
    form = ("--format", "{{.ID}} {{.Repository}}:{{.Tag}}"), ("--format", "{{.ID}}")
    return tuple(rootless.docker(*ask, *how) for ask, how in zip(asked, form, strict=True))


def asleep(rootless: Rootless) -> list[str]:
    return [line for line in rootless.processes() if "sleep 600" in line]


@pytest.mark.fault("podman")
def test_it_is_pointed_out_with_what_to_set(lab: Lab, rootless: Rootless, tmp_path: Path) -> None:
    core = core_of(rootless, lab, tmp_path / "s")
    (host,) = audit(core, folder(tmp_path / "b", PLAIN), scenarios=("legacy-cold",)).hosts
    assert host.status == "failed"
    assert f'env = {{ DOCKER_HOST = "unix://{SOCKET}" }}' in (host.remedy or "")


@pytest.mark.fault("podman")
def test_an_audit_is_whole_and_nothing_is_left(
    lab: Lab, rootless: Rootless, tmp_path: Path
) -> None:
    before = found_there(rootless)
    core = core_of(rootless, lab, tmp_path / "s", env={"DOCKER_HOST": f"unix://{SOCKET}"})
    document = audit(
        core, folder(tmp_path / "b", PLAIN), scenarios=SCENARIOS, fresh=True, outputs=True
    )
    assert [run.status for run in document.runs] == ["ok"] * len(SCENARIOS), document.hosts
    (host,) = document.hosts
    assert host.facts is not None
    assert host.facts.rootless
    assert host.facts.user == USER
    for backend in ("legacy", "buildkit"):
        cold, warm = (run_of(document, "h", f"{backend}-{one}") for one in ("cold", "warm"))
        assert {step.status for step in cold.steps if step.counts} == {"miss"}
        assert {step.status for step in warm.steps if step.counts} == {"hit"}
    assert found_there(rootless) == before


@pytest.mark.fault("podman")
@pytest.mark.parametrize("scenario", ["legacy-cold", "buildkit-cold"])
def test_a_stopped_build_ends(lab: Lab, rootless: Rootless, tmp_path: Path, scenario: str) -> None:
    before = found_there(rootless)
    core = core_of(rootless, lab, tmp_path / "s", env={"DOCKER_HOST": f"unix://{SOCKET}"})
    going = prepare(core, folder(tmp_path / "b", SLEEPING), scenarios=(scenario,), fresh=True)
    thread = threading.Thread(target=going.run)
    thread.start()
    until(lambda: bool(asleep(rootless)), 60, "the RUN step begins")
    going.stop()
    thread.join(30)
    until(lambda: not asleep(rootless), 5, f"it ends: {asleep(rootless)}")
    # The host removes what is ours by itself, so that nobody waits for it.
    until(lambda: found_there(rootless) == before, QUIET_SECONDS, "all is as before")


@pytest.mark.fault("podman", "users-caches")
def test_a_stopped_run_is_not_in_the_users_cache(
    lab: Lab, rootless: Rootless, tmp_path: Path
) -> None:
    """As found, the build has the keys of the account's own: its next one has to begin the RUN."""
    text = SLEEPING.replace("RUN ", f"RUN echo {time.time_ns()} && ")
    core = core_of(rootless, lab, tmp_path / "s", env={"DOCKER_HOST": f"unix://{SOCKET}"})
    going = prepare(core, folder(tmp_path / "b", text), scenarios=("buildkit-as-found",))
    thread = threading.Thread(target=going.run)
    thread.start()
    until(lambda: bool(asleep(rootless)), 60, "the RUN step begins")
    going.stop()
    thread.join(30)
    until(lambda: not asleep(rootless), 5, f"it ends: {asleep(rootless)}")
    own = rootless.words("build", "--network=none", "-", DOCKER_BUILDKIT="1")
    with subprocess.Popen(own, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as typed:
        try:
            assert typed.stdin is not None
            typed.stdin.write(text.encode())
            typed.stdin.close()
            until(lambda: bool(asleep(rootless)), 30, "it is no hit for the account")
        finally:
            for one in process_table().values():
                if one.argv[-3:] == ("build", "--network=none", "-"):  # nsenter's child, too
                    with suppress(ProcessLookupError):
                        os.kill(one.pid, signal.SIGTERM)
            until(lambda: not asleep(rootless), 10, "the account's own ends")
