"""A build of a bake or compose file, as `docker buildx bake` and `docker compose` read it.

`docker buildx bake --print` and `docker compose build --print` print one JSON: groups, and targets
by name with everything that their builds are given, variables and files put in. It is the only form
that is read here.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cachetui.config.toml_table import ConfigError

_SUFFIXES = (".hcl", ".json", ".yaml", ".yml")
_SECONDS = 60.0
_MISSING = re.compile(
    r"is not a docker command|unknown (?:docker )?command|unknown shorthand flag: 'f'"
    r"|unknown flag: --print|there is no docker"
)


def names_file(text: str) -> bool:
    """Whether BUILD is called as a bake or compose file, with or without `#TARGET`."""
    return Path(text.partition("#")[0]).suffix in _SUFFIXES


def read_target(text: str) -> tuple[str, Path, dict[str, Any]]:
    """(name, folder, target) of `FILE#TARGET`; without a name, of the file's only one.

    The commands run in the file's folder, which relative paths start from. Raises `ConfigError`.
    """
    path, _, name = text.partition("#")
    file = Path(path).expanduser().absolute()
    if not file.is_file():
        wrong = "is not a file" if file.exists() else "does not exist"
        raise ConfigError(f"{path} {wrong}; BUILD can be FILE#TARGET of a bake or compose file")
    targets = _targets(file, [name] if name else [])
    if name and name in targets:
        return name, file.parent, targets[name]
    if len(targets) == 1:
        only = next(iter(targets))
        return only, file.parent, targets[only]
    raise ConfigError(f"{path} has several builds; name one: {_named(path, targets)}")


def _named(path: str, targets: Mapping[str, Any]) -> str:
    return ", ".join(f"{path}#{name}" for name in targets) or "none"


def _targets(file: Path, names: Sequence[str]) -> dict[str, Any]:
    """The targets that the file's own program prints."""
    bake = ["docker", "buildx", "bake", "-f", file.name, "--print", *names]
    commands = [bake]
    if _is_compose(file):
        compose = ["docker", "compose", "-f", file.name, "build", "--print", *names]
        # buildx reads compose files too, without what compose itself adds.
        commands = [compose, bake]
    tried: list[str] = []
    for command in commands:
        printed, said = _run(command, file.parent)
        if printed is not None:
            return _parsed(printed, file)
        if not _MISSING.search(said):
            raise ConfigError(f"{file}: docker {command[1]} cannot read it: {_last(said)}")
        tried.append(f"docker {command[1]}")
    raise ConfigError(
        f"{file}: this machine has no {' and no '.join(tried)} to read it with; install docker's "
        "buildx or compose plugin here, or write the build into hosts.toml"
    )


def _is_compose(file: Path) -> bool:
    return file.suffix in (".yaml", ".yml")


def _run(command: Sequence[str], folder: Path) -> tuple[str | None, str]:
    """(standard output, None if it failed; standard error)."""
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
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


def _parsed(printed: str, file: Path) -> dict[str, Any]:
    try:
        targets = json.loads(printed)["target"]
        if all(isinstance(target, dict) for target in targets.values()):
            return {name: _unescaped(target) for name, target in targets.items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        pass
    raise ConfigError(f"{file}: what docker prints of it is not the JSON of bake's targets")


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
