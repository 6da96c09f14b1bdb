"""An experiment on the lab: a build of three stages, the hosts that share it, what hosts hold."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from cachetui.config import hosts_toml
from cachetui.config.settings import folder_build
from cachetui.core import Core
from cachetui.hosts.cache_records import CacheRecord, parse_cache
from cachetui.hosts.machine import Completed
from cachetui.records.document import Document
from cachetui.records.share import Share
from cachetui.share.kinds import kind_named
from cachetui.share.sharing import Sharing
from cachetui.store.database import Store
from tests.audits import typed
from tests.lab.host import Host
from tests.lab.sharing import Sharing as Fleet

THREE_STAGES = """\
FROM @BASE@ AS deps
WORKDIR /w
COPY package.json .
RUN echo @SALT@ >/w/deps
FROM @BASE@ AS test
RUN false
FROM @BASE@
COPY --from=deps /w/deps /app/deps
COPY src /app/
RUN echo @SALT@ >/app/done
"""


@dataclass
class Experiment:
    """A build of its own in `folder`, and cachetui on the lab's hosts."""

    fleet: Fleet
    folder: Path
    text: str = THREE_STAGES
    base: str = ""
    cancel: threading.Event = field(default_factory=threading.Event)
    docker_args: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.build = self.folder / "app"
        self.build.mkdir(parents=True)
        text = self.text.replace("@SALT@", str(time.time_ns()))
        (self.build / "Dockerfile").write_text(text.replace("@BASE@", self.base or self.fleet.base))
        (self.build / "package.json").write_text("{}")
        (self.build / "src").write_text("src")
        self.core = Core(hosts_toml.load(self.fleet.hosts_toml), Store(self.folder / "store"))

    def prepare(
        self,
        *kinds: str,
        exporter: str | None = "ctd",
        to: Sequence[str] = ("ctd2",),
        registry: str | None = None,
    ) -> Sharing:
        """The experiment, prepared by nobody yet; the registry is the fleet's."""
        settings = msgspec.structs.replace(
            folder_build(self.build), network="none", docker_args=self.docker_args
        )
        hosts = [h for h in self.core.settings.hosts if h.name in (exporter, *to)]
        return self.core.sharing(
            settings,
            hosts,
            [kind_named(kind) for kind in kinds],
            exporter=exporter,
            importers=to,
            registry=registry or self.fleet.registry.address,
            cancel=self.cancel,
        )

    def run(self, sharing: Sharing, meanwhile: Callable[[str, str], None] | None = None) -> Share:
        """Prepare and run it; `meanwhile` is told what each host begins."""
        try:
            sharing.prepare()
            if meanwhile is not None:
                sharing.on_progress = meanwhile
            self.document: Document = sharing.run()
        finally:
            sharing.close()
        assert self.document.share is not None
        return self.document.share

    def typed(self, host: str) -> str:
        """What `docker build` says that the user of the host types."""
        return typed(self.fleet[host], self.build, "buildkit")


def held(host: Host) -> dict[str, object]:
    """What a host holds that its user sees: images with their tags, containers, volumes, and
    folders of ours that are no contexts."""
    contexts = host.cache_folder / "cachetui" / "contexts"
    names = [one.name for one in contexts.iterdir()] if contexts.is_dir() else []
    return {
        "images": sorted(_lines(host, "image", "ls", "-a", "--format", "{{.ID}} {{.Tag}}")),
        "containers": _lines(host, "ps", "-aq"),
        "volumes": _lines(host, "volume", "ls", "-q"),
        "folders": [name for name in names if len(name) != 64],
        "records": [line for line in _lines(host, "buildx", "history", "ls") if "share-" in line]
        if host.buildx_version and host.buildx_version >= "0.2"
        else [],
    }


def _lines(host: Host, *words: str) -> list[str]:
    return host.docker(*words, check=False).stdout.decode().splitlines()


def kept(share: Share, host: str, kind: str, keyword_lines: Sequence[int]) -> list[str]:
    """What a kind kept of the steps at these places (stage * 10 + index) on a host."""
    found = share.import_of(host, kind)
    assert found is not None, (host, kind, share)
    assert found.status == "ok", found
    return [one.kept for one in found.steps if one.stage_index * 10 + one.index in keyword_lines]


def ran(said: str) -> list[str]:
    """The steps, but FROM, that a build of BuildKit ran by what it said."""
    steps = re.findall(r"^#(\d+) (\[(?!internal|auth).*)$", said, re.MULTILINE)
    return [
        name
        for number, name in dict(steps).items()
        if " FROM " not in name
        and re.search(rf"^#{number} DONE", said, re.MULTILINE)
        and f"\n#{number} CACHED" not in said
    ]


def image(said: str) -> str:
    """The image that a build of BuildKit made, by what it said."""
    digests: list[str] = re.findall(r"(?:writing image|exporting manifest) (sha256:\w+)", said)
    return digests[0]


def records(host: Host) -> tuple[CacheRecord, ...]:
    """What the engine lists of its build cache."""
    done = host.docker("system", "df", "-v", "--format", "{{json .BuildCache}}")
    listed = parse_cache(Completed(0, done.stdout, b""))
    assert listed is not None
    return listed
