"""Caches that are not imported, as engines and their clients tell of them; each build goes on."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from cachetui.core import Core
from tests.audits import audit, core_of, run_of
from tests.lab import Lab
from tests.sample_builds import folder

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def core(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Core:
    return core_of(lab, tmp_path_factory.mktemp("store"))


@pytest.mark.takes_turns
@pytest.mark.parametrize("host", ["mid", "new", "ctd"])
def test_a_folder_that_is_not_there(core: Core, host: str, tmp_path: Path) -> None:
    """BuildKit has no vertex for it; its client prints a warning."""
    build = folder(tmp_path / "b", f"FROM base:1\nRUN echo {time.time_ns()}\n")
    source = "/srv/no such cache"
    document = audit(
        core,
        build,
        [host],
        scenarios=("buildkit-as-found",),
        docker_args=("--cache-from", f"type=local,src={source}"),
    )
    run = run_of(document, host, "buildkit-as-found")
    assert run.status == "ok"
    assert [(one.name, bool(one.error)) for one in run.transfers] == [(source, True)]
    (finding,) = [one for one in core.findings(document).findings if one.id == "import-failed"]
    assert source in finding.title
    assert "it is not there" in finding.title
