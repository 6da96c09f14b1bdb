"""What is shared of a git repository: all its files, whatever its .dockerignore says, as docker's
own build of the repository has them."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from cachetui.cli.args import RunArgs
from cachetui.cli.selection import select_build
from cachetui.config import hosts_toml
from cachetui.core import Core
from cachetui.records.scenario import Planned
from cachetui.share.kinds import kind_named
from cachetui.store.database import Store
from tests import make_records
from tests.git_server import commit, served

FILES = {
    "Dockerfile": "FROM base:1 AS deps\nRUN x\nFROM base:1\nCOPY . /x\n",
    ".dockerignore": "left-out\n",
    "left-out": "kept\n",
}


@pytest.mark.parametrize("stage", [None, 0])
def test_it_is_built_from_the_folder_with_nothing_left_out(
    tmp_path: Path, stage: int | None
) -> None:
    commit(tmp_path / "git" / "app", FILES)
    file = tmp_path / "hosts.toml"
    file.write_text("".join(f'[[hosts]]\nname = "{n}"\naddress = "local"\n' for n in "ab"))
    with served(tmp_path / "git") as url:
        core = Core(hosts_toml.load(file), Store(tmp_path / "store"))
        build = select_build(core.settings, f"{url}/app/.git#main", RunArgs())
        kinds = [kind_named("local-max")]
        sharing = core.sharing(
            build,
            core.settings.hosts,
            kinds,
            exporter="a",
            importers=["b"],
            registry=None,
            cancel=threading.Event(),
        )
    task = sharing.shared.task
    sent = {entry.path for entry in task.context.entries}
    assert {"context/left-out", "context/.dockerignore", "Dockerfile"} <= sent
    facts = make_records.facts()
    made = sharing.shared.derived(facts, kinds[0], Planned("buildkit-cold", 1), (), stage)
    assert made.build.archive is None
    folder = Path(made.build.context).parent
    if stage is None:
        assert Path(made.build.dockerfile) == folder / "Dockerfile"
        assert "Dockerfile.dockerignore" in sent
    else:
        assert "RUN x" in made.script
        assert "# nothing is left out" in made.script
        assert f"{made.build.dockerfile}.dockerignore" in made.script
