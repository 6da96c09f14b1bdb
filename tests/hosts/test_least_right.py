"""The key of least right of SECURITY.md lets cachetui's commands through, and no others."""

from __future__ import annotations

import os
import shlex
import subprocess
import threading
import uuid
from collections.abc import Sequence
from pathlib import Path

import pytest

from cachetui.audit.build_records import forget_builds_command
from cachetui.audit.cleanup import our_tags_command, removal_command
from cachetui.audit.engine_images import container_of, created_at, host_images, own_bytes
from cachetui.audit.imported_records import removal_command as imports_removal_command
from cachetui.builders.builder import Builder
from cachetui.builders.command_line import Build, build_command
from cachetui.builders.registry import builder_named
from cachetui.config.settings import HostSettings
from cachetui.hosts.cache_records import builder_cache_command, cache_command
from cachetui.hosts.facts_script import facts_command
from cachetui.hosts.machine import HostError, Machine
from cachetui.outputs.program import inspect_command, save_command
from cachetui.records.run import OutputFormat
from cachetui.records.scenario import SCENARIO_NAMES, Planned
from cachetui.share.exporting import what_helps
from cachetui.share.importing import NO_OUTPUT
from cachetui.share.kinds import kind_named
from tests.hosts.conftest import connector
from tests.hosts.sshd import Sshd, running, until

EXAMPLES = Path(__file__).parents[2] / "examples" / "least-right"
IMAGE = "sha256:" + "a" * 64
IMAGES = "{{.Actor.Attributes.image}} {{.Actor.ID}}"


class Filter:
    """The filter as `docker`, before a client that notes its words, a line each call."""

    def __init__(self, folder: Path) -> None:
        self._noted = folder / "noted"
        client = folder / "client"
        client.write_text(
            f"#!/bin/sh\nprintf '%s\\n' \"$*\" >>{self._noted}\n"
            '[ "$1" != inspect ]  # then events are asked for\n'
        )
        client.chmod(0o755)
        self.path = folder / "docker"
        text = (EXAMPLES / "docker-filter").read_text()
        assert text.count("\ndocker=/usr/bin/docker\n") == 1
        self.path.write_text(text.replace("docker=/usr/bin/docker", f"docker={client}"))
        self.path.chmod(0o755)

    @property
    def passed(self) -> list[str]:
        """What the client got."""
        return self._noted.read_text().splitlines() if self._noted.exists() else []

    def run(self, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.path, *words],
            env={"PATH": os.defpath, **env},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=20,
        )


@pytest.fixture
def docker(tmp_path: Path) -> Filter:
    return Filter(tmp_path)


def shell(command: str) -> str:
    """What a command says on standard error, its own redirections undone."""
    heard = command.replace("2>/dev/null", "").replace(">/dev/null 2>&1", "")
    done = subprocess.run(
        ["sh", "-c", heard], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60
    )
    return done.stderr + done.stdout


@pytest.mark.parametrize("scenario", SCENARIO_NAMES)
def test_every_build_is_let_through(docker: Filter, scenario: str) -> None:
    planned = Planned(scenario, 1)
    builder: Builder = builder_named(planned.backend)
    for output in sorted(builder.parsers):
        build = Build("/c/x y", "/c/x y/Dockerfile", "prod", {"TOKEN": "it's"}, "none", ["--pull"])
        said = shell(build_command((str(docker.path),), {}, build, planned, "A", _format(output)))
        assert not said
    assert len(docker.passed) == len(builder.parsers)
    assert all("--build-arg TOKEN" in line and "/c/x y" in line for line in docker.passed)


def _format(output: str) -> OutputFormat:
    return output  # type: ignore[return-value]


def test_every_question_and_removal_is_let_through(docker: Filter) -> None:
    host = HostSettings(name="h", address="local", docker=(str(docker.path),))
    removal = removal_command(host, ["cachetui:A-1"], [IMAGE], ["cachetui:A-1"], ["c" * 12])
    assert removal is not None
    commands = [
        facts_command(host.docker, {}, ["base:1"], "ab12"),
        removal,
        cache_command(str(docker.path)),
        builder_cache_command(str(docker.path)),
        our_tags_command(host),
        forget_builds_command(host, ["cachetui-A"]),
        inspect_command(host, IMAGE),
        save_command(host, IMAGE),
    ]
    for command in commands:
        assert "refused" not in shell(command), command
    passed = "\n".join(docker.passed)
    for word in (
        "rm -f ccc",
        "import - cachetui:A-1",
        "rmi --no-prune cachetui:A-1 sha256:aaa",
        "image save",
    ):
        assert word in passed


def test_a_cache_shared_as_a_folder_is_let_through(docker: Filter) -> None:
    kind, folder = kind_named("local-max"), "/home/c/.cache/cachetui/contexts/A-local-max"
    words = [*kind.export_words("", folder), *kind.import_words("", folder, buildx=True)]
    done = docker.run("build", *words, NO_OUTPUT, "-f", "/c/Dockerfile", "/c")
    assert (done.returncode, done.stderr) == (0, "")
    assert "refused" not in shell(imports_removal_command(str(docker.path), ["ab12", "cd34"]))
    assert [line.split()[-1] for line in docker.passed[1:]] == ["id=ab12", "id=cd34"]


