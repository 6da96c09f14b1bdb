"""Compose projects and bake files of many kinds: `--dry-run` has what their own programs build.

tests/config/projects has them, as their users type them: `$ VARIABLE=value docker …`, then the
files. What that command prints with `--print`, or as compose's configuration, is held against the
commands of a dry run, field by field. `expected` reads it without cachetui's code.
"""

from __future__ import annotations

import csv
import json
import os
import re
import shlex
import subprocess
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cachetui.audit.audit import Audit
from cachetui.cli.args import RunArgs
from cachetui.cli.selection import select_build
from cachetui.config import hosts_toml
from cachetui.core import Core, Options
from cachetui.demo.fleet import Fleet
from cachetui.store.database import Store
from tests.lab.packages import unpacked

pytestmark = [pytest.mark.lab, pytest.mark.takes_turns]

PROJECTS = sorted((Path(__file__).parent / "projects").glob("*.txt"))
FOUND = Options(scenarios=("buildkit-as-found",))
Flags = Counter[tuple[str, Any]]


@dataclass(frozen=True)
class Project:
    """A project as its user has it, and the words of the command that is typed in its folder."""

    folder: Path
    words: tuple[str, ...]
    variables: Mapping[str, str]

    @classmethod
    def written(cls, text: str, folder: Path) -> Project:
        """Write the files of a text into a folder; KEY is an SSH key, which bake reads."""
        head, *parts = re.split(r"^-- (\S+) --\r?\n", text, flags=re.MULTILINE)
        for name, content in zip(parts[::2], parts[1::2], strict=True):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(a_key() if content == "KEY\n" else content.encode())
        words = head.strip().removeprefix("$ ").split()
        given = [word for word in words if re.match(r"[A-Z_]+=", word)]
        variables = dict(word.split("=", 1) for word in given)
        return cls(folder, tuple(words[len(given) :]), variables)

    @property
    def compose(self) -> bool:
        return self.words[1] == "compose"

    @property
    def file(self) -> str:
        """What `cachetui run FILE#TARGET` names: the files of -f, or the usual one."""
        named = [self.words[i + 1] for i, word in enumerate(self.words) if word == "-f"]
        usual = ("compose.yaml", "docker-compose.yml") if self.compose else ("docker-bake.hcl",)
        return ":".join(named) or next(name for name in usual if (self.folder / name).is_file())

    def printed(self) -> dict[str, dict[str, Any]]:
        """The targets that the user's command builds, as their own program prints them."""
        done = subprocess.run(
            [*self.words, "--print"],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        targets: dict[str, dict[str, Any]] = json.loads(done.stdout)["target"]
        return {name: _single(target) for name, target in targets.items()}


def a_key() -> bytes:
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH
    key = Ed25519PrivateKey.generate()
    return key.private_bytes(encoding, form, serialization.NoEncryption())


def _single(value: Any) -> Any:
    """Texts as they are built: those that a bake file would read are doubled where printed."""
    if isinstance(value, str):
        return re.sub(r"([$%])\1\{", r"\1{", value)
    if isinstance(value, list):
        return [_single(item) for item in value]
    return {k: _single(v) for k, v in value.items()} if isinstance(value, dict) else value


def table(value: Any) -> frozenset[tuple[str, str]]:
    """A comma-separated value or its table, as pairs."""
    if not isinstance(value, Mapping):
        fields = next(csv.reader([str(value)]))
        if len(fields) == 1 and "=" not in fields[0]:
            return table({"type": "registry", "ref": fields[0]})
        value = dict(field.partition("=")[::2] for field in fields)
    return frozenset(
        (key, str(item).lower() if isinstance(item, bool) else str(item))
        for key, item in value.items()
    )


def secret(value: Any, folder: Path) -> frozenset[tuple[str, str]]:
    """A secret with the absolute path of its file; its type follows from its source."""
    fields = dict(table(value))
    source = fields.pop("src", fields.pop("source", None))
    variable = fields.pop("env", None)
    if fields.pop("type", None) == "env" and variable is None:
        variable = source or fields["id"]
        source = None
    if source is None and variable is None:
        # bake takes a variable of its name, else a file
        variable = fields["id"] if fields["id"] in os.environ else None
        source = None if variable else fields["id"]
    if source is not None:
        fields["src"] = os.path.normpath(folder / source)
    if variable is not None:
        fields["env"] = variable
    return frozenset(fields.items())


def ssh(value: Any, folder: Path) -> tuple[str, tuple[str, ...]]:
    if isinstance(value, Mapping):
        name, paths = value["id"], value.get("paths") or []
    else:
        name, _, text = value.partition("=")
        paths = [path for path in text.split(",") if path]
    return name, tuple(os.path.normpath(folder / path) for path in paths)


def place(source: str, folder: Path) -> str:
    """A named context: a folder's path, or what it is besides."""
    remote = re.match(r"docker-image://|https?://|git@|target:", source)
    return source if remote else os.path.normpath(folder / source)


def expected(target: Mapping[str, Any], folder: Path) -> Flags:
    """The options of docker build that say what a printed target says."""
    flags: Flags = Counter()
    pairs = {"labels": "label", "contexts": "build-context"}
    lists = {
        "ulimits": "ulimit",
        "annotations": "annotation",
        "entitlements": "allow",
        "no-cache-filter": "no-cache-filter",
    }
    for field, value in target.items():
        if not value:
            continue
        if field in ("target", "network", "shm-size"):
            flags[field, value] += 1
        elif field == "pull":
            flags["pull", ""] += 1
        elif field == "platforms":
            flags["platform", ",".join(value)] += 1
        elif field in lists:
            flags.update((lists[field], item) for item in value)
        elif field == "labels":
            flags.update((pairs[field], f"{name}={item}") for name, item in value.items())
        elif field == "contexts":
            flags.update((pairs[field], (k, place(v, folder))) for k, v in value.items())
        elif field == "extra-hosts":
            hosts = [(name, one) for name, all_ in value.items() for one in all_.split(",")]
            flags.update(("add-host", f"{name}:{address.strip()}") for name, address in hosts)
        elif field in ("cache-from", "cache-to", "attest"):
            items = [table(item) for item in value]
            flags.update(
                (field, item) for item in items if field != "cache-to" or ("type", "inline") in item
            )
        elif field == "secret":
            flags.update((field, secret(item, folder)) for item in value)
        elif field == "ssh":
            flags.update((field, ssh(item, folder)) for item in value)
        else:
            assert field in NO_FLAGS, field
    return flags


NO_FLAGS = {
    *("args", "context", "dockerfile", "dockerfile-inline"),
    *("tags", "output", "no-cache", "description"),
}
"""Fields that are compared otherwise, or left out with a note."""


def given(words: Sequence[str], folder: Path, contexts: Mapping[str, Path]) -> Flags:
    """The options of a command, in the same form; paths of contexts sent along are `contexts`."""
    flags: Flags = Counter()
    rest = iter(words[words.index("build") + 1 : -1])
    for word in rest:
        option, equals, value = word.lstrip("-").partition("=")
        if option in ("progress", "f"):
            value = value if equals else next(rest)
            continue
        if option == "pull":
            flags[option, ""] += 1
            continue
        value = value if equals else next(rest)
        if option == "build-context":
            name, _, source = value.partition("=")
            flags[option, (name, str(contexts.get(name, source)))] += 1
        elif option in ("cache-from", "cache-to", "attest"):
            flags[option, table(value)] += 1
        elif option == "secret":
            flags[option, secret(value, folder)] += 1
        elif option == "ssh":
            flags[option, ssh(value, folder)] += 1
        elif option != "build-arg":
            flags[option, value] += 1
    return flags


@pytest.fixture
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Project]:
    """The project of a text, in whose folder its user is, with docker's own programs."""
    file: Path = request.param
    folder = tmp_path / file.stem
    folder.mkdir()
    text = file.read_bytes().decode("utf-8")
    made = Project.written(text, folder)
    sid = unpacked("sid") / "root"
    compose = unpacked("sid", ("docker-compose",)) / "root"
    plugins = tmp_path / "docker" / "cli-plugins"
    plugins.mkdir(parents=True)
    for tree in (sid, compose):
        for plugin in tree.glob("usr/libexec/docker/cli-plugins/docker-*"):
            (plugins / plugin.name).symlink_to(plugin)
    environment = {
        "DOCKER_CONFIG": str(plugins.parent),
        "HOME": str(tmp_path),
        "PATH": f"{sid / 'usr/bin'}:/usr/bin:/bin",
        **made.variables,
    }
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(("COMPOSE_", "BUILDX_"))]:
            patch.delenv(name)
        for name, value in environment.items():
            patch.setenv(name, value)
        patch.chdir(folder)
        yield made


