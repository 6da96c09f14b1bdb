"""A build of a bake or compose file, as `docker buildx bake` and `docker compose` read it.

`docker buildx bake --print` and `docker compose build --print` print one JSON: groups, and targets
by name with everything that their builds are given, variables and files put in.
"""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cachetui.config.compose_config import targets_of
from cachetui.config.toml_table import ConfigError

BAKE_FILES = ("docker-bake.hcl", "docker-bake.json")
COMPOSE_FILES = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
"""The names that docker looks for where it is told none."""
_SUFFIXES = (".hcl", ".json", ".yaml", ".yml")
_SECONDS = 60.0
_ALL_PROFILES = ("--profile", "*")
"""Services of every profile: without it compose (2.40) leaves out those whose profile is not on."""
_MISSING = re.compile(
    r"is not a docker command|unknown (?:docker )?command|unknown shorthand flag: 'f'"
    r"|unknown flag: --(?:print|format|profile)|there is no docker"
)
_CHANGES = re.compile(r"\b(?:timestamp|uuidv4|bcrypt)\s*\(")
_TIMESTAMP_SECONDS = 1.1
"""After which timestamp() is another text."""
_NO_DEFAULT = re.compile(r"failed to find target (?:default|\*)")
_READ_BY_BUILDX = (
    "this machine's docker has no compose, so buildx read the file: it takes over neither "
    "a service's platform nor entitlements, privileged and isolation of its build"
)
_NO_NETWORK = (
    "buildx printed no network of any build, and some (0.13) print none; where the file has one, "
    "give --network"
)

Targets = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Found:
    """A target of a file: its fields as bake names them, and the folder that relative paths start
    from. `notes` are sentences on how the file was read."""

    name: str
    folder: Path
    fields: dict[str, Any]
    notes: tuple[str, ...] = ()


class SeveralBuilds(ConfigError):
    """A file of several builds was named, and none of them: `choices` are `FILE#TARGET`."""

    def __init__(self, path: str, choices: Sequence[str]) -> None:
        super().__init__(f"{path} has several builds; name one: {', '.join(choices)}")
        self.choices = tuple(choices)


def names_file(text: str) -> bool:
    """Whether BUILD is called as a bake or compose file, with or without `#TARGET`."""
    return Path(text.partition("#")[0]).suffix in _SUFFIXES


def read_target(text: str) -> Found:
    """The target `FILE#TARGET`; without a name, the file's only one.

    Raises `SeveralBuilds` where the name fits several, and `ConfigError`.
    """
    path, _, name = text.partition("#")
    file = Path(path).expanduser().absolute()
    if not file.is_file():
        wrong = "is not a file" if file.exists() else "does not exist"
        raise ConfigError(f"{path} {wrong}; BUILD can be FILE#TARGET of a bake or compose file")
    targets, notes = targets_of_file(file, [name] if name else [])
    if name not in targets and len(targets) == 1:
        name = next(iter(targets))
    if name in targets:
        return Found(
            name, file.parent, targets[name], (*notes, *_changing(file, name, targets[name]))
        )
    if targets:
        raise SeveralBuilds(path, [f"{path}#{each}" for each in targets])
    raise ConfigError(f"{path} has no build{f' of {name}' if name else ''}")


def targets_of_file(file: Path, names: Sequence[str] = ()) -> tuple[Targets, tuple[str, ...]]:
    """(the targets that the file's own program prints, sentences on how it was read).

    Commands run in the file's folder. What docker reads beside a file of a usual name
    (compose.override.yaml, docker-bake.override.hcl) is read here, too. Raises `ConfigError`.
    """
    compose = file.suffix in (".yaml", ".yml")
    files = [file, *_overrides(file)]
    words = [word for each in files for word in ("-f", each.name)]
    notes = [f"{each.name} was read over {file.name}, as docker does" for each in files[1:]]
    bake = ["docker", "buildx", "bake", *words, "--print", *names]
    ways: list[tuple[list[str], Callable[[Any], Any]]] = [(bake, _printed)]
    if not names:
        ways.append(([*bake, "*"], _printed))  # all, where none is the default; 0.13 knows no *
    if compose:
        # one that is named needs no profile: compose puts its own on
        reader = ["docker", "compose", *([] if names else _ALL_PROFILES), *words]
        ways = [
            ([*reader, "build", "--print", *names], _printed),
            ([*reader, "config", "--format", "json", *names], targets_of),
            *ways[:1],
        ]
    tried: list[str] = []
    for command, reading in ways:
        printed, said = _run(command, file.parent)
        if printed is not None:
            targets = _parsed(printed, reading, file)
            if reading is targets_of:
                targets = {k: v for k, v in targets.items() if not names or k in names}
            if compose and command is bake:
                notes.append(_READ_BY_BUILDX)
            if not compose and _loses_network(targets, files, file.parent):
                notes.append(_NO_NETWORK)
            return targets, tuple(notes)
        if _NO_DEFAULT.search(said) and not names:
            if command is bake:
                continue
            raise ConfigError(f"{file} has no default target; name one: {file.name}#TARGET")
        if not _MISSING.search(said):
            raise ConfigError(f"{file}: docker {command[1]} cannot read it: {_last(said)}")
        tried.append(f"docker {command[1]}")
    raise ConfigError(
        f"{file}: this machine has no {' and no '.join(dict.fromkeys(tried))} to read it with; "
        "install docker's buildx or compose plugin here, or write the build into hosts.toml"
    )


