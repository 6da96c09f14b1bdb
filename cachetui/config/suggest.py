"""A first hosts.toml, from what the machine already knows: ~/.ssh/config and docker's contexts."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path
from urllib.parse import urlsplit

from cachetui.config.bake_file import Found, relative_to, targets_of_file
from cachetui.config.bake_target import build_found
from cachetui.config.build_files import BAKE_FILES, COMPOSE_FILES, files_named
from cachetui.config.hosts_toml import NAME
from cachetui.config.settings import BuildSettings
from cachetui.config.toml_table import ConfigError

_SKIP = {".git", "node_modules", ".venv", "venv", "__pycache__", ".tox", "target", "dist"}
_MOST = 200
_DEEPEST = 4


@dataclass(frozen=True, slots=True)
class Suggestion:
    """`tables` are hosts by name, each with the lines of its table. `others` are taken only when
    somebody asks for them, and `left_out` says why."""

    tables: Mapping[str, Sequence[str]]
    left_out: Mapping[str, str]
    others: Mapping[str, Sequence[str]]

    def text(self, names: Iterable[str] | None = None) -> str:
        """The hosts.toml with these hosts, None for all that are suggested; "" without any."""
        known = {**self.tables, **self.others}
        return "\n".join(
            f"[[hosts]]\nname = {json.dumps(name)}\n" + "\n".join(known[name]) + "\n"
            for name in (self.tables if names is None else names)
        )


def docker_contexts() -> dict[str, str]:
    """Names of docker's contexts → their endpoints, those over SSH and of this machine."""
    try:
        done = subprocess.run(
            ["docker", "context", "ls", "--format", "{{json .}}"],
            capture_output=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return {}
    endpoints: dict[str, str] = {}
    for line in done.stdout.decode("utf-8", "replace").splitlines():
        try:
            row = json.loads(line)
            endpoints[str(row["Name"])] = str(row["DockerEndpoint"])
        except (ValueError, KeyError, TypeError):
            continue
    return endpoints


def suggestion(aliases: Iterable[str], left_out: Mapping[str, str]) -> Suggestion:
    """What can be suggested: these aliases of ~/.ssh/config, less those that are `left_out` with
    their reason, and docker's contexts."""
    tables: dict[str, list[str]] = {}
    for alias in aliases:
        if NAME.fullmatch(alias):
            tables[alias] = [f"address = {json.dumps(alias)}", 'tags = ["ssh-config"]']
    for name, endpoint in docker_contexts().items():
        url = urlsplit(endpoint)
        if not NAME.fullmatch(name) or name in tables:
            continue
        if url.scheme == "ssh" and url.hostname:
            lines = [f"address = {json.dumps(url.hostname)}"]
            lines += [f"user = {json.dumps(url.username)}"] if url.username else []
            lines += [f"port = {url.port}"] if url.port else []
            tables[name] = [*lines, 'tags = ["docker-context"]']
        elif url.scheme == "unix":
            env = json.dumps(endpoint)
            tables["local" if name == "default" else name] = [
                'address = "local"',
                f"env = {{ DOCKER_HOST = {env} }}",
                'tags = ["docker-context"]',
            ]
    others = {name: tables.pop(name) for name in left_out if name in tables}
    return Suggestion(tables, {name: left_out[name] for name in others}, others)


def build_files_below(folder: Path) -> list[Path]:
    """The bake and compose files below a folder."""
    return _files_below(folder, lambda each: each.name in (*BAKE_FILES, *COMPOSE_FILES))


def builds_toml(folder: Path, refused: Callable[[BuildSettings], str | None]) -> str:
    """A [builds] table for each build of the bake and compose files below the folder, whose paths
    are relative to it. A file that docker cannot read here, and a build that `run` would refuse
    (`refused` says why of one that was read), is a comment with the reason."""
    tables: dict[str, str] = {}
    comments: list[str] = []
    for file in build_files_below(folder):
        path = json.dumps(file.relative_to(folder).as_posix())
        keys = ("bake", "target") if file.name in BAKE_FILES else ("compose", "service")
        try:
            files, targets, _ = targets_of_file(files_named(str(file), folder.absolute()))
        except ConfigError as error:
            comments += [f"# {line}" for line in str(error).splitlines()]
            continue
        for target, fields in targets.items():
            start, _ = relative_to(files, fields)
            reason = _why_refused(Found(target, start, fields), refused)
            if reason is not None:
                text = f"{file.relative_to(folder)}#{target} is left out: {reason}"
                comments += [f"# {line}" for line in text.splitlines()]
                continue
            name = _free_name((target, f"{file.parent.name}-{target}"), tables)
            tables[name] = (
                f"[builds.{json.dumps(name) if '.' in name else name}]\n"
                f"{keys[0]} = {path}\n{keys[1]} = {json.dumps(target)}\n"
            )
    return "\n".join([*tables.values(), *comments]) + ("\n" if comments else "")


def _why_refused(found: Found, refused: Callable[[BuildSettings], str | None]) -> str | None:
    try:
        return refused(build_found(found))
    except ConfigError as error:
        return str(error)


def _free_name(wanted: Iterable[str], taken: Collection[str]) -> str:
    """The first name that a build may have and none has yet, else `build-N`."""
    names = chain(wanted, (f"build-{number}" for number in count(1)))
    return next(name for name in names if NAME.fullmatch(name) and name not in taken)


def dockerfiles_below(folder: Path) -> list[Path]:
    """Dockerfiles below a folder, nearest first: at most 200, at most four folders deep."""
    return _files_below(folder, _is_dockerfile)


def _files_below(folder: Path, wanted: Callable[[Path], bool]) -> list[Path]:
    """The files below a folder that are wanted, nearest first: at most 200, and as deep as
    Dockerfiles are looked for."""
    files: list[Path] = []
    level = [folder]
    for _ in range(_DEEPEST):
        below: list[Path] = []
        for place in level:
            try:
                entries = sorted(place.iterdir())
            except OSError:
                continue
            for entry in entries:
                if entry.is_symlink():
                    continue
                if entry.is_dir() and entry.name not in _SKIP:
                    below.append(entry)
                elif len(files) < _MOST and wanted(entry):
                    files.append(entry)
        level = below
    return files


_FIRST = re.compile(r"ARG\s|FROM\s+(--\S+\s+)*\S+(\s+AS\s+\S+)?\s*$", re.IGNORECASE)
"""The first instruction of a Dockerfile; not of a `dockerfile.py`, which imports from somewhere."""


def _is_dockerfile(file: Path) -> bool:
    """Whether it is called as one, and begins as one. An empty one is none yet."""
    lower = file.name.lower()
    if lower.endswith(".dockerignore"):
        return False
    if lower not in ("dockerfile", "containerfile") and not (
        lower.startswith("dockerfile.") or lower.endswith(".dockerfile")
    ):
        return False
    try:
        with file.open(encoding="utf-8-sig", errors="replace") as opened:
            lines = (line.strip() for line in opened.read(_BEGINNING).splitlines())
    except OSError:
        return False
    first = next((line for line in lines if line and not line.startswith("#")), "")
    return _FIRST.match(first.removesuffix("\\").rstrip() + " ") is not None


_BEGINNING = 65_536
"""Characters of a file that are looked at."""
