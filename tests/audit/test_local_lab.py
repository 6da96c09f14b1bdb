"""A machine that audits itself (`address = "local"`, no SSH), as a runner of CI does by
`examples/ci/audit.sh`: what it says, and what it leaves as it was."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.audits import typed
from tests.docs.console import ROOT
from tests.lab import Lab
from tests.lab.state import State
from tests.sample_builds import MOUNT, folder

pytestmark = [
    pytest.mark.lab,
    pytest.mark.takes_turns,
    pytest.mark.usefixtures("others_images_go"),
]

FILES = re.compile(r"mount had (\d+) files")


def test_a_runner_audits_itself_and_is_left_as_it_was(lab: Lab, tmp_path: Path) -> None:
    host = lab["new"]
    mount = MOUNT.replace("type=cache,", f"type=cache,id={tmp_path.name},")
    build = folder(tmp_path / "shop", mount)
    bake = {"target": {"shop": {"context": "shop", "network": "none"}}}
    (tmp_path / "docker-bake.json").write_text(json.dumps(bake))
    env = {
        **os.environ,
        **host.engine.env,
        "PATH": f"{Path(sys.executable).parent}:{host.engine.bin}:/usr/bin:/bin",
        "HOME": str(tmp_path / "home"),
        "BUILD": "docker-bake.json#shop",
        "RUNNER": "ci-7",
    }

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            words, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=120, check=False
        )

    typed(host, build, "buildkit")
    before = State.of(host)
    script = str(ROOT / "examples" / "ci" / "audit.sh")
    night = run("sh", script, "night")
    assert night.returncode == 0, night.stderr
    assert not FILES.search(typed(host, build, "buildkit")), "the user's build hits"
    (tmp_path / "hosts.toml").write_text('[[hosts]]\nname = "ci-7"\naddress = "local"\n')
    scenarios = "buildkit-cold,buildkit-warm"
    audited = run("cachetui", "run", "docker-bake.json#shop", "--scenarios", scenarios)
    assert audited.returncode == 0, audited.stderr
    assert "ci-7" in audited.stdout
    (tmp_path / "hosts.toml").unlink()
    assert State.of(host).docker == before.docker

    (build / "src.txt").write_text("changed\n")
    request = run("sh", script, "pull-request")
    assert request.returncode == 1, request.stderr
    comment = (tmp_path / "comment.md").read_text("utf-8")
    assert re.search(r"on ci-7: line 3 .*COPY src.txt .* hit then and missed now", comment), comment
    assert "src.txt" in comment.partition("### Why")[2]
    said = typed(host, build, "buildkit")
    assert not FILES.search(said), "what the audit built as found is there"