def add_folders(target: Mapping[str, Any], folder: Path) -> tuple[Path, str]:
    """(the target's context, the text of its Dockerfile), which are made where they are missing."""
    context = folder / target.get("context", ".")
    context.mkdir(parents=True, exist_ok=True)
    for source in (target.get("contexts") or {}).values():
        if not re.match(r"docker-image://|https?://", source):
            (folder / source).mkdir(parents=True, exist_ok=True)
    inline: str | None = target.get("dockerfile-inline")
    if inline is not None:
        return context, inline
    dockerfile = context / target.get("dockerfile", "Dockerfile")
    if not dockerfile.exists():
        dockerfile.parent.mkdir(parents=True, exist_ok=True)
        dockerfile.write_text(f"# {dockerfile.resolve()}\nFROM base:1 AS any\n")
    stage = target.get("target")
    text = dockerfile.read_text()
    if stage and f" AS {stage}\n" not in text:
        dockerfile.write_text(f"{text}FROM base:1 AS {stage}\n")
    return context, dockerfile.read_text()


def rehearsed(audit: Audit, host: Any) -> list[str]:
    """The words of the one command of a dry run."""
    (run,) = audit.rehearse(host).runs
    assert run.command is not None, run.reason
    return shlex.split(run.command)


@pytest.mark.parametrize("project", PROJECTS, indirect=True, ids=lambda file: file.stem)
def test_a_dry_run_has_what_the_program_of_the_file_builds(
    fleet: Fleet, project: Project, tmp_path: Path
) -> None:
    printed = project.printed()
    core = Core(hosts_toml.load(fleet.hosts_toml), Store(tmp_path / "store"))
    (host,) = [host for host in core.settings.hosts if host.name.startswith("new")]
    for target in printed.values():
        add_folders(target, project.folder)
    for name, target in printed.items():
        context, dockerfile = add_folders(target, project.folder)
        build = select_build(core.settings, f"{project.file}#{name}", RunArgs())
        audit = core.prepare(build, [host], FOUND)
        settings = audit.task.settings
        words = rehearsed(audit, host)

        contexts = {k: Path(os.path.normpath(v)) for k, v in settings.named_contexts.items()}
        assert given(words, project.folder, contexts) == expected(target, project.folder), name
        assert os.path.normpath(settings.context) == os.path.normpath(context), name
        assert audit.task.context.dockerfile_text == dockerfile, name

        arguments = {k: v for k, v in (target.get("args") or {}).items() if v is not None}
        if project.compose and "SOURCE_DATE_EPOCH" in project.variables:
            # compose has buildx build what it prints, and that adds it
            arguments.setdefault("SOURCE_DATE_EPOCH", project.variables["SOURCE_DATE_EPOCH"])
        assert settings.build_args == arguments, name
        named = [word for before, word in pairwise(words) if before == "--build-arg"]
        assert sorted(named) == sorted(arguments), name

        for field in ("tags", "output", "no-cache", "description"):
            told = any(f" of {name}: {field}: " in note for note in audit.plan.notes)
            assert told == bool(target.get(field)), (name, field, audit.plan.notes)
