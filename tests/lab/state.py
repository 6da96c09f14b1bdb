"""What is on a host that its user could miss, or find too much: images, containers, our folder."""

from __future__ import annotations

import http.client
import json
import socket
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from tests.lab.host import Host

WHOLE_CONTEXT = 64
"""The length of a context's folder name, the digest of what it holds."""


@dataclass(frozen=True)
class State:
    """What `docker ps -a`, `docker images -a` and a look into cachetui's folder tell."""

    images: frozenset[str]
    tags: frozenset[str]
    containers: frozenset[str]
    folder: tuple[str, ...]
    """Every path in cachetui's folder, from there on."""

    @property
    def docker(self) -> tuple[frozenset[str], ...]:
        """What docker itself tells: all but our folder."""
        return (self.images, self.tags, self.containers)

    @property
    def unfinished(self) -> frozenset[str]:
        """What is in the folder and no whole build context: these stay for later audits."""
        tops = {"/".join(path.split("/")[:2]) for path in self.folder if path != "contexts"}
        return frozenset(top for top in tops if not _is_context(top))

    @classmethod
    def of(cls, host: Host) -> State:
        """Ask the engine itself, which takes a few milliseconds. Raises OSError if it is down."""
        images = _ask(host.docker_socket, "/images/json?all=1")
        containers = _ask(host.docker_socket, "/containers/json?all=1")
        ours = host.cache_folder / "cachetui"
        return cls(
            frozenset(image["Id"] for image in images),
            frozenset(
                f"{tag} {image['Id']}" for image in images for tag in image["RepoTags"] or ()
            ),
            frozenset(f"{one['Id']} {one['Command']}" for one in containers),
            tuple(sorted(str(path.relative_to(ours)) for path in ours.glob("**/*"))),
        )

    def changes(self, before: State) -> list[str]:
        """What is there now and was not, or the other way round, a line each."""
        lines: list[str] = []
        for field in fields(self):
            then, now = set(getattr(before, field.name)), set(getattr(self, field.name))
            lines += [f"new in {field.name}: {one}" for one in sorted(now - then)]
            lines += [f"gone from {field.name}: {one}" for one in sorted(then - now)]
        return lines


def _is_context(path: str) -> bool:
    folder, _, name = path.partition("/")
    return folder == "contexts" and len(name) == WHOLE_CONTEXT


class _Connection(http.client.HTTPConnection):
    """HTTP over an engine's socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("docker", timeout=30)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def _ask(path: Path, question: str) -> list[dict[str, Any]]:
    connection = _Connection(path)
    try:
        connection.request("GET", question)
        answer = connection.getresponse()
        text = answer.read()
        if answer.status != 200:
            raise OSError(f"{question}: {text.decode(errors='replace')}")
        found: list[dict[str, Any]] = json.loads(text)
        return found
    finally:
        connection.close()
