"""A build of a bake or compose file, as `docker buildx bake` and `docker compose` read it.

`docker buildx bake --print` and `docker compose build --print` print one JSON: groups, and targets
by name with everything that their builds are given, variables and files put in.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cachetui.config.build_files import Files, files_named
from cachetui.config.compose_config import targets_of
from cachetui.config.context_source import fetched_kind
from cachetui.config.shared_exports import overwritten
from cachetui.config.toml_table import ConfigError

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
    "this machine's docker has no compose, so buildx read the file: it ignores "
    "a service's platform, and entitlements, privileged and isolation of its build"
)
_NO_NETWORK = (
    "buildx printed no network of any build, and 0.13 never does; if the file has one, "
    "give --network"
)

_NO_OWN_LABELS = (
    "compose's configuration does not have the labels com.docker.compose.* that its builds have; "
    "no key of BuildKit has them either"
)
_X_BAKE = (
    "{} has x-bake, which compose does not read; docker buildx bake does: name a bake file with it"
)
_NOT_FOUND = re.compile(r"failed to find target|no such service")
_MOST_LISTED = 40
_SECRET = "failed to stat "
"""How buildx begins to say that a secret's file is missing."""

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
        super().__init__(f"{path} has several builds; name one: {_listed(choices)}")
        self.choices = tuple(choices)


def read_target(text: str, here: Path | None = None) -> Found:
    """The target `FILE#TARGET`; without a name, the file's only one. Several files are read
    together as `FILE:FILE#TARGET`. `here` is where docker would be typed (None: the current
    folder).

    Raises `SeveralBuilds` where the name fits several, and `ConfigError`.
    """
    path, _, name = text.partition("#")
    files = files_named(path, (here or Path.cwd()).absolute())
    if name.startswith("-"):
        raise ConfigError(f"{path}#{name}: no build's name begins with -")
    try:
        files, targets, notes = targets_of_file(files, [name] if name else [])
    except ConfigError as error:
        if not name or not _NOT_FOUND.search(str(error)):
            raise
        others = targets_of_file(files)[1]
        raise ConfigError(
            f"{path} has no build of {name}; its builds: {_listed([*others]) or 'none'}"
        ) from None
    if name not in targets and len(targets) == 1:
        name = next(iter(targets))
    if name in targets:
        target = targets[name]
        files, target, beside = _with_all_of_bake(files, name, target)
        folder, started = relative_to(files, target)
        changing = _changing(files, name, target)
        exports = overwritten(name, target, lambda: _targets_of(files, [])[0])
        return Found(name, folder, target, (*notes, *beside, *started, *changing, *exports))
    if targets:
        raise SeveralBuilds(path, [f"{path}#{each}" for each in targets])
    raise ConfigError(f"{path} has no build{f' of {name}' if name else ''}")


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_LISTED} more" if len(names) > _MOST_LISTED else ""
    return ", ".join(names[:_MOST_LISTED]) + more


def targets_of_file(
    files: Files, names: Sequence[str] = ()
) -> tuple[Files, Targets, tuple[str, ...]]:
    """(the files, read in the folder that suits them; the targets that their own program prints;
    sentences on how they were read). Where bake misses a secret, that is the file's own folder.

    Raises `ConfigError`.
    """
    try:
        return files, *_targets_of(files, names)
    except ConfigError as error:
        if _SECRET not in str(error):
            raise
        own = replace(files, here=files.named.parent)
        if own != files:
            try:
                return own, *_targets_of(own, names)
            except ConfigError:
                pass
        raise ConfigError(
            f"{error}; bake looks for a secret's file or variable on this machine, from the folder "
            "where it runs: put one there"
        ) from None


def relative_to(files: Files, target: Mapping[str, Any]) -> tuple[Path, tuple[str, ...]]:
    """(the folder from which a target's relative paths start, a sentence where that is a surprise).

    compose prints absolute paths, and bake takes them from where it is typed. Where that has no
    such build, it is the file's own folder, in which somebody else types it.
    """
    own = files.named.parent
    if files.compose or own == files.here:
        return own, ()
    if fetched_kind(_context(target)) is not None:
        return files.here, ()
    if not _is_there(target, files.here):
        return own, ()
    return files.here, (
        f"relative paths of {files.named.name} start from {files.here}, as docker buildx bake "
        "takes them when it runs there",
    )


def _context(target: Mapping[str, Any]) -> str:
    return str(target.get("context") or ".").removeprefix("cwd://")


