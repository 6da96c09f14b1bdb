"""A compose project and a bake file, neither written for cachetui, beside docker's own programs.

What a user built by them hits when it is run as found, and after an audit their next build hits
what it hit before.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from cachetui.cli.args import RunArgs
from cachetui.cli.selection import select_build
from cachetui.core import Options
from tests.audits import core_of, run_of, statuses, typed_hits
from tests.lab import Host, Lab
from tests.lab.packages import unpacked

pytestmark = [pytest.mark.lab, pytest.mark.takes_turns]

COMPOSE = """
name: shop
x-common: &common
  network: none
  labels: { team: "${TEAM:-shop}" }
services:
  api:
    build:
      <<: *common
      context: ./api
      dockerfile: ../docker/api.Dockerfile
      target: prod
      args: { VERSION: "7" }
      additional_contexts: { data: ./data }
      secrets: [token]
      extra_hosts: ["db=10.0.0.1"]
      shm_size: 32m
      ulimits: { nofile: { soft: 512, hard: 1024 } }
  web:
    platform: linux/amd64
    image: registry.example.com/web
    build: { <<: *common, context: ./web }
  job:
    build:
      <<: *common
      context: .
      dockerfile_inline: |
        FROM base:1
        COPY web/page /page
        RUN echo $${HOME} >/home-of
  db: { image: postgres }
secrets:
  token: { file: ./token }
"""

API = """FROM base:1 AS build
ARG VERSION
COPY main /main
COPY --from=data rows /rows
RUN --mount=type=secret,id=token wc -c /run/secrets/token >/size; echo $VERSION >/version
FROM build AS test
RUN exit 1
FROM build AS prod
RUN ulimit -n >/files
"""

BAKE = """
variable "TEAM" { default = "shop" }
target "_common" {
  network = "none"
  labels = { team = TEAM }
}
target "api" {
  inherits = ["_common"]
  name = "api-${version}"
  matrix = { version = ["7", "8"] }
  context = "api"
  dockerfile = "../docker/api.Dockerfile"
  target = "prod"
  args = { VERSION = version }
  contexts = { data = "data" }
  secret = ["type=file,id=token,src=TOKEN"]
  extra-hosts = { db = "10.0.0.1" }
  ulimits = ["nofile=512:1024"]
  tags = ["shop/api:${version}"]
}
target "web" {
  inherits = ["_common"]
  context = "web"
}
group "default" { targets = ["api", "web"] }
"""

FOUND = Options(scenarios=("buildkit-as-found",))
CONTROLLED = Options(scenarios=("buildkit-cold", "buildkit-warm"))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The folder of the project, with a compose and a bake file."""
    folder = tmp_path / "project"
    files = {
        "compose.yaml": COMPOSE,
        "docker-bake.hcl": BAKE.replace("TOKEN", str(folder / "token")),
        "docker/api.Dockerfile": API,
        "api/main": "main",
        "data/rows": "rows",
        "web/Dockerfile": "FROM base:1\nCOPY page /page\nRUN cat /page >/copy\n",
        "web/page": "page",
        "token": "secret",
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


@pytest.fixture
def docker(
    lab: Lab, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., str]:
    """Runs docker, with buildx and compose, on this machine against the engine `new`, as its user
    does; returns what it says."""
    host: Host = lab["new"]
    plugins = tmp_path / "cfg" / "cli-plugins"
    plugins.mkdir(parents=True)
    (plugins / "docker-buildx").symlink_to(host.dir / "cfg" / "cli-plugins" / "docker-buildx")
    compose = unpacked("sid", ("docker-compose",)) / "root/usr/libexec/docker/cli-plugins"
    (plugins / "docker-compose").symlink_to(compose / "docker-compose")
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "cfg"))
    monkeypatch.setenv("PATH", f"{host.dir / 'bin'}{os.pathsep}/usr/bin:/bin")

    def run(*words: str) -> str:
        done = subprocess.run(
            ["docker", *words],
            cwd=project,
            env={**os.environ, "DOCKER_HOST": host.engine.host},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    return run


@pytest.mark.parametrize(
    ("file", "names", "user"),
    [
        ("compose.yaml", ["api", "web", "job"], ["compose", "--progress=plain", "build"]),
        (
            "docker-bake.hcl",
            ["api-7", "api-8", "web"],
            ["buildx", "bake", "--progress=plain", "-f", "docker-bake.hcl"],
        ),
    ],
)
def test_what_its_own_program_built_hits(
    lab: Lab,
    project: Path,
    tmp_path: Path,
    docker: Callable[..., str],
    file: str,
    names: Sequence[str],
    user: Sequence[str],
) -> None:
    if user[0] == "buildx":
        user = [*user, f"--allow=fs.read={project}"]
    docker(*user)
    before = set(typed_hits(docker(*user)))  # a step that targets share may be printed twice
    assert len(before) > len(names)

    core = core_of(lab, tmp_path / "store")
    hosts = [host for host in core.settings.hosts if host.name == "new"]
    for name in names:
        build = select_build(core.settings, f"{project}/{file}#{name}", RunArgs())
        found = run_of(core.prepare(build, hosts, FOUND).run(), "new", "buildkit-as-found")
        assert found.status == "ok", found.reason
        kinds = {status for keyword, status in statuses(found) if keyword in ("COPY", "RUN")}
        assert kinds <= {"hit", "not-needed"}, (name, statuses(found))
        assert "hit" in kinds
        document = core.prepare(build, hosts, CONTROLLED).run()
        assert {run.status for run in document.runs} == {"ok"}

    assert set(typed_hits(docker(*user))) == before


WORDS = {
    "compose.yaml#api": (
        "--network=none --target prod --build-arg VERSION --label com.docker.compose.project=shop "
        "--label com.docker.compose.service=api --label com.docker.compose.version=2.40.3 "
        "--label team=shop --secret id=token,type=file,src=PROJECT/token --shm-size 33554432 "
        "--ulimit nofile=512:1024 --add-host db:10.0.0.1 --build-context data=FOLDER/contexts/data "
        "-f FOLDER/Dockerfile"
    ),
    "docker-bake.hcl#api-8": (
        "--network=none --target prod --build-arg VERSION --label team=shop "
        "--secret id=token,src=PROJECT/token --ulimit nofile=512:1024 --add-host db:10.0.0.1 "
        "--build-context data=FOLDER/contexts/data -f FOLDER/Dockerfile"
    ),
}


@pytest.mark.parametrize("source", WORDS)
def test_a_dry_run_has_every_flag_of_the_target(
    lab: Lab, project: Path, tmp_path: Path, docker: Callable[..., str], source: str
) -> None:
    assert docker("version")
    core = core_of(lab, tmp_path / "store")
    hosts = [host for host in core.settings.hosts if host.name == "new"]
    build = select_build(core.settings, f"{project}/{source}", RunArgs())
    (run,) = core.prepare(build, hosts, FOUND).rehearse(hosts[0]).runs
    assert run.command is not None
    words = run.command.split()
    given = " ".join(words[words.index("build") + 1 : -1]).removeprefix("--progress=rawjson ")
    given = re.sub(r"/\S*/contexts/[0-9a-f]{64}", "FOLDER", given.replace(str(project), "PROJECT"))
    assert sorted(given.split(" --")) == sorted(WORDS[source].split(" --"))