def test_what_goes_through_a_registry_is_refused_with_what_helps(docker: Filter) -> None:
    kind, ref = kind_named("registry-max"), "r.example/x:1"
    for words in (kind.export_words(ref, ""), kind.import_words(ref, "", buildx=True)):
        assert "--kinds local-max" in what_helps(docker.run("build", *words, "/c").stderr)
    assert "--kinds local-max" in what_helps(docker.run("tag", "cachetui:1", ref).stderr)
    assert not what_helps("the build ended as failed")


def test_what_is_asked_of_a_machine_is_let_through(docker: Filter) -> None:
    """Each by the function that asks, through the filter as the host's docker."""
    host = HostSettings(name="h", address="local", docker=(str(docker.path),))
    machine: Machine = connector().connect(host)
    try:
        container_of(machine, host, "c" * 12, 1.0)
        created_at(machine, host, [IMAGE])
        own_bytes(machine, host, [IMAGE])
        host_images(machine, host, [IMAGE], [IMAGE])
    finally:
        machine.close()
    first = {line.split()[0] for line in docker.passed}
    assert first == {"info", "inspect", "events", "image", "history"}


def _events(*since: str, container: str = "cc", told: str = IMAGES) -> list[str]:
    words = ["--until=-1s", "--filter", "type=container", "--filter", "event=create"]
    return ["events", *since, *words, "--filter", f"container={container}", "--format", told]


REFUSED = [
    ["run", "-v", "/:/host", "base:1", "sh"],
    ["container", "run", "base:1"],
    ["create", "base:1"],
    ["exec", "web", "env"],
    ["cp", "web:/etc/passwd", "-"],
    ["inspect", "web"],
    ["inspect", "--type", "container", "--format", "{{json .}}", "web"],
    ["events", "--since", "24h"],
    _events("--since", "24h"),
    _events("--since", "1", container="x --format {{json .}}"),
    _events("--since", "1", told="{{json .}}"),
    ["volume", "ls"],
    ["push", "cachetui:x"],
    ["pull", "base:1"],
    ["tag", "base:1", "user/image:prod"],
    ["load"],
    ["import", "-", "user/image:prod"],
    ["login"],
    ["system", "prune", "-f"],
    ["builder", "prune", "-f"],
    ["builder", "prune", "--all", "--force"],
    ["builder", "prune", "--all", "--force", "--filter", "until=1h"],
    ["builder", "prune", "--all", "--force", "--filter", "id=x --keep-storage 0"],
    ["buildx", "create", "--use"],
    ["buildx", "build", "/c"],
    ["buildx", "history", "export", "x"],
    ["context", "create", "x"],
    ["plugin", "install", "x"],
    ["swarm", "init"],
    ["image", "save", "-o", "/etc/x", "base:1"],
    ["image", "ls", "-a -q"],
    ["image", "rm", "-f", "base:1"],
    ["rmi", "-f", "base:1"],
    ["-H", "tcp://other:2375", "version"],
    ["--config", "/home/cachetui", "version"],
    ["version", "--format"],
    [],
]
BUILDS_REFUSED = [
    ["--network=host"],
    ["--network", "host"],
    ["--allow", "security.insecure"],
    ["--builder", "other"],
    ["-t", "user/image:prod"],
    ["-tuser/image:prod"],
    ["--tag=user/image:prod"],
    ["-o", "/etc"],
    ["-o/etc"],
    ["--output=type=local,dest=/etc"],
    ["--cache-to", "type=registry,ref=r.example/x,mode=max"],
    ["--cache-to", "type=local,dest=/etc,mode=max"],
    ["--cache-to", "type=local,dest=/x/cachetui/contexts/../../y,mode=max"],
    ["--cache-to", "type=local,dest=/x/cachetui/contexts/y,tag=z,mode=max"],
    ["--cache-to", "type=local,src=/x/cachetui/contexts/y"],
    ["--cache-from", "r.example/x"],
    ["--cache-from", "type=local,src=/etc"],
    ["--cache-from", "type=local,src=/x/cachetui/contexts/y,tag=z"],
    ["--cache-from"],
    ["--iidfile", "/etc/x"],
    ["--metadata-file=/etc/x"],
    ["--secret", "id=x,src=/etc/x"],
    ["--ssh", "default"],
    ["--push"],
    ["--security-opt", "apparmor=unconfined"],
    ["--cgroup-parent", "/"],
    ["--build-arg", "NOT_PASSED_ON"],
    ["--build-arg"],
    ["-f", "Dockerfile"],
    ["https://x.test/y.git"],
    ["/another"],
]


