"""Docker's own options in an audit, on real engines: built, and the user's caches as before."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from cachetui.core import Core
from tests.audit.test_audit_lab import images, own_build, random_bytes
from tests.audits import audit, core_of, typed_hits
from tests.lab import Lab
from tests.sample_builds import MOUNT, PLAIN, folder

pytestmark = pytest.mark.lab

BOTH = (
    "--label",
    "a=b",
    "--shm-size",
    "80m",
    "--ulimit",
    "nofile=512",
    "--add-host",
    "db:10.0.0.7",
)
BUILDKIT = (*BOTH, "--secret", "id=s,src=/etc/hostname", "--platform", "linux/amd64")


@pytest.mark.takes_turns
@pytest.mark.parametrize("name", ["old", "mid", "new", "ctd"])
def test_the_users_build_with_these_options_hits_what_it_hit(
    lab: Lab, tmp_path: Path, name: str
) -> None:
    core: Core = core_of(lab, tmp_path / "store")
    host = lab[name]
    salt = f"# {time.time_ns()}\n"
    mount, plain = folder(tmp_path / "m", MOUNT + salt), folder(tmp_path / "p", PLAIN + salt)
    unique = f"SALT={time.time_ns()}"
    own_build(host, mount, "buildkit", "-t", "opt:buildkit", *BUILDKIT, "--build-arg", unique)
    own_build(host, plain, "legacy", "-t", "opt:legacy", *BOTH, "--build-arg", unique)
    own_build(host, plain, "legacy", *BOTH, "--build-arg", unique)
    before = {tag: random_bytes(host, f"opt:{tag}") for tag in ("buildkit", "legacy")}
    held = images(host)

    args = {"SALT": unique.removeprefix("SALT=")}
    for build, options in ((mount, BUILDKIT), (plain, BOTH)):
        document = audit(core, build, [name], build_args=args, docker_args=options)
        assert {run.status for run in document.runs} <= {"ok", "unsupported"}
        ended = {run.scenario for run in document.runs if run.status == "ok"}
        assert {"buildkit-cold", "buildkit-warm"} <= ended

    assert images(host) == held
    again = own_build(host, mount, "buildkit", "-t", "opt:b2", *BUILDKIT, "--build-arg", unique)
    legacy = own_build(host, plain, "legacy", "-t", "opt:l2", *BOTH, "--build-arg", unique)
    assert random_bytes(host, "opt:b2") == before["buildkit"]
    assert random_bytes(host, "opt:l2") == before["legacy"]
    assert "---> Running in" not in legacy
    assert typed_hits(again), again