def _is_there(target: Mapping[str, Any], folder: Path) -> bool:
    """Whether the folder has the target's Dockerfile, or its context where the target has that."""
    context = folder / _context(target)
    if target.get("dockerfile-inline"):
        return context.is_dir()
    return (context / str(target.get("dockerfile") or "Dockerfile")).is_file()


def _with_all_of_bake(
    files: Files, name: str, target: dict[str, Any]
) -> tuple[Files, dict[str, Any], tuple[str, ...]]:
    """The target as bake has it that is told no file: it reads compose files and other bake files
    beside one of its usual names, too.

    A reading of its own: which files were read does not show what they changed, for a variable or
    a function of one changes targets of another. Also, without a name the targets of the named
    file are those to choose from, and a file beside it that cannot be read leaves it as it is.
    """
    more = files.with_all_of_bake()
    if more is None:
        return files, target, ()
    others = ", ".join(path.name for path in more.paths if path not in files.paths)
    try:
        merged = _targets_of(more, [name])[0].get(name, target)
    except ConfigError as error:
        return files, target, (f"{others} was not read with {files.named.name}: {error}",)
    if merged == target:
        return files, target, ()
    note = f"{others} was read with {files.named.name}, as docker buildx bake does without -f"
    return more, merged, (note,)


def _targets_of(files: Files, names: Sequence[str]) -> tuple[Targets, tuple[str, ...]]:
    """(the targets that the files' own program prints, sentences on how they were read).

    Raises `ConfigError`.
    """
    file, compose = files.named, files.compose
    notes = list(files.notes)
    bake = ["docker", "buildx", "bake", *files.words, "--print", *names]
    ways: list[tuple[list[str], Callable[[Any], Any]]] = [(bake, _printed)]
    if not names:
        ways.append(([*bake, "*"], _printed))  # all, where none is the default; 0.13 knows no *
    if compose:
        # one that is named needs no profile: compose puts its own on
        reader = ["docker", "compose", *([] if names else _ALL_PROFILES), *files.words]
        ways = [
            ([*reader, "build", "--print", *names], _printed),
            ([*reader, "config", "--format", "json", *names], targets_of),
            *ways[:1],
        ]
    tried: list[str] = []
    for command, reading in ways:
        # buildx takes relative paths of compose files from where it runs, compose from the file
        folder = file.parent if compose and command is bake else files.here
        printed, said = _run(command, folder)
        if printed is not None:
            targets = _parsed(printed, reading, file)
            if reading is targets_of:
                targets = {k: v for k, v in targets.items() if not names or k in names}
                notes.append(_NO_OWN_LABELS)
            if compose and command is bake:
                notes.append(_READ_BY_BUILDX)
            elif compose:
                _add_epoch(targets)
                if "x-bake" in files.text():
                    notes.append(_X_BAKE.format(file.name))
            elif _loses_network(targets, files):
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


def _add_epoch(targets: Targets) -> None:
    """Put in what bake adds to each build that compose hands to it (buildx `bake/bake.go`)."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    if epoch:
        for target in targets.values():
            target.setdefault("args", {}).setdefault("SOURCE_DATE_EPOCH", epoch)


def _changing(files: Files, name: str, fields: Mapping[str, Any]) -> Iterator[str]:
    """A sentence on what is another value at each reading, found by a second one where a bake file
    has a function that gives one (buildx `bake/hclparser/stdlib.go`)."""
    if files.compose or not _CHANGES.search(files.text()):
        return
    time.sleep(_TIMESTAMP_SECONDS)
    again = _targets_of(files, [name])[0].get(name, {})
    names: list[str] = []
    for field, value in fields.items():
        other = again.get(field)
        if isinstance(value, dict) and isinstance(other, dict):
            names += [f"{field}.{key}" for key in value if value[key] != other.get(key)]
        elif value != other and field not in ("tags", "output"):
            names.append(field)
    if names:
        yield (
            f"{files.named.name} gives another value at each reading (by timestamp(), uuidv4() or "
            f"bcrypt()) to {', '.join(names)} of {name}: steps with it in their key never hit; "
            "--build-arg NAME=VALUE sets an argument"
        )


def _loses_network(targets: Targets, files: Files) -> bool:
    """Whether the files may say a network that buildx did not print: 0.13 prints none. Asked of
    buildx where no target that it printed has one."""
    if any(target.get("network") for target in targets.values()):
        return False
    if not re.search(r"\bnetwork\b", files.text()):
        return False
    probe = b'{"target": {"probe": {"network": "none"}}}'
    printed, _ = _run(
        ["docker", "buildx", "bake", "-f", "-", "--print", "probe"], files.here, probe
    )
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
    raise ConfigError(f"{file}: docker did not print its builds as JSON")


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
