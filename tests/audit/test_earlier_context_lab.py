"""A context that is put together from an earlier one on the host has the cache keys of one that was
sent whole, and leaves its user's builds and the earlier one as they were."""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path

import pytest

from cachetui.context.build_context import read_context
from cachetui.core import Core
from cachetui.hosts.upload import context_folder, path_on_host
from cachetui.records.run import Run
from tests.audits import audit, core_of, log_of, run_of, step_at, typed, typed_hits
from tests.lab import Lab
from tests.sample_builds import checkout

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("others_images_go")]

TIME = 1_760_000_000
WORDS = ("COPY", "RUN")
AS_FOUND = ("legacy-as-found", "buildkit-as-found")


def audited(core: Core, build: Path, host: str) -> dict[str, Run]:
    """The as-found runs of an audit, none of them stored before."""
    document = audit(core, build, [host], scenarios=AS_FOUND, fresh=True)
    runs = {name: run_of(document, host, name) for name in AS_FOUND}
    assert {run.status for run in runs.values()} == {"ok"}
    return runs


def all_are(runs: dict[str, Run], status: str) -> bool:
    """Whether COPY and RUN did so with both builders."""
    return all(step_at(run, word).status == status for run in runs.values() for word in WORDS)


@pytest.mark.takes_turns
@pytest.mark.parametrize("name", ["old", "mid", "new", "ctd"])
def test_its_keys_are_those_of_one_sent_whole(lab: Lab, tmp_path: Path, name: str) -> None:
    host = lab[name]
    mark = random.randbytes(8).hex()
    text = f"FROM base:1\nCOPY . /src\nRUN cat /src/conf && echo {mark}\n"
    files = {"Dockerfile": text, "conf": "conf=alpha\n"}
    files |= {f"data/{n}": random.randbytes(50_000).hex() for n in range(4)}
    build = checkout(tmp_path / "build", files, TIME)
    own = checkout(tmp_path / "own", files, TIME)
    for backend in ("legacy", "buildkit"):
        typed(host, own, backend)
    core = core_of(lab, tmp_path / "store")
    contexts = host.dir / "home/.cache/cachetui"
    shutil.rmtree(contexts, ignore_errors=True)

    def place() -> Path:
        return Path(path_on_host(context_folder(str(contexts), read_context(build).digest)))

    assert all_are(audited(core, build, name), "hit")
    first = place()
    # Of the same size and time, so that only its bytes tell it from the earlier one.
    (build / "conf").write_text("conf=omega\n")
    os.utime(build / "conf", (TIME, TIME))
    changed = audited(core, build, name)
    assert all_are(changed, "miss")
    for run in changed.values():
        assert "conf=omega" in log_of(core.store, run, step_at(run, "RUN"))
    second = place()
    assert first != second
    assert (first / "data/0").stat().st_ino == (second / "data/0").stat().st_ino
    assert (first / "conf").read_text() == "conf=alpha\n"
    shutil.rmtree(contexts)
    assert all_are(audited(core, build, name), "hit")
    assert (place() / "data/0").stat().st_nlink == 1
    for backend in ("legacy", "buildkit"):
        said = typed(host, own, backend)
        assert len(typed_hits(said)) == 2, said
