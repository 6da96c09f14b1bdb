"""Bake and compose files: how they are called, and which are read together."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cachetui.config.toml_table import ConfigError

BAKE_FILES = ("docker-bake.hcl", "docker-bake.json")
COMPOSE_FILES = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
"""The names that docker looks for where it is told none."""
_BAKE_ORDER = (
    *("compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"),
    *("docker-bake.json", "docker-bake.hcl"),
    *("docker-bake.override.json", "docker-bake.override.hcl"),
)
"""All that `docker buildx bake` reads where it is told none, in its order (buildx `bake/bake.go`,
defaultFilenames)."""
_COMPOSE = (".yaml", ".yml")
_SUFFIXES = (".hcl", ".json", *_COMPOSE)
_IN_DOTENV = re.compile(
    r"""^\s*(?:export\s+)?COMPOSE_FILE\s*[=:]\s*(?:"([^"\n]*)"|'([^'\n]*)'|([^\s#]*))""",
    re.MULTILINE,
)


@dataclass(frozen=True)
class Files:
    """The files of a build, in the order in which they are read, all absolute. `here` is the folder
    in which docker reads them; `notes` are sentences on why others than the named are among them.
    """

    named: Path
    paths: tuple[Path, ...]
    here: Path
    notes: tuple[str, ...] = ()

    @property
    def compose(self) -> bool:
        """Whether compose reads them: bake reads both kinds."""
        return all(path.suffix in _COMPOSE for path in self.paths)

    @property
    def words(self) -> list[str]:
        return [word for path in self.paths for word in ("-f", str(path))]

    def text(self) -> str:
        """What stands in all of them."""
        return "\n".join(path.read_text("utf-8", "replace") for path in self.paths)

    def with_all_of_bake(self) -> Files | None:
        """These files with those that bake reads beside them where it is told none; None where
        there are no others."""
        folder = self.named.parent
        if self.named.name not in BAKE_FILES or any(p.parent != folder for p in self.paths):
            return None
        there = tuple(folder / name for name in _BAKE_ORDER if (folder / name).is_file())
        if set(there) <= set(self.paths):
            return None
        return Files(self.named, there, self.here)


def names_file(text: str) -> bool:
    """Whether BUILD is called as bake or compose files, with or without `#TARGET`."""
    return all(Path(name).suffix in _SUFFIXES for name in _names(text.partition("#")[0]))


def files_named(text: str, here: Path) -> Files:
    """The files of `FILE` or `FILE:FILE`, which docker's own COMPOSE_FILE and BUILDX_BAKE_FILE have
    so, too. Relative ones start from `here`.

    Files of usual names have others read over them, as docker does. Raises `ConfigError` for one
    that is not there.
    """
    paths = tuple((here / Path(name).expanduser()).absolute() for name in _names(text))
    for path, name in zip(paths, _names(text), strict=True):
        if not path.is_file():
            wrong = "is not a file" if path.exists() else "does not exist"
            raise ConfigError(f"{name} {wrong}; BUILD can be FILE#TARGET of a bake or compose file")
    if len(paths) > 1:
        return Files(paths[0], paths, here)
    file = paths[0]
    variable = "COMPOSE_FILE" if file.suffix in _COMPOSE else "BUILDX_BAKE_FILE"
    chosen, where = _of_variable(variable, file, here)
    if file in chosen:
        others = ", ".join(path.name for path in chosen if path != file)
        notes = (f"{variable} of {where} names {others}, read with {file.name}",) if others else ()
        return Files(file, chosen, here, notes)
    notes = (
        (
            f"{variable} of {where} names other files, which were not read: "
            f"{', '.join(path.name for path in chosen)}",
        )
        if chosen
        else ()
    )
    over = _overrides(file)
    read = (f"{path.name} was read over {file.name}, as docker does" for path in over)
    return Files(file, (file, *over), here, (*notes, *read))


def _names(text: str) -> Sequence[str]:
    """The names of files that are joined by colons; one that has a colon itself is one file."""
    if Path(text).expanduser().is_file():
        return [text]
    return text.split(":")


def _of_variable(variable: str, file: Path, here: Path) -> tuple[tuple[Path, ...], str]:
    """(the files that docker reads where it is told none, as its variable says; where that says
    so). compose reads .env of the folder in which it is typed, and that is the file's own."""
    value, folder, where = os.environ.get(variable, ""), here, "the environment"
    dotenv = file.with_name(".env")
    if not value and variable == "COMPOSE_FILE" and file.name in COMPOSE_FILES:
        found = (
            _IN_DOTENV.search(dotenv.read_text("utf-8", "replace")) if dotenv.is_file() else None
        )
        value = next(filter(None, found.groups()), "") if found else ""
        folder, where = file.parent, ".env"
    return tuple((folder / name).absolute() for name in value.split(":") if name), where


def _overrides(file: Path) -> list[Path]:
    """The files that docker reads over one of a usual name where it is told none."""
    if file.name not in (*BAKE_FILES, *COMPOSE_FILES):
        return []
    suffixes = _COMPOSE if file.suffix in _COMPOSE else (".json", ".hcl")
    over = [file.with_name(f"{file.stem}.override{suffix}") for suffix in suffixes]
    there = [each for each in over if each.is_file()]
    return there[:1] if file.name in COMPOSE_FILES else there
