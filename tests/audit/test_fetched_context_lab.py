"""A git repository and a tarball as build context, beside what docker makes of them itself: an
audit as found hits what its user's build left, and their next build hits what it hit."""

from __future__ import annotations

import os
import subprocess
import tarfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cachetui.cli.args import RunArgs
from cachetui.cli.selection import select_build
from cachetui.core import Options
from cachetui.records.run import Run
from tests.audits import core_of, run_of, statuses, typed_hits
from tests.git_server import commit, served
from tests.lab import Host, Lab

pytestmark = [pytest.mark.lab, pytest.mark.takes_turns, pytest.mark.usefixtures("others_images_go")]

HOSTS = ("old", "mid", "new", "ctd")
FILES = {
    "Dockerfile": "FROM base:1\nCOPY a /a\nCOPY . /x\nRUN echo SALT; find /x >/list\n",
    ".dockerignore": "left-out\n",
    "a": "a\n",
    "left-out": "left out\n",
    "d/b": "b\n",
}
ALL = Options(
    scenarios=(
        "buildkit-cold",
        "buildkit-warm",
        "buildkit-as-found",
        "legacy-cold",
        "legacy-warm",
        "legacy-as-found",
    )
)


class User:
    """Who builds a context on every host, with both builders, as `docker build` takes it."""

    def __init__(self, lab: Lab, context: str, stdin: bytes = b"") -> None:
        self.hosts = [lab[name] for name in HOSTS]
        self.context, self.stdin = context, stdin

    def builds(self) -> dict[tuple[str, str], list[str]]:
        """The instructions that hit, by host and builder."""
        each = [(host, builder) for host in self.hosts for builder in ("legacy", "buildkit")]
        with ThreadPoolExecutor(len(self.hosts)) as pool:
            hits = pool.map(lambda one: self._build(*one), each)
            return {
                (host.name, builder): said for (host, builder), said in zip(each, hits, strict=True)
            }

    def _build(self, host: Host, builder: str) -> list[str]:
        on = "1" if builder == "buildkit" else "0"
        env = {"DOCKER_BUILDKIT": on, "BUILDKIT_PROGRESS": "plain"}
        done = subprocess.run(
            [host.engine.bin / "docker", "build", "--network=none", self.context],
            env={**os.environ, **host.engine.env, **env},
            input=self.stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=120,
            check=False,
        )
        said = done.stdout.decode()
        assert done.returncode == 0, f"{host.name}: {said}"
        return typed_hits(said)


def records(host: Host) -> set[str]:
    """The engine's records of builds; buildx has them from 0.20 on."""
    if host.name not in ("new", "ctd"):
        return set()
    said = host.docker("buildx", "history", "ls", "--format", "{{.Ref}}")
    return set(said.stdout.decode().split())


def status(run: Run) -> list[str]:
    assert run.status == "ok", run.reason
    return [state for keyword, state in statuses(run) if keyword in ("COPY", "RUN")]


def check(lab: Lab, tmp_path: Path, user: User, named: str, legacy: list[str]) -> None:
    """An audit of the build that is `named`, between two builds of its user's; `legacy` is how the
    steps of the legacy builder are found."""
    user.builds()
    hits = user.builds()
    kept = {host.name: records(host) for host in user.hosts}
    core = core_of(lab, tmp_path / "store")
    hosts = [host for host in core.settings.hosts if host.name in HOSTS]
    build = select_build(core.settings, named, RunArgs(network="none"))
    document = core.prepare(build, hosts, ALL).run()
    for name in HOSTS:
        for scenario, wanted in (
            ("buildkit-cold", ["miss"] * 3),
            ("buildkit-warm", ["hit"] * 3),
            ("buildkit-as-found", ["hit"] * 3),
            ("legacy-cold", ["miss"] * 3),
            ("legacy-warm", ["hit"] * 3),
            ("legacy-as-found", legacy),
        ):
            assert status(run_of(document, name, scenario)) == wanted, (name, scenario)
    for host in user.hosts:
        now = records(host)
        assert kept[host.name] <= now
        assert len(now - kept[host.name]) == bool(now), "that of the build as found"
    assert user.builds() == hits


def test_of_a_repository(lab: Lab, tmp_path: Path) -> None:
    files = {name: text.replace("SALT", tmp_path.name) for name, text in FILES.items()}
    known = commit(tmp_path / "served" / "repo", files)
    with served(tmp_path / "served") as url:
        context = f"{url}/repo/.git#main"
        # the legacy builder's own clone has .git, which differs from clone to clone
        check(lab, tmp_path, User(lab, context), context, ["hit", "miss", "miss"])
        core = core_of(lab, tmp_path / "store")
    (entry,) = core.store.audits()
    document = core.store.audit(entry.audit)
    assert document is not None
    assert document.build.fetched == f"{url}/repo/.git#{known}"


def test_of_a_tarball_with_owners(lab: Lab, tmp_path: Path) -> None:
    files = {name: text.replace("SALT", tmp_path.name) for name, text in FILES.items()}
    commit(tmp_path / "files", files)
    file = tmp_path / "files.tar.gz"

    def owned(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
        member.uid = member.gid = 1000
        return None if ".git" in member.name.split("/") else member

    with tarfile.open(file, "w:gz") as tar:
        tar.add(tmp_path / "files", ".", filter=owned)
    check(lab, tmp_path, User(lab, "-", file.read_bytes()), str(file), ["hit"] * 3)
