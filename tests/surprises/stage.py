"""Where a surprise is played: a build of its own, the lab's hosts, and what cachetui says of it."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from cachetui.config.settings import HostSettings, folder_build
from cachetui.core import Core, Options
from cachetui.records.document import Document
from cachetui.share.kinds import kind_named
from tests.audits import core_of
from tests.lab import Lab
from tests.lab.base import BASE
from tests.lab.registry import Registry
from tests.surprises.secret import give_secret

HOSTS = ("old", "mid", "new", "ctd")
PARTS = ("surprise", "near")


@dataclass
class Stage:
    """A build folder whose `@SALT@` is unique, so that no cache of another test knows it.

    What it does is what users do: `typed` is `docker build` on a host, `audit` is cachetui's.
    """

    lab: Lab
    source: Path
    folder: Path
    hosts: tuple[str, ...] = HOSTS
    salt: str = field(default_factory=lambda: str(time.time_ns()))
    settings: dict[str, object] = field(default_factory=dict)
    host_settings: dict[str, dict[str, object]] = field(default_factory=dict)
    audits: list[Document] = field(default_factory=list)
    core: Core = field(init=False)

    def __post_init__(self) -> None:
        self.build = self.folder / "build"
        shutil.copytree(self.source, self.build)
        for path in self.build.rglob("*"):
            if path.is_file():
                path.write_text(path.read_text().replace("@SALT@", self.salt))
                path.chmod(0o644)
        give_secret(self.folder / "store")
        self.core = core_of(self.lab, self.folder / "store")

    def write(self, name: str, text: str, mode: int = 0o644) -> Path:
        """Write a file of the build."""
        path = self.build / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace("@SALT@", self.salt))
        path.chmod(mode)
        return path

    def edit(self, name: str, old: str, new: str) -> None:
        """Change a file of the build, which must have `old` in it."""
        path = self.build / name
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    def typed(
        self, *options: str, backend: str, hosts: Sequence[str] = (), folder: Path | None = None
    ) -> None:
        """What users of the hosts do before: `docker build`."""

        def one(name: str) -> None:
            engine = self.lab[name].engine
            env = {**engine.env, "DOCKER_BUILDKIT": "1" if backend == "buildkit" else "0"}
            import subprocess

            done = subprocess.run(
                [
                    engine.bin / "docker",
                    "build",
                    "-q",
                    "--network=none",
                    *options,
                    str(folder or self.build),
                ],
                env={**os.environ, **env},
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
            assert done.returncode == 0, f"{name}: {done.stdout}{done.stderr}"

        self.everywhere(one, hosts)

    def everywhere(self, work: Callable[[str], object], hosts: Sequence[str] = ()) -> None:
        """Do something on several hosts (none named: all of the stage) side by side."""
        with ThreadPoolExecutor(len(HOSTS)) as pool:
            for job in [pool.submit(work, name) for name in hosts or self.hosts]:
                job.result()

    def audit(
        self,
        *scenarios: str,
        hosts: Sequence[str] = (),
        repeat: int = 1,
        check_stale: bool = False,
    ) -> Document:
        """Run these scenarios and remember the audit."""
        changes = {"network": "none", **self.settings}
        build = msgspec.structs.replace(folder_build(self.build), name="surprise", **changes)
        chosen = [
            self._host(host)
            for host in self.core.settings.hosts
            if host.name in (hosts or self.hosts)
        ]
        options = Options(
            scenarios=scenarios,
            repeat=repeat,
            fresh=True,
            outputs=check_stale,
            check_stale=check_stale,
        )
        document = self.core.prepare(build, chosen, options).run()
        if check_stale:
            document = self.core.checked_for_stale(document, threading.Event())
        assert [host.status for host in document.hosts] == ["ok"] * len(chosen), [
            (host.name, host.reason) for host in document.hosts if host.status != "ok"
        ]
        self.audits.append(document)
        return document

    @contextmanager
    def registry(self, exporter: str) -> Iterator[Registry]:
        """A registry that is there meanwhile, from which `base:1` of the build comes."""
        with Registry.of(self.lab[exporter]) as registry:
            # A manifest that a graph driver's engine pushed, ctd pulls without its configuration.
            ref = registry.push(self.lab["ctd"], BASE, "base:1")
            self.lab["ctd"].docker("rmi", ref)
            self.edit("Dockerfile", "FROM base:1", f"FROM {ref}")
            yield registry

    def share(self, *kinds: str, exporter: str, to: Sequence[str]) -> Document:
        """Share the build's cache and remember the audit."""
        with self.registry(exporter) as registry:
            folder = folder_build(self.build)
            build = msgspec.structs.replace(folder, name="surprise", network="none")
            sharing = self.core.sharing(
                build,
                [host for host in self.core.settings.hosts if host.name in (exporter, *to)],
                [kind_named(kind) for kind in kinds],
                exporter=exporter,
                importers=to,
                registry=registry.address,
                cancel=threading.Event(),
            )
            try:
                sharing.prepare()
                document = sharing.run()
            finally:
                sharing.close()
        assert document.share is not None
        assert not document.share.failed, document.share
        self.audits.append(document)
        return document

    def _host(self, host: HostSettings) -> HostSettings:
        return msgspec.structs.replace(host, **self.host_settings.get(host.name, {}))