def _changing(file: Path, name: str, fields: Mapping[str, Any]) -> Iterator[str]:
    """A sentence on what is another value at each reading, found by a second one where a bake file
    has a function that gives one (buildx `bake/hclparser/stdlib.go`)."""
    if file.suffix not in (".hcl", ".json"):
        return
    texts = (each.read_text("utf-8", "replace") for each in (file, *_overrides(file)))
    if not any(_CHANGES.search(text) for text in texts):
        return
    time.sleep(_TIMESTAMP_SECONDS)
    again = targets_of_file(file, [name])[0].get(name, {})
    names: list[str] = []
    for field, value in fields.items():
        other = again.get(field)
        if isinstance(value, dict) and isinstance(other, dict):
            names += [f"{field}.{key}" for key in value if value[key] != other.get(key)]
        elif value != other and field not in ("tags", "output"):
            names.append(field)
    if names:
        yield (
            f"{file.name} gives another value at each reading (timestamp(), uuidv4() and the like) "
            f"to {', '.join(names)} of {name}: steps with it in their key never hit; "
            "--build-arg NAME=VALUE sets an argument"
        )


def _overrides(file: Path) -> list[Path]:
    """The files that docker reads over one of a usual name where it is told none."""
    if file.name not in (*BAKE_FILES, *COMPOSE_FILES):
        return []
    suffixes = (".yaml", ".yml") if file.suffix in (".yaml", ".yml") else (".json", ".hcl")
    over = [file.with_name(f"{file.stem}.override{suffix}") for suffix in suffixes]
    there = [each for each in over if each.is_file()]
    return there[:1] if file.name in COMPOSE_FILES else there


def _loses_network(targets: Targets, files: Sequence[Path], folder: Path) -> bool:
    """Whether the files may say a network that buildx did not print: 0.13 prints none. Asked of
    buildx where no target that it printed has one."""
    if any(target.get("network") for target in targets.values()):
        return False
    texts = (each.read_text("utf-8", "replace") for each in files)
    if not any(re.search(r"\bnetwork\b", text) for text in texts):
        return False
    probe = b'{"target": {"probe": {"network": "none"}}}'
    printed, _ = _run(["docker", "buildx", "bake", "-f", "-", "--print", "probe"], folder, probe)
    return printed is None or "network" not in printed


def _run(
    command: Sequence[str], folder: Path, stdin: bytes | None = None
) -> tuple[str | None, str]:
    """(standard output, None if it failed; standard error)."""
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            input=stdin or b"",
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except FileNotFoundError:
        return None, "there is no docker"
    except (OSError, subprocess.TimeoutExpired) as error:
        return None, str(error)
    said = done.stderr.decode("utf-8", "replace")
    return (None if done.returncode else done.stdout.decode("utf-8", "replace")), said


def _last(said: str) -> str:
    """The last line that was said, which is the error's own."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return lines[-1].removeprefix("ERROR: ") if lines else "it failed and said nothing"


def _parsed(printed: str, reading: Callable[[Any], Any], file: Path) -> Targets:
    try:
        # compose prints nothing where nothing is built
        targets = reading(json.loads(printed)) if printed.strip() else {}
        if all(isinstance(target, dict) for target in targets.values()):
            return {str(name): target for name, target in targets.items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        pass
    raise ConfigError(f"{file}: what docker prints of it is not the JSON of its builds")


def _printed(document: Any) -> Targets:
    return {name: _unescaped(target) for name, target in document["target"].items()}


def _unescaped(value: Any) -> Any:
    """The value with its texts as they are built: what is printed can be read as a bake file
    again, so `${` and `%{` are doubled in it (buildx `bake/bake.go`, Target.MarshalJSON; 0.13 does
    not yet)."""
    if isinstance(value, str):
        return value.replace("$${", "${").replace("%%{", "%{")
    if isinstance(value, list):
        return [_unescaped(item) for item in value]
    if isinstance(value, dict):
        return {name: _unescaped(item) for name, item in value.items()}
    return value
