"""What is done to the lab's own engines for a case: base images, removals, builds of users."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from tests.lab import Lab
from tests.lab.base import BASE, busybox_layer, share_image
from tests.lab.host import Host
from tests.truth.model import SALT, Build, write
from tests.truth.truth import BUILDERS, HOSTS

BUILD_SECONDS = 120
PROPS = (
    *("truth-again:1", "truth-other:1", "truth-env:1", "truth-onbuild:1"),
    "truth-other-triggers:1",
)


def everywhere(work: Callable[[str], object], hosts: Iterable[str] = HOSTS) -> None:
    """Do something on several hosts side by side."""
    with ThreadPoolExecutor(len(HOSTS)) as pool:
        for job in [pool.submit(work, name) for name in hosts]:
            job.result()


def share_props(lab: Lab) -> None:
    """Give all hosts the images that bases are drawn from: `base:1` once more (another ID), with
    another layer, with another ENV, with triggers, and with others of them."""
    first, *others = (lab[name] for name in HOSTS)
    layer = busybox_layer(first.busybox)
    changed = busybox_layer(first.busybox, {"who": b"other"})
    env = ("--change", "ENV PATH=/usr/sbin:/usr/bin:/sbin:/bin", "--change", 'CMD ["/bin/sh"]')
    triggers = ("ONBUILD COPY trigger.txt /trigger/", "ONBUILD RUN echo triggered > /tmp/trigger")
    onbuild = (*env, *(word for text in triggers for word in ("--change", text)))
    first.import_base("truth-again:1")
    first.docker("import", *env, "-", "truth-other:1", input=changed)
    first.docker("import", *env, "--change", "ENV MORE=one", "-", "truth-env:1", input=layer)
    first.docker("import", *onbuild, "-", "truth-onbuild:1", input=layer)
    more = ("--change", "ONBUILD ENV TRIGGERED=again", "--change", "ONBUILD RUN echo again")
    first.docker("import", *onbuild, *more, "-", "truth-other-triggers:1", input=layer)
    for tag in PROPS:
        share_image(tag, first.engine, [host.engine for host in others])


def remove_props(lab: Lab) -> None:
    """Take these images away again."""
    everywhere(lambda name: lab[name].docker("rmi", "--no-prune", *PROPS, check=False))


@contextmanager
def bases(lab: Lab, salt: str) -> Iterator[None]:
    """Base images under tags of the case, on all hosts."""
    tags = {
        f"truth-{salt}:1": BASE,
        f"truth-onbuild-{salt}:1": "truth-onbuild:1",
        f"truth-other-{salt}:1": "truth-other:1",
    }

    def give(name: str) -> None:
        for tag, image in tags.items():
            lab[name].docker("tag", image, tag)

    everywhere(give)
    try:
        yield
    finally:
        everywhere(lambda name: lab[name].docker("rmi", "--no-prune", *tags, check=False))


def change(host: Host, what: str, salt: str) -> None:
    """What a change does to a host."""
    if what == "prune-buildkit":
        host.docker("builder", "prune", "-af")
    elif what == "prune-legacy":
        host.docker("image", "prune", "-f")
    elif what == "other-triggers":
        host.docker("tag", "truth-other-triggers:1", f"truth-onbuild-{salt}:1")
    elif what == "base-again-pruned":
        host.docker("tag", "truth-again:1", f"truth-{salt}:1")
        host.docker("builder", "prune", "-af")
    else:
        image = {"base-other": "other", "base-again": "again", "base-env": "env"}[what]
        host.docker("tag", f"truth-{image}:1", f"truth-{salt}:1")


def sweep(lab: Lab) -> None:
    """Remove what earlier cases left in the engines' caches."""

    def one(name: str) -> None:
        lab[name].docker("image", "prune", "-f", check=False)
        lab[name].docker("builder", "prune", "-af", check=False)

    everywhere(one)


def typed(host: Host, build: Build, folder: Path, salt: str) -> None:
    """What a user does: `docker build` with both builders where they can."""
    write(build, folder, salt)
    words = ["build", "-q", f"--network={build.network}", *build.docker_args]
    for name, value in build.build_args.items():
        words += ["--build-arg", f"{name}={value}".replace(SALT, salt)]
    if build.target is not None:
        words += ["--target", build.target]
    for builder in BUILDERS:
        if builder == "legacy" and build.has_mounts():
            continue
        switch = {"DOCKER_BUILDKIT": "1" if builder == "buildkit" else "0"}
        done = subprocess.run(
            [host.engine.bin / "docker", *words, str(folder)],
            env={**os.environ, **host.engine.env, **switch},
            capture_output=True,
            text=True,
            timeout=BUILD_SECONDS,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(f"{host.name} {builder}: {done.stdout[-500:]}{done.stderr[-500:]}")
