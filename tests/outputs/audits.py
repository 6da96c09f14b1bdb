"""Audits whose images are in the store, made without an engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cachetui.config.settings import HostSettings, Settings
from cachetui.outputs.gather_contents import gather_contents
from cachetui.outputs.run_contents import keep_contents
from cachetui.records.document import BuildRecord, Document
from cachetui.records.host import HostReport
from cachetui.records.run import Image, Run
from cachetui.records.step import Step
from cachetui.store.database import Store
from tests.outputs.fakedocker import FakeHost
from tests.outputs.tars import tar

DOCKERFILE = """\
FROM base:1
COPY app /app
RUN make
CMD ["run"]
"""

BASE = tar(("bin", None), ("bin/sh", b"#!"), ("proc", None))
APP = tar(("app", None), ("app/main", b"print()"))


def history() -> list[dict[str, Any]]:
    texts = ("COPY app /app # buildkit", "RUN /bin/sh -c make # buildkit")
    return [{}, *({"created_by": text, "comment": "buildkit.dockerfile.v0"} for text in texts)]


def run(host: str, scenario: str = "buildkit-cold", **more: Any) -> Run:
    steps = tuple(
        Step(stage=None, stage_index=0, index=i, line=i + 1, instruction=text, status="miss")
        for i, text in enumerate(DOCKERFILE.splitlines()[:3])
    )
    return Run(
        **{
            "id": f"{host}-{scenario}",
            "audit": "a1",
            "host": host,
            "scenario": scenario,
            "repeat": 1,
            "status": "ok",
            "started_at": 1.0,
            "seconds": 1.0,
            "steps": steps,
            **more,
        }
    )


class Fleet:
    """Hosts with an image each, gathered; `made` is what RUN made on them, `cmds` their CMDs."""

    def __init__(
        self,
        folder: Path,
        made: Mapping[str, bytes],
        *,
        copies: bool = False,
        cmds: Sequence[str] = (),
    ) -> None:
        self.store = Store(folder / "store")
        self.hosts: dict[str, FakeHost] = {}
        runs: list[Run] = []
        for number, (name, layer) in enumerate(made.items()):
            host = self.hosts[name] = FakeHost(folder / name, name)
            layers = [BASE, APP, layer]
            cmd = [cmds[number] if cmds else "run"]
            image = host.image("app", layers, history=history(), config={"Cmd": cmd})
            contents = gather_contents(
                host.machine(),
                host.settings,
                "app",
                self.store,
                copy_to=str(folder / name / "copies") if copies else None,
            )
            one = run(name, image=Image(id=image, layers=contents.digests, bytes=1))
            keep_contents(self.store, one.id, contents)
            runs.append(one)
        self.document = document(runs)
        for one in runs:
            self.store.keep_run(one)
        self.store.keep_audit(self.document)

    @property
    def settings(self) -> Settings:
        hosts: Sequence[HostSettings] = [host.settings for host in self.hosts.values()]
        return Settings(path=None, hosts=tuple(hosts), builds={})


def document(runs: Sequence[Run]) -> Document:
    return Document(
        audit="a1",
        build=BuildRecord(
            name="api",
            context_digest="sha256:0",
            dockerfile="Dockerfile",
            dockerfile_text=DOCKERFILE,
        ),
        hosts=tuple(HostReport(name=one.host, status="ok") for one in runs),
        runs=tuple(runs),
        started_at=1.0,
        seconds=1.0,
        version="0",
        scenarios=("buildkit-cold",),
    )
