"""An audit of another docker context is one of that engine, and leaves both as they were."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cachetui.config import hosts_toml
from cachetui.core import Core
from cachetui.store.database import Store
from tests.audits import audit, run_of, statuses, typed
from tests.lab import Lab
from tests.lab.state import State
from tests.sample_builds import MOUNT, folder

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("others_images_go")]

FILES = re.compile(r"mount had \d+ files")


def test_another_docker_context_is_another_engine(lab: Lab, tmp_path: Path) -> None:
    new, ctd = lab["new"], lab["ctd"]
    new.docker("context", "create", "other", "--docker", f"host={ctd.engine.host}")
    try:
        build = folder(tmp_path / "build", MOUNT)
        typed(ctd, build, "buildkit")
        before = {host.name: State.of(host) for host in (new, ctd)}
        text = lab.hosts_toml.read_text().replace(
            'name = "new"\n', 'name = "new"\nbuilder = "other"\n'
        )
        (tmp_path / "hosts.toml").write_text(text)
        core = Core(hosts_toml.load(tmp_path / "hosts.toml"), Store(tmp_path / "store"))
        document = audit(core, build, ["new"], scenarios=("buildkit-cold", "buildkit-warm"))

        (host,) = document.hosts
        assert host.status == "ok", host.reason
        assert host.store == "containerd/overlayfs", "the store of the other engine"
        assert run_of(document, "new", "buildkit-cold").image is not None
        assert {status for _, status in statuses(run_of(document, "new", "buildkit-warm"))} == {
            "hit"
        }
        assert not FILES.search(typed(ctd, build, "buildkit")), "the user's build hits"
        (build / "src.txt").write_text("changed\n")
        assert "mount had 1 files" in typed(ctd, build, "buildkit")
        assert State.of(new).docker == before["new"].docker
        assert State.of(ctd).images >= before["ctd"].images
        assert State.of(ctd).tags == before["ctd"].tags
    finally:
        new.docker("context", "rm", "-f", "other", check=False)
