"""A team on the lab: a build whose cache one host exports to a registry, and others import."""

from __future__ import annotations

import time
from pathlib import Path

from cachetui.config import hosts_toml
from cachetui.core import Core
from cachetui.records.document import Document
from cachetui.store.database import Store
from tests.audits import audit, typed
from tests.lab.sharing import Sharing
from tests.sample_builds import folder

IMPORTED = "buildkit-imported"
IMPORTERS = ("mid", "new", "ctd2")
CONTAINERD = "ctd2"
"""The one of them that keeps what it imported: see `audit.imported_records`."""
TEXT = """\
FROM @BASE@ AS deps
WORKDIR /w
COPY package.json .
RUN echo @SALT@ >/w/deps && sleep 1
FROM @BASE@
COPY --from=deps /w/deps /app/deps
COPY src /app/
RUN echo @SALT@ >/app/done && sleep 1
"""
DEPS, LAST = "package.json", "src"


class Team:
    """A build whose cache ctd exports, and cachetui on the fleet."""

    def __init__(self, fleet: Sharing, tmp_path: Path, text: str = TEXT) -> None:
        self.fleet = fleet
        self.salt = str(time.time_ns())
        text = text.replace("@SALT@", self.salt).replace("@BASE@", fleet.base)
        self.files = {DEPS: "{}", LAST: self.salt}
        self.build = folder(tmp_path / "app", text)
        for name, content in self.files.items():
            (self.build / name).write_text(content)
        self.ref = fleet.registry.ref(f"team:{self.salt}")
        self.core = Core(hosts_toml.load(fleet.hosts_toml), Store(tmp_path / "store"))

    def export(self, kind: str = "registry") -> str:
        """As the user of ctd, with mode=max, or `inline` with the image; how it is imported."""
        ref, words = f"type=registry,ref={self.ref}", ["--push", "--tag", self.ref]
        to = "type=inline" if kind == "inline" else f"{ref},mode=max"
        options = ["--cache-to", to, *(words if kind == "inline" else ())]
        typed(self.fleet["ctd"], self.build, "buildkit", *options)
        return ref

    def change(self, name: str) -> None:
        """Give a file of the build another content."""
        (self.build / name).write_text(f"changed {time.time_ns()}")

    def audit(self, *hosts: str, source: str | None = None, **options: object) -> Document:
        """With the cache that was exported, or another `source`."""
        source = source or f"type=registry,ref={self.ref}"
        return audit(
            self.core,
            self.build,
            hosts or IMPORTERS,
            scenarios=(IMPORTED,),
            docker_args=("--cache-from", source),
            **options,
        )

    def typed(self, host: str) -> str:
        """What `docker build` says that the user of a host types, without an import."""
        return typed(self.fleet[host], self.build, "buildkit")
