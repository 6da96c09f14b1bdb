"""What a bake or compose file says and an audit leaves out is noted of a share too."""

from __future__ import annotations

import threading
from pathlib import Path

import msgspec

from cachetui.config import hosts_toml
from cachetui.config.settings import folder_build
from cachetui.core import Core, Options
from cachetui.share.kinds import kind_named
from cachetui.store.database import Store
from tests.sample_builds import folder

NOTE = "left out of web: cache-to type=registry,ref=r/web:cache: it writes a cache that others read"


def test_its_notes_are_those_of_a_run(tmp_path: Path) -> None:
    file = tmp_path / "hosts.toml"
    file.write_text("".join(f'[[hosts]]\nname = "{n}"\naddress = "local"\n' for n in "ab"))
    core = Core(hosts_toml.load(file), Store(tmp_path / "store"))
    build = folder_build(folder(tmp_path / "web", "FROM base:1\nRUN x\n"))
    build = msgspec.structs.replace(build, source_notes=(NOTE,))
    hosts = core.settings.hosts
    sharing = core.sharing(build, hosts, [kind_named("inline")], cancel=threading.Event())
    run = core.prepare(build, hosts, Options(scenarios=("buildkit-cold",)))
    assert sharing.notes == [*run.task.plan.notes] == [NOTE]
