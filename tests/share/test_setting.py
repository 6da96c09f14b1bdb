"""What an experiment's builds take over of the build's own options."""

from __future__ import annotations

import threading
from pathlib import Path

import msgspec

from cachetui.config import hosts_toml
from cachetui.config.settings import folder_build
from cachetui.core import Core
from cachetui.records.scenario import Planned
from cachetui.share.kinds import kind_named
from cachetui.store.database import Store
from tests import make_records


def test_what_an_experiment_does_in_its_own_way_is_left_out_and_pull_is_not(
    tmp_path: Path,
) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "Dockerfile").write_text("FROM base:1\nRUN x\n")
    file = tmp_path / "hosts.toml"
    file.write_text("".join(f'[[hosts]]\nname = "{n}"\naddress = "local"\n' for n in "ab"))
    core = Core(hosts_toml.load(file), Store(tmp_path / "store"))
    own = ("--pull", "--no-cache", "--cache-from", "type=registry,ref=r:1", "--ulimit", "nofile=9")
    build = msgspec.structs.replace(folder_build(tmp_path / "app"), docker_args=own)
    kind = kind_named("local-max")
    shared = core.sharing(
        build,
        core.settings.hosts,
        [kind],
        exporter="a",
        importers=["b"],
        registry=None,
        cancel=threading.Event(),
    ).shared
    for of, words in ((None, ("--load",)), (kind, ("--cache-to", "x"))):
        made = shared.derived(make_records.facts(), of, Planned("buildkit-cold", 1), words)
        assert made.build.docker_args == ("--pull", "--ulimit", "nofile=9", *words)
