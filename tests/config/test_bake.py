"""Builds of bake and compose files, from what docker's own programs printed of two such files.

tests/config/bake has the files and what buildx 0.13 and 0.29 and compose 2.40 printed of them.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from cachetui.cli.args import RunArgs
from cachetui.cli.selection import select_build
from cachetui.config.bake_file import names_file, read_target
from cachetui.config.bake_target import LEFT_OUT, OF_SETTINGS, REFUSED, WORDS, build_of
from cachetui.config.hosts_toml import load
from cachetui.config.settings import BuildSettings, HostSettings, Settings
from cachetui.config.toml_table import ConfigError
from cachetui.core import Core, Options
from cachetui.store.database import Store

PRINTED = Path(__file__).parent / "bake"

FIELDS = [
    "annotations",
    "args",
    "attest",
    "cache-from",
    "cache-to",
    "call",
    "context",
    "contexts",
    "description",
    "dockerfile",
    "dockerfile-inline",
    "entitlements",
    "extra-hosts",
    "inherits",
    "labels",
    "network",
    "no-cache",
    "no-cache-filter",
    "output",
    "platforms",
    "policy",
    "pull",
    "secret",
    "shm-size",
    "ssh",
    "tags",
    "target",
    "ulimits",
]
"""All fields of a target, as buildx's `bake/bake.go` has them but `matrix` and `name`, which are
put in when it prints."""


def installed(monkeypatch: pytest.MonkeyPatch, folder: Path, script: str) -> None:
    """A `docker` on the PATH that does what the script says."""
    (folder / "bin").mkdir()
    docker = folder / "bin" / "docker"
    docker.write_text(f"#!/bin/sh\n{script}\n")
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}")


def target(recording: str, name: str) -> dict[str, Any]:
    targets: dict[str, dict[str, Any]] = json.loads((PRINTED / recording).read_text())["target"]
    return targets[name]


def built(recording: str, name: str) -> BuildSettings:
    return build_of(name, Path("/srv/shop"), {**target(recording, name), "contexts": {}})


@pytest.mark.parametrize("version", ["0.13", "0.29"])
def test_every_version_of_bake_gives_the_same_words(version: str) -> None:
    build = built(f"bake-{version}.json", "app")
    words = " ".join(build.docker_args)
    assert "--cache-from type=registry,ref=127.0.0.1:5000/c" in words.replace(
        "ref=127.0.0.1:5000/c,type=registry", "type=registry,ref=127.0.0.1:5000/c"
    )
    for expected in (
        "--label x=y",
        "--cache-to type=inline",
        "--secret id=npm,src=/etc/passwd",
        "id=t,env=TOK",
        "--platform linux/amd64",
        "--pull",
        "--no-cache-filter prod",
        "--shm-size 128m",
        "--ulimit nofile=1024:1024",
        "--annotation a=b",
    ):
        assert expected in words
    assert (build.target, build.context) == ("prod", Path("/srv/shop/app"))
    assert "tags" not in words
    assert "type=docker" not in words


def test_a_compose_service_is_built_as_compose_does() -> None:
    build = built("compose-2.40.json", "api")
    assert " ".join(build.docker_args) == (
        "--label com.docker.compose.project=shop --label com.docker.compose.service=api "
        "--label com.docker.compose.version=2.40.3 --label x=y "
        "--cache-from type=registry,ref=127.0.0.1:5000/c --cache-to type=inline "
        "--secret id=npm,type=file,src=/srv/shop/npm.txt --secret id=tokn,type=env,env=TOK "
        "--ssh default --ssh k=/srv/k --platform linux/amd64 --pull --shm-size 67108864 "
        "--ulimit nproc=5 --ulimit nofile=10:20 --allow network.host --add-host db:10.0.0.1"
    )
    assert build.dockerfile == "/srv/shop/api/Dockerfile.prod"
    assert (build.network, build.build_args) == ("host", {"A": "1"})
    assert [line.split(":")[1] for line in build.left_out] == [" tags", " no-cache", " output"]


@pytest.mark.parametrize("field", FIELDS)
def test_every_field_is_taken_over_left_out_or_refused(field: str) -> None:
    known = {*OF_SETTINGS, *LEFT_OUT, *REFUSED, *WORDS, "cache-to", "call", "contexts"}
    assert field in known
    plain = {**target("bake-0.29.json", "app"), "policy": ["x"], "inherits": ["x"]}
    value = plain.get(field, "x")
    before = build_of("b", Path("/b"), {})
    if field in REFUSED:
        with pytest.raises(ConfigError, match=rf"b: {field} is not supported: \w+"):
            build_of("b", Path("/b"), {field: value})
    elif field == "contexts":
        build = build_of("b", Path("/b"), {field: {"data": "./d"}})
        assert build.docker_args == ("--build-context", "data=/b/d")
    elif field != "call":
        changes = {"dockerfile": "D", "ssh": [{"id": "k", "paths": ["/k"]}]}
        assert build_of("b", Path("/b"), {field: changes.get(field, value)}) != before


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"newer": 1}, "newer is not supported: cachetui does not know"),
        ({"call": "check"}, "call is not supported: it does not build"),
        ({"network": "br0"}, "network is not supported: br0 is not one of default"),
        ({"context": "https://example.com/a.git"}, "context is not supported: .* git repository"),
        ({"contexts": {"o": "target:base"}}, "contexts is not supported: o is made by another"),
    ],
)
def test_what_cannot_be_taken_over_is_named(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        build_of("b", Path("/b"), fields)


def test_a_cache_that_others_read_is_left_out() -> None:
    to = ["type=registry,ref=r", {"type": "local", "dest": "/c"}, {"type": "inline"}]
    build = build_of("b", Path("/b"), {"cache-to": to})
    assert build.docker_args == ("--cache-to", "type=inline")
    assert len(build.left_out) == 2


def test_a_dockerfile_in_the_file_is_what_was_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    installed(monkeypatch, tmp_path, f"cat {PRINTED}/compose-2.40.json")
    (tmp_path / "compose.yaml").touch()
    name, folder, fields = read_target(f"{tmp_path}/compose.yaml#inline")
    build = build_of(name, folder, fields)
    assert build.dockerfile_inline == "FROM base:1\nRUN echo ${HOME} $HOME\n"


def test_a_file_of_several_builds_asks_for_a_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    installed(monkeypatch, tmp_path, f"cat {PRINTED}/bake-0.29.json")
    file = tmp_path / "docker-bake.hcl"
    file.touch()
    with pytest.raises(ConfigError, match=r"name one: .*bake.hcl#app, .*#base, .*#m-1, .*#m-2"):
        read_target(str(file))
    assert read_target(f"{file}#m-2")[2]["args"] == {"V": "2"}


def test_options_of_run_hold_against_those_of_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    installed(monkeypatch, tmp_path, f"cat {PRINTED}/compose-2.40.json")
    file = tmp_path / "compose.yaml"
    file.touch()
    settings = Settings(path=None, hosts=(), builds={})
    build = select_build(settings, f"{file}#web", RunArgs(target="prod", docker_args=("--pull",)))
    assert (build.target, build.docker_args[-1]) == ("prod", "--pull")
    assert build.left_out[0].startswith("left out of web: tags: an audit names")


def test_where_compose_is_missing_buildx_reads_its_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    script = f"""[ "$1" = buildx ] && exec cat {PRINTED}/compose-2.40.json
echo "docker: unknown command: docker compose" >&2; exit 1"""
    installed(monkeypatch, tmp_path, script)
    (tmp_path / "compose.yaml").touch()
    assert read_target(f"{tmp_path}/compose.yaml#web")[0] == "web"


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo 'unknown shorthand flag: f' >&2; exit 125", "cannot read it: unknown shorthand"),
        ("echo \"unknown shorthand flag: 'f' in -f\" >&2; exit 125", "no docker compose and no"),
        ("echo 'ERROR: line 3: bad' >&2; exit 1", "docker compose cannot read it: line 3: bad"),
        ("exit 1", "it failed and said nothing"),
        ("echo '[1]'", "not the JSON of bake's targets"),
        ('echo \'{"target": {"a": 1}}\'', "not the JSON of bake's targets"),
        ("echo '{\"target\": {}}'", "name one: none"),
    ],
)
def test_what_goes_wrong_names_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str, said: str
) -> None:
    installed(monkeypatch, tmp_path, script)
    (tmp_path / "compose.yaml").touch()
    with pytest.raises(ConfigError, match=said) as caught:
        read_target(f"{tmp_path}/compose.yaml#api")
    assert "compose.yaml" in str(caught.value)


def test_only_files_of_these_kinds_are_read(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").touch()
    (tmp_path / "notes.txt").touch()
    assert names_file(f"{tmp_path}/compose.yaml#a")
    assert not names_file(f"{tmp_path}/notes.txt#a")


def test_a_file_that_is_not_there_is_called_missing(tmp_path: Path) -> None:
    assert names_file(f"{tmp_path}/missing.yaml")
    with pytest.raises(ConfigError, match=r"missing\.yaml does not exist"):
        read_target(f"{tmp_path}/missing.yaml#a")


def test_a_build_of_hosts_toml_is_that_of_its_file_with_its_own_settings_over_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    installed(monkeypatch, tmp_path, f"cat {PRINTED}/compose-2.40.json")
    (tmp_path / "compose.yaml").touch()
    (tmp_path / "hosts.toml").write_text(
        """
