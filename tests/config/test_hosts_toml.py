"""hosts.toml: what is read, and the one message that each mistake gets."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cachetui.config import hosts_toml as config
from cachetui.config.hosts_toml import load
from cachetui.config.hours import Hours
from cachetui.config.settings import HostSettings
from cachetui.config.toml_table import ConfigError

HOST = '[[hosts]]\nname = "a"\naddress = "a.example.com"\n'
BUILD = '[builds.api]\ncontext = "./api"\n'

FULL = """\
[defaults]                      # any host key, for all hosts
user = "ci"
connect_timeout = 7
env = { A = "1", B = "2" }

[[hosts]]
name = "ci-1"
address = "ci-1.example.com"
port = 2222
identity_file = "~/.ssh/id_ed25519"
known_hosts = "keys/known_hosts"
tags = ["linux", "runner"]
docker = "sudo -n docker"
env = { B = "3", DOCKER_HOST = "unix:///run/other.sock" }
build_timeout = 90.5
context_on_host = "/srv/checkout"
image_on_host = "api:ci"
only_between = "22:00-06:30"
max_builds_per_day = 40
registry = "reg.example.com/team/cache"

[[hosts]]
name = "here"
address = "local"
docker = ["/opt/my docker/docker"]

[builds.api]
context = "./api"
target = "prod"
build_args = { NODE = "20" }
network = "host"
docker_args = ["--label", "a=b c"]
ignore = ["**/*.log"]
context_on_host = "/srv/api"
image_on_host = "api:latest"
"""


def write(folder: Path, text: str | bytes) -> Path:
    path = folder / "hosts.toml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    settings = load(write(tmp_path, FULL))
    first, second = settings.hosts
    assert first == HostSettings(
        name="ci-1",
        address="ci-1.example.com",
        user="ci",
        port=2222,
        identity_file=Path("/home/me/.ssh/id_ed25519"),
        known_hosts=tmp_path / "keys/known_hosts",
        tags=("linux", "runner"),
        docker=("sudo", "-n", "docker"),
        env={"A": "1", "B": "3", "DOCKER_HOST": "unix:///run/other.sock"},
        connect_timeout=7.0,
        build_timeout=90.5,
        context_on_host="/srv/checkout",
        image_on_host="api:ci",
        only_between=Hours(22 * 60, 6 * 60 + 30),
        max_builds_per_day=40,
        registry="reg.example.com/team/cache",
    )
    assert second.local
    assert second.user == "ci"
    assert second.docker == ("/opt/my docker/docker",)
    api = settings.builds["api"]
    assert api.context == tmp_path / "api"
    assert (api.dockerfile, api.target, api.network) == ("Dockerfile", "prod", "host")
    assert api.docker_args == ("--label", "a=b c")
    assert api.build_args == {"NODE": "20"}
    assert (api.context_on_host, api.image_on_host) == ("/srv/api", "api:latest")
    assert api.ignore == ("**/*.log",)


def test_keys_of_docker_build_are_its_words_behind_docker_args(tmp_path: Path) -> None:
    text = """