@pytest.mark.fault("least-right")
@pytest.mark.parametrize(
    "words",
    [*REFUSED, *(["build", *words, "/c"] for words in BUILDS_REFUSED), ["build"]],
    ids=shlex.join,
)
def test_any_other_command_is_refused(docker: Filter, words: Sequence[str]) -> None:
    done = docker.run(*words)
    assert (done.returncode, docker.passed) == (126, []), done.stderr
    assert "refused" in done.stderr


def test_a_build_argument_that_sudo_does_not_pass_on_is_refused(docker: Filter) -> None:
    """Docker would build without it, and say nothing."""
    assert docker.run("build", "--build-arg", "TOKEN", "/c").returncode == 126
    assert docker.run("build", "--build-arg", "TOKEN", "/c", TOKEN="x").returncode == 0
    assert len(docker.passed) == 1


@pytest.mark.fault("least-right")
def test_no_setting_of_the_account_reaches_docker(docker: Filter, tmp_path: Path) -> None:
    client = tmp_path / "client"
    client.write_text(f"#!/bin/sh\nenv >>{tmp_path / 'noted'}\n")
    docker.run("version", DOCKER_HOST="tcp://x", DOCKER_CONFIG="/x", BUILDX_BUILDER="x", HOME="/x")
    got = dict(line.split("=", 1) for line in docker.passed)
    assert got["DOCKER_HOST"] == "unix:///var/run/docker.sock"
    assert got["BUILDX_BUILDER"] == "default"
    assert not {"/x", "x", "tcp://x"} & set(got.values())


@pytest.fixture
def forced(own_sshd: Sshd) -> Sshd:
    """An sshd whose one key has the forced command."""
    line = f'restrict,command="{EXAMPLES / "forced-command"}",from="127.0.0.1"'
    own_sshd.authorized.write_text(f"{line} {own_sshd.authorized.read_text()}")
    return own_sshd


def test_cachetui_works_through_the_forced_command(forced: Sshd) -> None:
    machine = connector().connect(forced.settings(env={"A": "it's"}))
    try:
        done = machine.run('cat; echo "$A $PATH"; exit 3', stdin=b"in\n", timeout=20)
        assert (done.status, done.stderr) == (3, b"")
        assert done.text.splitlines()[0] == "in"
        assert done.text.splitlines()[1].startswith("it's /usr/local/lib/cachetui:")
        blocks: list[bytes] = []
        status = machine.stream("echo out; exit 4", lambda b, _: blocks.append(b), timeout=20)
        assert (status, b"".join(blocks)) == (4, b"out\n")
    finally:
        machine.close()


def test_a_command_behind_the_forced_command_ends_with_its_connection(forced: Sshd) -> None:
    mark = f"mark-{uuid.uuid4().hex}"
    machine = connector().connect(forced.settings())

    def stream() -> None:
        with pytest.raises(HostError):
            machine.stream(f"trap '' TERM; sh -c 'sleep 60 # {mark}'", print, timeout=60)

    thread = threading.Thread(target=stream)
    thread.start()
    assert until(lambda: running(mark))
    machine.close()
    assert until(lambda: not running(mark))
    thread.join(20)


@pytest.mark.fault("least-right")
@pytest.mark.parametrize(
    "words",
    [
        ["--", "id"],
        [],
        ["--", "exec sh -c 'id'"],
        ["--", "exec sh -c '_script=$(dd bs=1 count=5 2>/dev/null) && eval \"$_script\"'; id"],
        ["--", "exec sh -c '_script=$(dd bs=1 count=5;id;: 2>/dev/null) && eval \"$_script\"'"],
        ["--", "exec sh -c '_script=$(dd bs=1 count= 2>/dev/null) && eval \"$_script\"'"],
        ["--", "scp -f /etc/passwd"],
        ["-s", "--", "sftp"],
        ["-tt", "--", "id"],
    ],
    ids=shlex.join,
)
def test_any_other_use_of_the_key_is_refused(forced: Sshd, words: Sequence[str]) -> None:
    options, _, command = " ".join(words).partition("-- ")
    done = ssh(forced, *options.split(), command=[command] if command else [])
    assert done.returncode in (126, 255)  # 255: sshd itself refused a terminal or a subsystem
    assert "uid=" not in done.stdout


@pytest.mark.fault("least-right")
def test_the_key_opens_no_other_connections(forced: Sshd) -> None:
    done = ssh(forced, "-W", f"{forced.address}:{forced.port}", command=[])
    assert "prohibited" in done.stderr


def ssh(sshd: Sshd, *options: str, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """OpenSSH's client with this sshd's key."""
    words = ["ssh", "-F", "none", "-p", str(sshd.port), "-i", str(sshd.login_key), *options]
    words += ["-o", f"UserKnownHostsFile={sshd.known_hosts}", "-o", "BatchMode=yes"]
    words += ["-o", "IdentitiesOnly=yes", "-o", "GlobalKnownHostsFile=none"]
    return subprocess.run(
        [*words, sshd.address, *command],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
