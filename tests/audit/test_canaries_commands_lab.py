"""Secret values are in nothing that any command prints or writes, whatever it does with a build."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cachetui.report import formats
from tests.audit.test_canaries_lab import (
    HOST_VALUE,
    VALUES,
    Processes,
    around,
    everything_written,
    held,
)
from tests.lab import Lab
from tests.lab.packages import unpacked
from tests.lab.state import State
from tests.sample_builds import folder

pytestmark = [pytest.mark.lab, pytest.mark.takes_turns]

EARLIER = {"TOKEN": VALUES["UNUSED"]}
NOW = {name: VALUES[name] for name in ("TOKEN", "URL", "QUOTED")}
TEXT = f"""FROM base:1
# {time.time_ns()}
ARG TOKEN
ARG URL
ARG QUOTED
LABEL url=$URL
RUN echo "$TOKEN $URL $QUOTED" >/all; echo "$TOKEN"; printf %s "$TOKEN" | base64
RUN --mount=type=secret,id=of-host cat /run/secrets/of-host || true
"""
FORMATS = formats.names()


class Typed:
    """Commands of cachetui as a job of GitHub Actions types them, and all that they say."""

    def __init__(self, lab: Lab, place: Path) -> None:
        self.place = place
        self.said: dict[str, bytes] = {}
        self.hosts = place / "hosts.toml"
        text = lab.hosts_toml.read_text()
        self.hosts.write_text(
            text.replace("\ntags = ", f'\nenv = {{ OF_HOST = "{HOST_VALUE}" }}\ntags = ')
        )
        plugins = place / "cfg" / "cli-plugins"
        plugins.mkdir(parents=True)
        own = lab["new"].dir / "cfg" / "cli-plugins" / "docker-buildx"
        compose = unpacked("sid", ("docker-compose",)) / "root/usr/libexec/docker/cli-plugins"
        (plugins / "docker-buildx").symlink_to(own)
        (plugins / "docker-compose").symlink_to(compose / "docker-compose")
        self.env = {
            **os.environ,
            "PATH": f"{lab['new'].dir / 'bin'}:/usr/bin:/bin",
            "DOCKER_CONFIG": str(place / "cfg"),
            "CACHETUI_STORE": str(place / "store"),
            "XDG_CACHE_HOME": str(place / "cache"),
            "GITHUB_ACTIONS": "true",
            "GITHUB_STEP_SUMMARY": str(place / "summary.md"),
        }

    def __call__(self, *words: str, values: dict[str, str] | None = None, **env: str) -> str:
        """Standard output of a command that has these values in its environment."""
        done = subprocess.run(
            [sys.executable, "-m", "cachetui", *words],
            cwd=self.place,
            env={**self.env, **(values or {}), **env},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=120,
            check=False,
        )
        name = " ".join(words[:3])
        while name in self.said:
            name += "'"
        self.said[name] = b"%d\n" % done.returncode + done.stdout + done.stderr
        return done.stdout.decode()


@pytest.fixture(scope="module")
def processes() -> Processes:
    return Processes()


@pytest.fixture(scope="module")
def typed(
    lab: Lab, tmp_path_factory: pytest.TempPathFactory, processes: Processes
) -> Iterator[Typed]:
    place = tmp_path_factory.mktemp("typed")
    typed = Typed(lab, place)
    app = folder(place / "app", TEXT)
    own = [word for name, value in EARLIER.items() for word in ("--build-arg", f"{name}={value}")]
    before = State.of(lab["ctd"])
    lab["ctd"].docker("build", "-q", "--network=none", *own, str(app))
    local = place / "local"
    to = ("--cache-to", f"type=local,dest={local}")
    lab["ctd"].docker("build", "-q", "--network=none", *to, *own, str(app))
    given = [word for name in NOW for word in ("--build-arg", name)]
    given += ["--secret", "id=of-host,env=OF_HOST", "--network", "none", "--hosts", "hosts.toml"]
    log = ["--log-file", "log.txt"]
    args = {"TOKEN": NOW["TOKEN"], "URL": NOW["URL"], "QUOTED": NOW["QUOTED"]}
    bake = {"target": {"app": {"context": "app", "network": "none", "args": args}}}
    (place / "docker-bake.json").write_text(json.dumps(bake))
    escaped = {name: value.replace("$", "$$") for name, value in args.items()}
    service = {"build": {"context": "app", "network": "none", "args": escaped}}
    (place / "compose.yaml").write_text(json.dumps({"services": {"app": service}}))
    with processes.watched():
        found = ("--scenarios", "buildkit-as-found", "-w", "ctd")
        typed("run", "app", *found, *given, *log, values={**NOW, **EARLIER})
        typed("run", "app", *found, *given, *log, values=NOW)
        finding = ("build-arg-invalidates", "--hosts", "hosts.toml")
        before_and_now = [word for one in (EARLIER, NOW) for word in _arguments(one)]
        typed("prove", *finding, "--yes", *log, *before_and_now)
        typed("prove", *finding, "--dry-run", *before_and_now)
        where = ("-w", "old,ctd", "--outputs")
        typed("run", "app", "--scenarios", "buildkit-cold", *where, *given, *log, values=NOW)
        for kind in FORMATS:
            typed("show", "last", "--format", kind, "--all", "-o", f"result.{kind}")
        typed("outputs", *given[-2:])
        typed("peek", "app", "-w", "ctd", *given, values=NOW)
        kinds = ("--kinds", "local-max", "--from", "ctd", "--to", "new")
        typed("share", "app", *kinds, *given, *log, values=NOW)
        cache = ("--host", "ctd", "--build", "app", "--hosts", "hosts.toml")
        typed("cache", str(local), *cache, *given[:6], values=NOW)
        once = ("--scenarios", "buildkit-cold", "-w", "ctd", "--hosts", "hosts.toml")
        typed("run", "docker-bake.json#app", *once, *log)
        typed("run", "compose.yaml#app", *once, *log)
        typed("log", "last", "ctd", "buildkit-cold", "--commands")
        for words in ("log last ", "run app --build-arg "):
            line = f"cachetui {words}"
            cut = {"COMP_LINE": line, "COMP_POINT": str(len(line))}
            typed(_CACHETUI_COMPLETE="bash_complete", values={**NOW, **cut})
        typed("clean", "--hosts", "hosts.toml", "--yes")
    yield typed
    for image in State.of(lab["ctd"]).images - before.images:
        lab["ctd"].docker("rmi", "-f", image, check=False)


def _arguments(values: dict[str, str]) -> Iterator[str]:
    for name, value in values.items():
        yield from ("--build-arg", f"{name}={value}")


@pytest.mark.fault("secret-in-messages", "secret-in-files", "secret-in-processes")
def test_no_value_is_said_written_or_shown(lab: Lab, typed: Typed, processes: Processes) -> None:
    """One test, so that the commands are typed once."""
    assert {name: around(said) for name, said in typed.said.items() if held(said)} == {}
    written_is_free_of_them(lab, typed.place)
    shown_in_no_list_of_processes(processes)
    # Where a command fails, its silence shows nothing.
    well = (b"0\n", b"1\n")
    assert {name: said for name, said in typed.said.items() if not said.startswith(well)} == {}


def written_is_free_of_them(lab: Lab, place: Path) -> None:
    """But what they were given has: hosts.toml, bake and compose file, a cache of the user's."""
    given = {"hosts.toml", "docker-bake.json", "compose.yaml", "local"}
    for name in given - {"local"}:
        assert held((place / name).read_bytes()), "what finds values finds those"
    written = [
        (path.relative_to(place), data)
        for path, data in everything_written(place)
        if path.relative_to(place).parts[0] not in given
    ]
    assert {"summary.md", "log.txt", *(f"result.{kind}" for kind in FORMATS)} <= {
        str(path) for path, _ in written
    }
    assert [(path, around(data)) for path, data in written if held(data)] == []
    for host in lab.hosts.values():
        on_host = everything_written(host.cache_folder)
        assert [(path, around(data)) for path, data in on_host if held(data)] == []


def shown_in_no_list_of_processes(processes: Processes) -> None:
    """But that of this machine, where a value is typed as a word, as docker's users do: `prove`
    takes two values of one name."""
    typed_so = b"cachetui\0prove\0"
    assert any(b"--build-arg\0TOKEN" in line for line in processes.seen)
    assert [line for line in processes.seen if held(line) and typed_so not in line] == []
