"""Facts: read from recordings of four real engines, and every way of having none."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cachetui.builders.builder import BuilderProbe
from cachetui.config.settings import HostSettings
from cachetui.hosts import facts, facts_script
from cachetui.hosts.available_builders import available_builders
from cachetui.hosts.facts import ask_facts, parse_facts
from cachetui.hosts.facts_script import facts_command
from cachetui.hosts.local_machine import LocalMachine
from cachetui.hosts.machine import Completed, HostError
from cachetui.records.host import HostFacts, HostReport
from cachetui.report.hosts import remarks

RECORDINGS = Path(__file__).parent / "recordings"
TOKEN = "0123456789abcdef" * 2
BASE = "sha256:feb0b1fee8ae0cc5dba877d2ca8f108b4db48ddbf254f16f7ebba98e63537b34"


def recorded(name: str) -> Completed:
    """What the script printed on a host of the lab, with TOKEN."""
    said: dict[str, Any] = json.loads((RECORDINGS / f"{name}.json").read_text())["facts"]
    return Completed(said["status"], said["stdout"].encode(), said["stderr"].encode())


def parsed(name: str) -> HostFacts:
    return parse_facts(name, recorded(name), ("docker",), ("base:1", "nope:1"))


ENGINES = {
    "old": ("20.10.24+dfsg1", "1.41", None, "overlay2", False),
    "mid": ("26.1.5+dfsg1", "1.45", "0.13.1+ds1", "overlay2", True),
    "new": ("28.5.2+dfsg4", "1.51", "0.29.1+ds1", "overlay2", True),
    "ctd": ("28.5.2+dfsg4", "1.51", "0.29.1+ds1", "containerd/overlayfs", True),
}


@pytest.mark.parametrize("name", ENGINES)
def test_real_engines(name: str) -> None:
    found = parsed(name)
    engine, api, buildx, store, rawjson = ENGINES[name]
    assert (found.engine, found.client, found.api) == (engine, engine, api)
    assert (found.buildx, found.store, found.rawjson) == (buildx, store, rawjson)
    assert found.backends == ("legacy", "buildkit")
    assert found.missing == {}
    assert found.platform == "linux/amd64"
    assert len(found.engine_id) > 20
    assert found.cores == 2
    assert (found.memory_bytes or 0) > 1e9
    assert (found.free_bytes or 0) > 1e9
    assert found.load is not None
    assert found.df.keys() == {"Images", "Containers", "Volumes", "Build Cache"}
    assert found.df["Images"] > 1e8
    assert found.bases == {"base:1": (BASE,), "nope:1": None}
    assert (found.umask, found.user, found.cache_folder) == (
        "0022",
        "root",
        "/root/.cache/cachetui",
    )


def changed(name: str, old: str, new: str) -> Completed:
    done = recorded(name)
    assert old.encode() in done.stdout
    return Completed(done.status, done.stdout.replace(old.encode(), new.encode()), b"")


@pytest.mark.fault("shells")
def test_noise_of_a_login_shell() -> None:
    done = recorded("mid")
    noisy = Completed(0, b"Welcome!\ncachetui-facts nothing\n" + done.stdout, b"bash: x\n")
    assert parse_facts("h", noisy).engine == "26.1.5+dfsg1"


@pytest.mark.fault("shells")
def test_a_login_shell_that_runs_nothing() -> None:
    with pytest.raises(HostError) as caught:
        parse_facts("h", Completed(1, b"This account is currently not available.\n", b""))
    assert caught.value.kind == "shell"
    assert "This account is currently not available." in caught.value.reason


def test_df_that_took_too_long() -> None:
    done = recorded("new")
    start = done.stdout.index(f"{TOKEN} df\n".encode())
    cut = Completed(0, done.stdout[:start] + f"{TOKEN} df\n\n{TOKEN} = 124\n".encode(), b"")
    assert parse_facts("h", cut).df == {}


def test_what_may_be_missing() -> None:
    done = changed("new", "load=", "lead=")
    found = parse_facts("h", done, bases=["base:1", "nope:1", "more:1"])
    assert found.load is None
    assert found.bases["more:1"] is None
    start = done.stdout.index(f"{TOKEN} free\n".encode())
    end = done.stdout.index(f"{TOKEN} bases\n".encode())
    rest = Completed(0, done.stdout[:start] + done.stdout[end:], b"")
    assert parse_facts("h", rest).free_bytes is None


def test_when_a_host_was_started() -> None:
    stat = " S 0 1 1" + " 0" * 15 + " 2550 99 99"
    told = f"up=1000.40\nnow=1700001000\nfirst={stat.strip()}\nload="
    assert parse_facts("h", changed("new", "load=", told)).booted_at == 1700000025.0
    for part in ("up=1000.40", "now=1700001000", "first="):
        cut = told.replace(part, "lost=")
        assert parse_facts("h", changed("new", "load=", cut)).booted_at is None


def test_rootless() -> None:
    assert not parse_facts("h", recorded("new")).rootless
    told = '"name=seccomp,profile=builtin"'
    found = parse_facts("h", changed("new", told, f'{told},"name=rootless","name=cgroupns"'))
    assert found.rootless
    (said,) = remarks(
        [HostReport(name="h", status="ok", facts=msgspec.structs.replace(found, load=0.0))]
    )
    assert said.endswith(f"h: a rootless engine: its caches and images are {found.user}'s own")


def test_windows() -> None:
    found = parse_facts("h", changed("new", '"Os":"linux"', '"Os":"windows"'))
    assert found.backends == ()
    assert found.missing["legacy"] == found.missing["buildkit"]
    assert "only linux is supported" in found.missing["legacy"]


def test_broken_buildx() -> None:
    old = '"Name":"buildx"'
    found = parse_facts("h", changed("new", old, old + ',"Err":"exec format error"'))
    assert found.backends == ("legacy",)
    assert "exec format error" in found.missing["buildkit"]
    assert found.buildx is None


UNKNOWN = (
    "Error response from daemon: dockerfile parse error on line 1: unknown instruction: CACHETUI"
)


@pytest.mark.parametrize(
    ("changes", "backends", "message"),
    [
        ({}, ("legacy", "buildkit"), ""),
        ({"client": "20.10.24", "buildx": None}, ("legacy", "buildkit"), ""),
        ({"client": "20.10.24", "buildx": ("", "broken")}, ("legacy", "buildkit"), ""),
        ({"client": "23.0.0", "buildx": None}, ("legacy",), "needs buildx for BuildKit, and has"),
        ({"buildx": None}, ("legacy",), "install Docker's buildx plugin"),
        ({"buildx": ("", "no such file")}, ("legacy",), r"buildx is broken \(no such file\)"),
        ({"engine": "18.06.1-ce", "client": "18.06.1-ce"}, ("legacy",), "has no BuildKit; update"),
        ({"system": "windows"}, (), "only linux is supported"),
        ({"legacy_said": ""}, ("buildkit",), "it said nothing"),
        (
            {"legacy_said": "Error response from daemon: the legacy builder was removed\n"},
            ("buildkit",),
            "does not work: Error response from daemon: the legacy builder was removed",
        ),
        (
            {"legacy_said": "#1 [internal]\nERROR: failed to solve: unknown instruction: CACHETUI"},
            ("buildkit",),
            "even with DOCKER_BUILDKIT=0: it has no legacy builder",
        ),
        ({"legacy_said": "boom hunter2"}, ("buildkit",), r"does not work: boom \$PASS"),
    ],
)
def test_available_builders(
    changes: dict[str, Any], backends: tuple[str, ...], message: str
) -> None:
    given: dict[str, Any] = {
        "engine": "29.7.2",
        "client": "29.7.2",
        "buildx": ("0.30.0", ""),
        "legacy_said": UNKNOWN,
        "env": {"PASS": "hunter2"},
    }
    given |= changes
    system = given.pop("system", "linux")
    found, missing = available_builders(BuilderProbe(**given), system)
    assert found == backends
    if message:
        assert any(re.search(message, text) for text in missing.values())
    else:
        assert missing == {}


SOCKET = "unix:///var/run/docker.sock"
NO_ENGINE = [
    (127, "sh: 14: docker: not found", ["docker"], "no-docker", "no command docker", "install"),
    (
        127,
        "bash: line 4: /opt/d/docker: No such file or directory",
        ["/opt/d/docker"],
        "no-docker",
        "no command /opt/d/docker",
        "hosts.toml",
    ),
    (126, "sh: 1: docker: Permission denied", ["docker"], "no-docker", "cannot be run", "right"),
    (127, "sh: 1: sudo: not found", ["sudo", "-n", "docker"], "no-docker", "command sudo", "inst"),
    (
        1,
        "sudo: docker: command not found",
        ["sudo", "-n", "docker"],
        "no-docker",
        "no command docker",
        "install",
    ),
    (
        1,
        "sudo: sorry, you are not allowed to set the following environment variables: A",
        ["sudo", "-n", "docker"],
        "permission",
        "sudo does not let me set variables for docker",
        "SETENV",
    ),
    (
        1,
        "sudo: a password is required",
        ["sudo", "-n", "docker"],
        "permission",
        "sudo asks for a password for me",
        "NOPASSWD",
    ),
    (
        1,
        "Sorry, user me is not allowed to execute '/usr/bin/docker version' as root on h.",
        ["sudo", "-n", "docker"],
        "permission",
        "does not allow me to run docker",
        "sudoers",
    ),
    (
        1,
        f"permission denied while trying to connect to the Docker daemon socket at {SOCKET}: Get "
        '"http://%2Fvar%2Frun%2Fdocker.sock/v1.45/version": dial unix /var/run/docker.sock: '
        "connect: permission denied",
        ["docker"],
        "permission",
        "me may not use the docker socket",
        "sudo usermod -aG docker me",
    ),
    (
        1,
        f"permission denied while trying to connect to the docker API at {SOCKET}",
        ["docker"],
        "permission",
        "may not use",
        'docker = "sudo -n docker"',
    ),
    (
        1,
        f"Cannot connect to the Docker daemon at {SOCKET}. Is the docker daemon running?",
        ["docker"],
        "daemon-down",
        "is not running: Cannot connect",
        "systemctl start docker",
    ),
    (
        1,
        f"failed to connect to the docker API at {SOCKET}; check if the path is correct and if the "
        "daemon is running: dial unix /var/run/docker.sock: connect: no such file or directory",
        ["docker"],
        "daemon-down",
        "is not running",
        "systemctl start docker",
    ),
    (
        1,
        'error during connect: Get "http://h.invalid:2375/v1.51/version": dial tcp: lookup '
        "h.invalid on 10.0.0.1:53: no such host",
        ["docker"],
        "daemon-down",
        "does not answer: error during connect",
        "docker version",
    ),
    (
        1,
        'Failed to initialize: unable to resolve docker endpoint: context "foo": context not found:'
        " open /root/.docker/contexts/meta/2c26/meta.json: no such file or directory",
        ["docker"],
        "daemon-down",
        "context chosen there does not exist",
        "docker context use default",
    ),
    (
        1,
        "Error response from daemon: client version 1.52 is too new. Maximum supported API version"
        " is 1.41",
        ["docker"],
        "daemon-down",
        "are not compatible",
        "DOCKER_API_VERSION",
    ),
    (
        1,
        "Emulate Docker CLI using podman. Create /etc/containers/nodocker to quiet msg.",
        ["docker"],
        "no-docker",
        "docker is podman",
        "real docker",
    ),
    (1, "", ["docker"], "daemon-down", "docker version ended with status 1", "docker version"),
]


def no_engine(
    status: int,
    said: str,
    docker: list[str],
    env: Mapping[str, str] | None = None,
    host: str = "user=me\n",
) -> HostError:
    """The error of what the script prints when `docker version` fails."""
    out = f"cachetui-facts {TOKEN}\n{TOKEN} host\n{host}{TOKEN} = 0\n{TOKEN} version\n\n"
    out += f"{TOKEN} = {status}\n"
    err = f"{TOKEN} host\n{TOKEN} = 0\n{TOKEN} version\n{said}\n{TOKEN} = {status}\n"
    with pytest.raises(HostError) as caught:
        parse_facts("h", Completed(0, out.encode(), err.encode()), docker, (), env)
    return caught.value


@pytest.mark.fault("no-engine")
@pytest.mark.parametrize(("status", "said", "docker", "trouble", "reason", "remedy"), NO_ENGINE)
def test_no_engine(
    status: int, said: str, docker: list[str], trouble: str, reason: str, remedy: str
) -> None:
    error = no_engine(status, said, docker)
    assert error.kind == trouble
    assert reason in error.reason
    assert remedy in error.remedy
    assert "\n" not in error.reason + error.remedy


@pytest.mark.fault("podman")
@pytest.mark.parametrize(
    ("version", "reason"),
    [
        (
            '{"Client":{"APIVersion":"4.3.1","Version":"4.3.1","GoVersion":"go1.19.8","GitCommit":"",'
            '"BuiltTime":"Thu Jan  1 1970","Built":0,"OsArch":"linux/amd64","Os":"linux"}}',
            "command docker is podman",
        ),
        (
            '{"Client":{"Version":"28.5.2","ApiVersion":"1.41"},"Server":{"Platform":{"Name":'
            '"linux/amd64/debian-12"},"Components":[{"Name":"Podman Engine","Version":"4.3.1"}],'
            '"Version":"4.3.1","ApiVersion":"1.41","Os":"linux","Arch":"amd64"}}',
            "engine behind docker's socket is podman",
        ),
    ],
    ids=["its client", "its service"],
)
def test_podman_is_named(version: str, reason: str) -> None:
    """As podman 4.3.1 writes it, its notice silenced."""
    out = f"cachetui-facts {TOKEN}\n{TOKEN} host\n{TOKEN} = 0\n"
    out += f"{TOKEN} version\n{version}\n{TOKEN} = 0\n"
    with pytest.raises(HostError) as caught:
        parse_facts("h", Completed(0, out.encode(), b""))
    assert reason in caught.value.reason
    assert "real docker" in caught.value.remedy


@pytest.mark.fault("podman")
def test_a_rootless_engine_is_pointed_out() -> None:
    said = f"Cannot connect to the Docker daemon at {SOCKET}. Is the docker daemon running?"
    host = "user=me\nrootless=/run/user/1000/docker.sock\n"
    error = no_engine(1, said, ["docker"], host=host)
    assert 'env = { DOCKER_HOST = "unix:///run/user/1000/docker.sock" }' in error.remedy


@pytest.mark.fault("secret-in-messages")
def test_errors_hold_no_environment() -> None:
    env = {"DOCKER_HOST": "tcp://me:hunter2@h:2375"}
    for said in (
        "Cannot connect to the Docker daemon at tcp://me:hunter2@h:2375. Is the docker daemon",
        'error during connect: Get "http://me:hunter2@h:2375/v1.45/version": refused',
    ):
        error = no_engine(1, said, ["docker"], env)
        assert "hunter2" not in f"{error} {error.reason} {error.remedy}"


FAKE = """#!/bin/sh
# A docker that answers as 26.1 did, from files, but for what is said here.
case "$1" in
  %s
  version) cat "$ANSWERS/version" ;;
  info) cat "$ANSWERS/info" ;;
  build) cat >/dev/null; echo "unknown instruction: CACHETUI" >&2; exit 1 ;;
  image) shift 4; for ref; do case $ref in nope*) exit 1 ;; *) echo '["sha256:1"]' ;; esac; done ;;
  system) echo '{"Type":"Images","Size":"1.5kB"}' ;;