[[hosts]]
name = "a"
address = "a"
[builds.mine]
compose = "compose.yaml"
service = "api"
build_args = { B = "2" }
label = ["mine=1"]
ignore = ["*.pyc"]
"""
    )
    settings = load(tmp_path / "hosts.toml")
    assert settings.builds["mine"].source == f"{tmp_path}/compose.yaml#api"
    build = select_build(settings, "mine", RunArgs(build_args=("A=3",)))
    assert (build.name, build.context) == ("mine", Path("/srv/shop/api"))
    assert build.build_args == {"A": "3", "B": "2"}
    assert build.docker_args[-2:] == ("--label", "mine=1")
    assert "--shm-size" in build.docker_args
    assert (build.ignore, build.source) == (("*.pyc",), None)


def test_what_was_left_out_is_a_note_of_the_audit(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    printed = '{"target": {"app": {"context": "app", "tags": ["a"], "cache-to": ["type=gha"]}}}'
    installed(monkeypatch, tmp_path, f"echo '{printed}'")
    (tmp_path / "docker-bake.hcl").touch()
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "Dockerfile").write_text("FROM base:1\n")
    host = HostSettings(name="a", address="a")
    build = BuildSettings(name="b", context=tmp_path, source=f"{tmp_path}/docker-bake.hcl#app")
    core = Core(Settings(path=None, hosts=(host,), builds={}), Store(tmp_path / "store"))
    notes = core.prepare(build, (host,), Options()).plan.notes
    assert any("left out of app: tags" in note for note in notes)
    assert any("left out of app: cache-to type=gha: it writes" in note for note in notes)
