"""The cache of a case that imports one: a registry on loopback, and `ctd`'s export to it."""

from __future__ import annotations

import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.lab.packages import unpacked
from tests.recordings.cases import CACHE_REGISTRY, Case

if TYPE_CHECKING:
    from tests.recordings.record import Host

REFERENCE = f"{CACHE_REGISTRY}/cache"
OLD = "image-manifest=false,oci-mediatypes=false"
"""The form of a cache's manifest that 20.10 reads."""

CONFIG = """\
version: 0.1
storage: {{filesystem: {{rootdirectory: {folder}/data}}}}
http: {{addr: "{address}"}}
"""


@contextmanager
def cache_registry(case: Case) -> Iterator[None]:
    """A registry that listens as long as the block runs, for a case that imports a cache."""
    if not case.imports:
        yield
        return
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "config.yml"
        config.write_text(CONFIG.format(folder=folder, address=CACHE_REGISTRY))
        program = unpacked("bookworm") / "root/usr/bin/docker-registry"
        registry = subprocess.Popen(
            [program, "serve", config], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            _wait()
            yield
        finally:
            registry.terminate()
            registry.wait(timeout=20)


def _wait() -> None:
    host, _, port = CACHE_REGISTRY.partition(":")
    for _ in range(100):
        try:
            socket.create_connection((host, int(port)), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit(f"no registry listens on {CACHE_REGISTRY}")


def export_cache(ctd: Host, case: Case, context: Path, unique: str, tag: str) -> None:
    """Build a case on `ctd` with an extra host name `unique`, and export the cache for all. The
    image gets `tag`: as long as it is there, `ctd` has the layers and need not pull them."""
    for name, more in ((case.name, ""), (f"{case.name}-old", f",{OLD}")):
        to = f"type=registry,ref={REFERENCE}:{name},mode=max{more}"
        options = ["--network=none", "--add-host", f"{unique}.invalid:127.0.0.1", "--cache-to", to]
        options += ["-t", tag]
        status, text = ctd.docker("build", *options, str(context), buildkit=True)
        if status:
            raise SystemExit(f"{case.name}: the export failed\n{text.decode(errors='replace')}")


def import_options(case: Case, host: str) -> list[str]:
    """The options with which a host's client imports the cache."""
    if host == "old":
        return ["--cache-from", f"{REFERENCE}:{case.name}-old"]
    return ["--cache-from", f"type=registry,ref={REFERENCE}:{case.name}"]
