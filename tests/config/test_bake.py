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
from cachetui.config.bake_file import SeveralBuilds, read_target
from cachetui.config.bake_target import LEFT_OUT, OF_SETTINGS, REFUSED, WORDS, build_found, build_of
from cachetui.config.build_files import names_file
from cachetui.config.compose_config import targets_of
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
    assert [line.split(":")[1] for line in build.source_notes] == [" tags", " no-cache", " output"]


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
        ({"context": "https://u@example.com/a.git"}, "//…@example.com/a.git has a credential"),
        ({"context": "app.tgz"}, "app.tgz cannot be a context for bake and compose"),
        (
            {"contexts": {"o": "target:base"}},
            "contexts is not supported: o is made by the target base",
        ),
    ],
)
def test_what_cannot_be_taken_over_is_named(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        build_of("b", Path("/b"), fields)


def test_a_truth_value_is_written_as_docker_writes_it() -> None:
    build = build_of("b", Path("/b"), {"attest": [{"disabled": True, "type": "provenance"}]})
    assert build.docker_args == ("--attest", "disabled=true,type=provenance")


def test_a_cache_that_others_read_is_left_out() -> None:
    to = ["type=registry,ref=r", {"type": "local", "dest": "/c"}, {"type": "inline"}]
    build = build_of("b", Path("/b"), {"cache-to": to})
    assert build.docker_args == ("--cache-to", "type=inline")
    assert len(build.source_notes) == 2


def test_a_dockerfile_in_the_file_is_what_was_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    installed(monkeypatch, tmp_path, f"cat {PRINTED}/compose-2.40.json")
    (tmp_path / "compose.yaml").touch()
    found = read_target(f"{tmp_path}/compose.yaml#inline")
    build = build_found(found)
    assert build.dockerfile_inline == "FROM base:1\nRUN echo ${HOME} $HOME\n"


def test_a_file_of_several_builds_asks_for_a_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    installed(monkeypatch, tmp_path, f"cat {PRINTED}/bake-0.29.json")
    file = tmp_path / "docker-bake.hcl"
    file.touch()
    with pytest.raises(ConfigError, match=r"name one: .*bake.hcl#app, .*#base, .*#m-1, .*#m-2"):
        read_target(str(file))
    assert read_target(f"{file}#m-2").fields["args"] == {"V": "2"}


def test_options_of_run_hold_against_those_of_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    installed(monkeypatch, tmp_path, f"cat {PRINTED}/compose-2.40.json")
    file = tmp_path / "compose.yaml"
    file.touch()
    settings = Settings(path=None, hosts=(), builds={})
    build = select_build(settings, f"{file}#web", RunArgs(target="prod", docker_args=("--pull",)))
    assert (build.target, build.docker_args[-1]) == ("prod", "--pull")
    assert build.source_notes[0].startswith("left out of web: tags: an audit names")


def without_compose(monkeypatch: pytest.MonkeyPatch, folder: Path, said: str) -> None:
    """A compose file, and a docker that says this of compose, but has buildx."""
    script = f"""[ "$1" = buildx ] && exec cat {PRINTED}/compose-2.40.json
echo "{said}" >&2; exit 1"""
    installed(monkeypatch, folder, script)
    (folder / "compose.yaml").touch()


def test_where_compose_is_missing_buildx_reads_its_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    without_compose(monkeypatch, tmp_path, "docker: unknown command: docker compose")
    found = read_target(f"{tmp_path}/compose.yaml#web")
    assert found.name == "web"
    assert "buildx read the file: it ignores" in build_found(found).source_notes[0]


def test_a_compose_that_prints_no_builds_prints_its_services(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    script = f"""case "$*" in *--print*) echo "unknown flag: --print" >&2; exit 16;; esac
[ "$1" = compose ] && exec cat {PRINTED}/compose-2.26-config.json"""
    installed(monkeypatch, tmp_path, script)
    (tmp_path / "compose.yaml").touch()
    newer = json.loads((PRINTED / "compose-2.40.json").read_text())["target"]
    for name in ("api", "web", "inline"):
        read = build_found(read_target(f"{tmp_path}/compose.yaml#{name}"))
        # What compose adds at the end, and what the older one does not know, is not printed.
        labels = {k: v for k, v in newer[name]["labels"].items() if "docker" not in k}
        fields = {**newer[name], "labels": labels, "ssh": None, "entitlements": None}
        if "dockerfile-inline" in fields:
            fields["dockerfile-inline"] = "FROM base:1\nRUN echo ${HOME} $HOME\n"
        expected = build_of(name, Path("/srv/shop"), fields)
        assert set(read.docker_args) == set(expected.docker_args)
        for field in ("context", "dockerfile", "dockerfile_inline", "target", "build_args"):
            assert getattr(read, field) == getattr(expected, field)
        assert read.network == expected.network


SCHEMA = {
    "additional_contexts": ({"d": "/d"}, ("--build-context", "d=/d")),
    "args": ({"A": "1", "N": None}, {"A": "1"}),
    "cache_from": (["r"], ("--cache-from", "r")),
    "cache_to": (["type=inline"], ("--cache-to", "type=inline")),
    "context": ("/srv/shop", Path("/srv/shop")),
    "dockerfile": ("D", "/srv/D"),
    "dockerfile_inline": ("FROM a\nRUN echo $$A", "FROM a\nRUN echo $A"),
    "entitlements": (["network.host"], ("--allow", "network.host")),
    "extra_hosts": (
        ["a=1.2.3.4", "b:1.2.3.4"],
        ("--add-host", "a:1.2.3.4", "--add-host", "b:1.2.3.4"),
    ),
    "isolation": ("process", "isolation is not supported"),
    "labels": ({"a": "b"}, ("--label", "a=b")),
    "network": ("none", "none"),
    "no_cache": (True, "no-cache: the cold scenarios"),
    "no_cache_filter": (["s"], ("--no-cache-filter", "s")),
    "platforms": (["linux/arm64"], ("--platform", "linux/arm64")),
    "privileged": (True, ("--allow", "security.insecure")),
    "provenance": ("mode=max", ("--attest", "type=provenance,mode=max")),
    "pull": (True, ("--pull",)),
    "sbom": ("false", ("--attest", "type=sbom,disabled=true")),
    "secrets": ([{"source": "s", "target": "t"}], ("--secret", "id=t,type=file,src=/s")),
    "shm_size": ("64", ("--shm-size", "64")),
    "ssh": (["default"], ("--ssh", "default")),
    "tags": (["a"], "tags: an audit names"),
    "target": ("t", "t"),
    "ulimits": ({"nofile": {"soft": 1, "hard": 2}}, ("--ulimit", "nofile=1:2")),
}
"""Each key of `build:` in the compose specification (`build.md`): a value as compose prints it, and
what becomes of it."""


@pytest.mark.parametrize("key", SCHEMA)
def test_every_key_of_compose_s_build_is_taken_over_left_out_or_refused(key: str) -> None:
    value, expected = SCHEMA[key]
    config = {
        "secrets": {"s": {"file": "/s"}},
        "services": {"a": {"build": {"context": "/srv", key: value}}, "no": {"image": "b"}},
    }
    targets = targets_of(config)
    assert list(targets) == ["a"]
    if key == "isolation":
        with pytest.raises(ConfigError, match=str(expected)):
            build_of("a", Path("/srv"), targets["a"])
        return
    build = build_of("a", Path("/srv"), targets["a"])
    if isinstance(expected, tuple):
        assert build.docker_args == expected
    elif key in ("no_cache", "tags"):
        assert str(expected) in build.source_notes[0]
    else:
        field = {"args": "build_args"}.get(key, key)
        assert getattr(build, field) == expected


def test_a_key_of_compose_that_nobody_knows_is_refused_by_name() -> None:
    targets = targets_of({"services": {"a": {"build": {"context": "/a", "colour": "red"}}}})
    with pytest.raises(ConfigError, match="colour is not supported: cachetui does not know"):
        build_of("a", Path("/a"), targets["a"])


def test_what_a_service_says_of_its_build() -> None:
    service = {
        "platform": "linux/arm64",
        "build": {
            "context": "/a",
            "additional_contexts": {"b": "service:b"},
            "secrets": ["env", {"source": "gone"}],
        },
    }
    config = {"services": {"a": service}, "secrets": {"env": {"environment": "E"}}}
    target = targets_of(config)["a"]
    assert target["platforms"] == ["linux/arm64"]
    assert target["secret"] == ["id=env,type=env,env=E", "id=gone"]
    with pytest.raises(ConfigError, match="b is made by the target"):
        build_of("a", Path("/a"), target)


def test_files_that_docker_reads_over_another_are_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    installed(monkeypatch, tmp_path, f'echo "$@" >{tmp_path}/words; cat {PRINTED}/bake-0.29.json')
    cases = {
        "compose.yaml": "compose -f compose.yaml -f compose.override.yaml build --print app",
        "docker-bake.hcl": (
            "buildx bake -f docker-bake.hcl -f docker-bake.override.json "
            "-f docker-bake.override.hcl --print app"
        ),
        "other.yaml": "compose -f other.yaml build --print app",
    }
    over = ("compose.override.yaml", "docker-bake.override.json", "docker-bake.override.hcl")
    for name, words in cases.items():
        folder = tmp_path / Path(name).stem
        folder.mkdir()
        for each in (name, *over, "other.override.yaml"):
            (folder / each).touch()
        found = read_target(f"{folder}/{name}#app")
        assert (tmp_path / "words").read_text().replace(f"{folder}/", "") == f"{words}\n"
        assert len(found.notes) == words.count(" -f ") - 1


def test_services_of_profiles_that_are_not_on_are_named_too(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """compose 2.40 prints two services of three unless told of the profile, or the third's name."""
    three = {name: {"context": name} for name in ("api", "web", "tools")}
    two = {name: three[name] for name in ("api", "web")}
    for name, targets in {"all": three, "two": two, "one": {"tools": three["tools"]}}.items():
        (tmp_path / name).write_text(json.dumps({"target": targets}))
    script = (
        f'case "$*" in *"--profile * "*) cat {tmp_path}/all ;; '
        f"*tools) cat {tmp_path}/one ;; *) cat {tmp_path}/two ;; esac"
    )
    installed(monkeypatch, tmp_path, script)
    file = tmp_path / "compose.yaml"
    file.touch()
    with pytest.raises(SeveralBuilds, match=r"#api, .*#web, .*#tools"):
        read_target(str(file))
    assert read_target(f"{file}#tools").fields == three["tools"]


def test_a_docker_without_compose_is_told_from_a_compose_that_fails(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What docker 20.10 to 28.5 say of the first option behind a plugin that is not there."""
    without_compose(monkeypatch, tmp_path, "unknown flag: --profile")
    with pytest.raises(SeveralBuilds):
        read_target(f"{tmp_path}/compose.yaml")


def test_a_bake_file_without_a_default_names_all_its_targets(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    no_default = 'echo "ERROR: failed to find target ${6:-default}" >&2; exit 1'
    script = f"""[ "${{6:-}}" = "*" ] && exec cat {PRINTED}/bake-0.29.json\n{no_default}"""
    installed(monkeypatch, tmp_path, script)
    file = tmp_path / "my.hcl"
    file.touch()
    with pytest.raises(SeveralBuilds, match=r"my.hcl#base"):
        read_target(str(file))
    (tmp_path / "bin" / "docker").write_text(f"#!/bin/sh\n{no_default}\n")  # buildx 0.13
    with pytest.raises(ConfigError, match=r"has no default target; name one: my.hcl#TARGET"):
        read_target(str(file))


def test_a_network_that_buildx_does_not_print_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    installed(monkeypatch, tmp_path, f"cat {PRINTED}/bake-0.13.json")
    file = tmp_path / "docker-bake.hcl"
    file.write_text('target "app" { network = "host" }')
    assert "printed no network" in read_target(f"{file}#app").notes[0]
    file.write_text('target "app" {}')
    assert read_target(f"{file}#app").notes == ()


def test_a_target_without_a_network_beside_one_that_has_it_is_no_loss(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What buildx 0.29 prints of the target that is named, and of any file on standard input."""
    script = (
        'case "$*" in *"-f - "*) cat ;; *) echo \'{"target": {"web": {"context": "web"}}}\' ;; esac'
    )
    installed(monkeypatch, tmp_path, script)
    file = tmp_path / "docker-bake.hcl"
    file.write_text('target "app" { network = "host" }\ntarget "web" { context = "web" }')
    assert read_target(f"{file}#web").notes == ()


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("secret", ["id=a,src=deploy/pip.conf"], ["id=a,src=/srv/deploy/pip.conf"]),
        ("secret", [{"id": "a", "src": "x,y"}], ['id=a,"src=/srv/x,y"']),
        ("secret", ["type=env,id=a,src=TOKEN"], ["type=env,id=a,src=TOKEN"]),
        ("secret", ["id=a,env=TOKEN", "id=b"], ["id=a,env=TOKEN", "id=b,src=/srv/b"]),
        ("secret", ["src=/etc/a,id=a"], ["src=/etc/a,id=a"]),
        (
            "cache-from",
            ["type=local,src=cache", "ref/name"],
            ["type=local,src=/srv/cache", "ref/name"],
        ),
        ("ssh", ["default", "k=id_ed,/etc/key"], ["default", "k=/srv/id_ed,/etc/key"]),
        ("ssh", [{"id": "k", "paths": ["id_ed"]}, {"id": "default"}], ["k=/srv/id_ed", "default"]),
    ],
)
def test_relative_paths_start_from_the_folder_of_the_file(
    field: str, value: list[Any], words: list[str]
) -> None:
    assert list(build_of("app", Path("/srv"), {field: value}).docker_args[1::2]) == words


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo 'unknown shorthand flag: f' >&2; exit 125", "cannot read it: unknown shorthand"),
        ("[ $2 = -f ] && exit 0; exit 1", "compose.yaml has no build of api"),
        ("echo \"unknown shorthand flag: 'f' in -f\" >&2; exit 125", "no docker compose and no"),
        ("echo 'ERROR: line 3: bad' >&2; exit 1", "docker compose cannot read it: line 3: bad"),
        ("exit 1", "it failed and said nothing"),
        ("echo '[1]'", "did not print its builds as JSON"),
        ('echo \'{"target": {"a": 1}}\'', "did not print its builds as JSON"),
        ("echo '{\"target\": {}}'", "compose.yaml has no build of api"),
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


@pytest.mark.parametrize(
    ("text", "noted"), [("args = { V = timestamp() }", True), ("args = { V = 1 }", False)]
)
def test_what_changes_at_each_reading_is_noted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str, noted: bool
) -> None:
    file = tmp_path / "docker-bake.hcl"
    file.write_text(f'target "app" {{ {text} }}')
    script = """echo x >>COUNT
echo '{"target": {"app": {"args": {"A": "a", "V": "'$(wc -l <COUNT)'"}, "tags": ["'$$'"]}}}'"""
    installed(monkeypatch, tmp_path, script.replace("COUNT", str(tmp_path / "count")))
    found = read_target(f"{file}#app")
    assert len((tmp_path / "count").read_text().split()) == 1 + noted
    assert found.fields["args"]["V"] == "1"
    assert [note for note in found.notes if "another value" in note] == [
        "docker-bake.hcl gives another value at each reading (by timestamp(), uuidv4() or "
        "bcrypt()) to args.V of app: steps with it in their key never hit; --build-arg "
        "NAME=VALUE sets an argument"
    ] * noted
