"""Podman in docker's place on a host of the lab, from Debian's packages."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.lab.host import Host
from tests.lab.packages import unpacked

PACKAGES = (
    *("podman", "podman-docker", "conmon", "crun"),
    *("golang-github-containers-common", "golang-github-containers-image"),
    *("libgpgme11", "libassuan0", "libsubid4", "libyajl2"),
)
DOCKER = Path("/usr/bin/docker")
"""The command of `podman-docker`; a host of the lab has nothing else there."""


@contextmanager
def podman_on(host: Host) -> Iterator[None]:
    """Let the host have podman and its `docker` below /usr, as if installed there. Raises
    LabError."""
    with host.machine.with_files(unpacked("bookworm", PACKAGES) / "root"):
        yield