esac
"""


@pytest.fixture
def fake(tmp_path: Path) -> Any:
    """Settings of the local machine with a docker of the test's own."""
    for part in ("version", "info"):
        text = recorded("mid").stdout.decode().split(f"{TOKEN} {part}\n", 1)[1]
        (tmp_path / part).write_text(text.split("\n", 1)[0] + "\n")

    def make(case: str = "", env: Mapping[str, str] | None = None) -> HostSettings:
        path = tmp_path / "docker"
        path.write_text(FAKE % case)
        path.chmod(0o755)
        return HostSettings(
            name="h",
            address="local",
            docker=(str(path),),
            env={"ANSWERS": str(tmp_path), **(env or {})},
        )

    return make


def ask(settings: HostSettings, *bases: str, usage: bool = True) -> HostFacts:
    machine = LocalMachine(settings.name, settings.env, settings.docker)
    return ask_facts(machine, settings, bases, usage=usage)


def test_the_script(fake: Any, tmp_path: Path) -> None:
    refs = ("a:1", "nope:1", "TOKEN:@REFS@", "q'uote $x")
    found = ask(fake(), *refs)
    assert found.backends == ("legacy", "buildkit")
    assert found.df == {"Images": 1500}
    assert found.bases == {ref: None if "nope" in ref else ("sha256:1",) for ref in refs}
    assert found.cache_folder == f"{tmp_path}/home/.cache/cachetui"
    assert ask(fake(), usage=False).df == {}


