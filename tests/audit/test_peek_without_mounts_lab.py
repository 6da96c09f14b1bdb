"""A peek that begins no step with a cache mount, on real engines."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from cachetui.core import Core
from cachetui.records.run import Run
from tests.audit.test_audit_lab import HOSTS, images, own_build, random_bytes, said
from tests.audits import audit, core_of, run_of
from tests.lab import Lab
from tests.lab.host import Host
from tests.sample_builds import folder

pytestmark = [pytest.mark.lab, pytest.mark.usefixtures("others_images_go")]

DOCKERFILE = """\
FROM base:1 AS deps
COPY . /src
RUN sleep 1 && echo {salt} > /above
RUN --mount=type=cache,target=/cache,id={salt} \\
    echo "$(ls /cache)" > /cache/$(ls /cache | wc -l) && \\
    head -c 16 /dev/urandom | od -An -tx1 > /random && \\
    cat /random
RUN cat /random
FROM deps AS tests
RUN test -s /random
FROM base:1 AS tool
RUN echo tool {salt} > /tool
FROM base:1
LABEL of=last
COPY --from=tool /tool /tool
RUN cat /tool
COPY --from=tests /random /random
RUN test -s /random
"""
BELOW = (8, 10, 17, 18)
LOOK = """\
FROM base:1
RUN --mount=type=cache,target=/cache,id={salt} echo {now}; \\
    cd /cache && stat -c '%n %s %Y %Z %i' . * && md5sum *
"""


@pytest.fixture(scope="module")
def core(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Core:
    return core_of(lab, tmp_path_factory.mktemp("store"))


def in_mount(host: Host, at: Path, salt: int) -> list[str]:
    """Names, sizes, times, inodes and digests of what the cache mount holds."""
    build = folder(at, LOOK.format(salt=salt, now=time.time_ns()))
    lines = own_build(host, build, "buildkit").splitlines()
    texts = (re.sub(r"^#\d+ [\d.]+ ", "", line) for line in lines)
    return sorted(text for text in texts if re.match(r"([.\d]+ \d+ \d+ \d+|[0-9a-f]{32})", text))


def at_lines(run: Run) -> dict[int, str]:
    return {step.line: step.status for step in run.steps if step.keyword != "FROM"}


@pytest.mark.takes_turns
@pytest.mark.fault("users-caches")
@pytest.mark.parametrize("name", HOSTS)
def test_mounts_are_as_before_and_steps_above_them_are_told(
    lab: Lab, core: Core, name: str, tmp_path: Path
) -> None:
    host, salt = lab[name], time.time_ns()
    files = {"Dockerfile.dockerignore": "noise*\n", "noise": "1", "src.txt": str(salt)}
    build = folder(tmp_path / "b", DOCKERFILE.format(salt=salt), **files)
    own_build(host, build, "buildkit", "-t", "own:warm")
    before, held = random_bytes(host, "own:warm"), in_mount(host, tmp_path / "l", salt)
    assert len(held) == 3, held  # the folder, and one file with its digest
    there, containers = images(host), said(host, "ps", "-aq")

    (build / "noise").write_text("2")  # left out by what goes with the Dockerfile
    run = run_of(
        audit(core, build, [name], peek=("buildkit",), no_mounts=True), name, "buildkit-peek"
    )
    assert run.status == "ok", run.reason
    found = at_lines(run)
    assert {line for line, status in found.items() if status == "hit"} == {2, 3, 12, 15, 16}
    assert {line for line, status in found.items() if status == "not-reached"} == {4, *BELOW}
    assert run.mounts == ()
    assert (images(host), said(host, "ps", "-aq")) == (there, containers)
    assert in_mount(host, tmp_path / "l", salt) == held
    own_build(host, build, "buildkit", "-t", "own:again")
    assert random_bytes(host, "own:again") == before

    (build / "src.txt").write_text("new")
    for told in ("miss", "hit"):  # BuildKit keeps the COPY that ran
        document = audit(core, build, [name], peek=("buildkit",), no_mounts=True)
        found = at_lines(run_of(document, name, "buildkit-peek"))
        assert (found[2], found[3], found[4], found[16]) == (told, "miss", "not-reached", "hit")
    assert in_mount(host, tmp_path / "l", salt) == held
    assert not host.processes()
    own_build(host, build, "buildkit", "-t", "own:next")
    assert random_bytes(host, "own:next") != before
    assert len(in_mount(host, tmp_path / "l", salt)) == 5