ulimit = ["nofile=9", "nproc=5:6"]
secret = ["id=a,src=/a"]
ssh = ["default"]
platform = "linux/amd64"
pull = true
no_cache_filter = ["deps"]
label = ["a=b c"]
shm_size = "1g"
add_host = ["db:10.0.0.7"]
cache_from = ["type=registry,ref=r/app:cache"]
build_context = ["a=../a", "b=docker-image://base:1", "c=/c", "d=git@example.com:d"]
docker_args = ["--label", "first=1"]
"""
    build = load(write(tmp_path, HOST + BUILD + text)).builds["api"]
    assert " ".join(build.docker_args) == (
        f"--label first=1 --build-context a={tmp_path}/../a "
        "--build-context b=docker-image://base:1 --build-context c=/c "
        "--build-context d=git@example.com:d --secret id=a,src=/a "
        "--ssh default --platform linux/amd64 --pull "
        "--no-cache-filter deps --label a=b c --shm-size 1g --ulimit nofile=9 --ulimit nproc=5:6 "
        "--add-host db:10.0.0.7 --cache-from type=registry,ref=r/app:cache"
    )
    assert load(write(tmp_path, HOST + BUILD + "pull = false\n")).builds["api"].docker_args == (
        "--pull=false",
    )


@pytest.mark.parametrize(
    ("context", "why"),
    [
        ("https://token@example.com/app.git#main:sub", "a credential"),
        ("https://u:p@example.com/app.tar.gz", "a credential"),
        ("https://example.com/app.git?ref=main", "a query"),
        ("git@example.com:app#:../x", "leaves the repository"),
    ],
)
def test_a_context_that_cannot_be_fetched_is_refused(
    tmp_path: Path, context: str, why: str
) -> None:
    text = HOST + BUILD.replace("./api", context)
    with pytest.raises(ConfigError, match=rf":5: .*context: .*{why}"):
        load(write(tmp_path, text))


@pytest.mark.parametrize(
    "context", ["-", "https://example.com/app.git#main:sub", "git@example.com:app", "./app.tgz"]
)
def test_a_context_that_is_no_folder(tmp_path: Path, context: str) -> None:
    build = load(write(tmp_path, HOST + BUILD.replace("./api", context))).builds["api"]
    fetched = f"{tmp_path}/app.tgz" if context == "./app.tgz" else context
    assert (build.context, build.fetched_from) == (tmp_path, fetched)
    assert build.place.endswith(f" of {fetched}")


def test_least(tmp_path: Path) -> None:
    settings = load(write(tmp_path, "\ufeff" + HOST))
    assert settings.hosts == (HostSettings(name="a", address="a.example.com"),)
    assert settings.builds == {}


MISTAKES = {
    "broken": ("[[hosts]\nname = 1", r":1: is not valid TOML: .*column"),
    "broken later": (HOST + "x = \n", r":4: is not valid TOML"),
    "twice": (HOST + 'name = "b"\n', r":4: is not valid TOML"),
    "not utf-8": (HOST.encode() + b'user = "\xff"\n', r":4: is not UTF-8"),
    "empty": ("", r"lists no hosts; add \[\[hosts\]\] with name = "),
    "only builds": (BUILD, r"lists no hosts; add \[\[hosts\]\]"),
    "top key": ("hots = 1\n" + HOST, r":1: .*key hots: .*did you mean \"hosts\"\?"),
    "one table": ('[hosts]\nname = "a"\n', r":1: .*write \[\[hosts\]\], not \[hosts\]"),
    "hosts text": ('hosts = "a"\n', r":1: .*must be tables"),
    "host key": (HOST + 'adress = "x"\n', r":4: \[\[hosts\]\] \"a\", key adress: .*\"address\"\?"),
    "far key": (HOST + "zzz = 1\n", r":4: .*known: name, address, user"),
    "second host": (HOST + '[[hosts]]\nname = "b"\naddress = "b"\nprot = 1\n', r":7: .*\"port\"\?"),
    "no name": ('[[hosts]]\naddress = "a"\n', r":1: .*has no name; add name = "),
    "no address": ('[[hosts]]\nname = "a"\n', r":1: .*\"a\": has no address"),
    "same name": (HOST + HOST, r":5: .*another host is named \"a\""),
    "bad name": (HOST.replace('"a"', '"a b"'), r":2: .*\"a b\" must start with a letter"),
    "dash name": (HOST.replace('"a"', '"-a"'), r":2: .*must start with a letter"),
    "name number": (HOST.replace('"a"', "1"), r":2: .*must be a string in quotes, not a whole"),
    "name in defaults": ('[defaults]\nname = "a"\n' + HOST, r":2: \[defaults\], key name: .*each"),
    "defaults key": ("[defaults]\nusr = 1\n" + HOST, r":2: .*key usr.*\"user\"\?"),
    "defaults array": ("[[defaults]]\n" + HOST, r"key defaults: must be a table, not an array"),
    "address user": (HOST.replace("a.ex", "me@a.ex"), r":3: .*write user = \"me\""),
    "address port": (HOST.replace(".com", ".com:22"), r":3: .*write port = 22"),
    "address port in brackets": (HOST.replace("a.example.com", "[::1]:22"), r":3: .*port = 22"),
    "address brackets": (HOST.replace("a.example.com", "[a]"), r":3: .*is not a host name or"),
    "address half a bracket": (HOST.replace("a.example.com", "[::1"), r":3: .*is not a host name"),
    "address url": (HOST.replace("a.ex", "ssh://a.ex"), r":3: .*not a URL"),
    "address space": (HOST.replace("a.ex", "a ex"), r":3: .*is not a host name or address"),
    "address dash": (HOST.replace("a.ex", "-oProxyCommand"), r":3: .*is not a host name"),
    "address empty": (HOST.replace("a.example.com", " "), r":3: .*is empty"),
    "user control": (HOST + 'user = "a\\nb"\n', r":4: .*control character"),
    "user number": (HOST + "user = 1\n", r":4: .*must be a string in quotes, not a whole number"),
    "port text": (HOST + 'port = "22"\n', r":4: .*1 to 65535, not a string"),
    "port true": (HOST + "port = true\n", r":4: .*1 to 65535, not true or false"),
    "port zero": (HOST + "port = 0\n", r":4: .*1 to 65535, not 0"),
    "port large": (HOST + "port = 65536\n", r":4: .*not 65536"),
    "port float": (HOST + "port = 22.0\n", r":4: .*not a number"),
    "timeout minus": (HOST + "connect_timeout = -1\n", r":4: .*more than 0 and at most 600"),
    "timeout zero": (HOST + "build_timeout = 0\n", r":4: .*more than 0"),
    "timeout nan": (HOST + "build_timeout = nan\n", r":4: .*more than 0"),
    "timeout inf": (HOST + "build_timeout = inf\n", r":4: .*at most 604800"),
    "hours": (HOST + 'only_between = "22-6"\n', r':4: .*"22-6" is not a time of day'),
    "hours number": (HOST + "only_between = 22\n", r":4: .*must be a string in quotes"),
    "builds none": (HOST + "max_builds_per_day = 0\n", r":4: .*whole number from 1 to 1000000"),
    "builds half": (HOST + "max_builds_per_day = 1.5\n", r":4: .*whole number from 1 to"),
    "timeout true": (HOST + "connect_timeout = true\n", r":4: .*seconds, not true or false"),
    "timeout date": (HOST + "connect_timeout = 2020-01-01\n", r":4: .*not a date or time"),
    "tags text": (HOST + 'tags = "a"\n', r":4: .*array of strings, as \[\"a\", \"b\"\], not a str"),
    "tags number": (HOST + 'tags = ["a", 1]\n', r":4: .*holds a whole number"),
    "tags bad": (HOST + 'tags = ["a,b"]\n', r":4: .*\"a,b\" must contain only letters"),
    "docker number": (HOST + "docker = 1\n", r":4: .*\"sudo -n docker\", or an array"),
    "docker empty": (HOST + "docker = []\n", r":4: .*must have a command"),
    "docker quote": (HOST + 'docker = "a \'b"\n', r":4: .*cannot be split into words"),
    "env text": (HOST + 'env = "A=1"\n', r":4: .*must be a table of strings"),
    "env number": (
        HOST + "env = { A = 1 }\n",
        r":4: .*A is a whole number; put its value in quotes",
    ),
    "env name": (HOST + 'env = { "A-B" = "1" }\n', r":4: .*\"A-B\" is not a valid variable name"),
    "env table": (HOST + "[hosts.env]\nA = 1\n", r":[45]: .*A is a whole number"),
    "home": (HOST + 'identity_file = "~nobody-there/x"\n', r":4: .*no home folder for ~nobody"),
    "build key": (
        HOST + BUILD + "contxt = 1\n",
        r":6: \[builds.api\], key contxt: .*\"context\"\?",
    ),
    "no context": (HOST + "[builds.api]\n", r":4: \[builds.api\]: has no context; add"),
    "build text": (HOST + '[builds]\napi = "x"\n', r":5: .*write \[builds.api\] above"),
    "build name": (
        HOST + '[builds."a b"]\ncontext = "."\n',
        r":4: .*\"a b\" must contain only letters",
    ),
    "builds text": ('builds = "x"\n' + HOST, r":1: .*must be a table, not a string"),
    "network": (HOST + BUILD + 'network = "bridge"\n', r":6: .*one of default, none, host"),
    "args number": (HOST + BUILD + "build_args = { N = 20 }\n", r":6: .*N is a whole number; put"),
    "service alone": (HOST + BUILD + 'service = "a"\n', r":6: .*service: .*compose = "),
    "two sources": (
        HOST + BUILD + 'compose = "c.yaml"\n',
        r":5: .*context: comes from the compose",
    ),
    "bake and service": (
        HOST + '[builds.a]\nbake = "b.hcl"\nservice = "a"\n',
        r":6: .*service: cannot be used with bake",
    ),
    "compose and bake": (
        HOST + '[builds.b]\ncompose = "c.yaml"\nbake = "b.hcl"\n',
        r":6: .*bake: cannot be used with compose",
    ),
    "not a key": (HOST + BUILD + "named_contexts = {}\n", r":6: .*no such key"),
    "switch": (HOST + BUILD + 'pull = "yes"\n', r":6: .*key pull: must be true or false"),
    "option key": (HOST + BUILD + 'add_hosts = ["a:1"]\n', r":6: .*\"add_host\"\?"),
    "option list": (HOST + BUILD + 'secret = "id=a"\n', r":6: .*secret: must be an array"),
    "docker_args": (HOST + BUILD + 'docker_args = "--pull"\n', r":6: .*array of strings"),
    "ignore": (HOST + BUILD + "ignore = 1\n", r":6: .*array of strings"),
    "target": (HOST + BUILD + "target = 1\n", r":6: .*string in quotes"),
    "after text": (HOST + 'user = """\nport = x\n"""\nport = 0\n', r":4: .*control character"),
    "deep": (HOST + "x = " + "[" * 5000, r"is not valid TOML|nests arrays"),
}


@pytest.mark.parametrize(("text", "message"), MISTAKES.values(), ids=MISTAKES.keys())
def test_mistake(tmp_path: Path, text: str | bytes, message: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        load(path)
    said = str(caught.value)
    assert said.startswith(str(path))
    assert re.search(message, said), said
    assert "\n" not in said


def test_lines_after_text_of_many_lines(tmp_path: Path) -> None:
    text = HOST + 'docker = ["docker"]\n' + "[builds.a]\ncontext = '''\nport = 1'''\nnetwork = 1\n"
    with pytest.raises(ConfigError, match=r":8: \[builds.a\], key network: must be"):
        load(write(tmp_path, text))


@pytest.mark.fault("secret-in-messages")
def test_values_stay_secret(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(write(tmp_path, HOST + 'env = { TOKEN = "hunter2\\u0000" }\n'))
    assert "hunter2" not in str(caught.value)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"there is no such file; write one with \[\[hosts\]\]"):
        load(tmp_path / "hosts.toml")
    with pytest.raises(ConfigError, match="is a folder"):
        load(tmp_path)


def test_unreadable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, HOST)

    def refuse(self: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(ConfigError, match="cannot be read: Permission denied"):
        load(path)


def test_search(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    user = tmp_path / "user"
    work = tmp_path / "work"
    (user / "cachetui").mkdir(parents=True)
    work.mkdir()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(user))
    monkeypatch.chdir(work)
    assert config.find() is None
    with pytest.raises(ConfigError, match=r"there is no hosts.toml: neither hosts.toml nor .*user"):
        load(None)
    write(user / "cachetui", HOST)
    assert load(None).path == user / "cachetui" / "hosts.toml"
    write(work, HOST.replace('"a"', '"b"') + BUILD)
    settings = load(None)
    assert settings.hosts[0].name == "b"
    assert settings.builds["api"].context == work / "api"


@pytest.mark.fault("ssh-config")
@pytest.mark.parametrize(
    ("address", "read"),
    [
        ("[::1]", "::1"),
        ("::1", "::1"),
        ("fe80::1%usb0", "fe80::1%usb0"),
        ("[fe80::1%lo]", "fe80::1%lo"),
    ],
)
def test_addresses_of_version_6(tmp_path: Path, address: str, read: str) -> None:
    file = tmp_path / "hosts.toml"
    file.write_text(f'[[hosts]]\nname = "a"\naddress = "{address}"\n')
    assert load(file).hosts[0].address == read