@pytest.mark.parametrize(
    ("env", "folder"),
    [
        ({"XDG_CACHE_HOME": "/var/c"}, "/var/c/cachetui"),
        ({"XDG_CACHE_HOME": "relative", "HOME": "/h"}, "/h/.cache/cachetui"),
        ({"XDG_CACHE_HOME": "", "HOME": ""}, "/root/.cache/cachetui"),
    ],
)
def test_cache_folder(fake: Any, env: dict[str, str], folder: str) -> None:
    import os
    import pwd

    home = pwd.getpwuid(os.getuid()).pw_dir
    assert ask(fake(env=env)).cache_folder == folder.replace("/root", home)


def test_df_is_limited(fake: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(facts_script, "DF_SECONDS", 1)
    found = ask(fake("system) exec sleep 60 ;;"))
    assert found.df == {}
    assert found.engine


@pytest.mark.fault("no-engine")
def test_an_engine_that_hangs(fake: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(facts, "FACTS_SECONDS", 0.5)
    with pytest.raises(HostError, match=r"did not answer within 0\.5 s") as caught:
        ask(fake("version) exec sleep 60 ;;"))
    assert caught.value.kind == "daemon-down"


@pytest.mark.fault("no-engine")
def test_no_docker_at_all() -> None:
    settings = HostSettings(name="h", address="local", docker=("/nonexistent/docker",))
    with pytest.raises(HostError) as caught:
        ask(settings)
    assert caught.value.kind == "no-docker"


@pytest.mark.fault("no-engine")
def test_engine_without_info(fake: Any) -> None:
    with pytest.raises(HostError, match="but docker info fails"):
        ask(fake("info) exit 1 ;;"))


def test_sudo_gets_the_environment() -> None:
    command = facts_command(("sudo", "-n", "docker"), {"A": "b c"}, ["x:1"], TOKEN)
    assert 'sudo --preserve-env=A -n docker "$@"' in command
    assert "DOCKER_BUILDKIT=0 sudo --preserve-env=A,DOCKER_BUILDKIT -n docker build" in command
    assert '_limited() { sudo --preserve-env=A -n $_t docker "$@"; }' in command
    assert "b c" not in command
