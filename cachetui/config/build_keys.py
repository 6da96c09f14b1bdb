"""Options of `docker build` that have a key of their own in `[builds]`, as docker writes them.

A key has the option's long name, with `_` for `-`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from cachetui.config.context_source import is_git

if TYPE_CHECKING:
    from cachetui.config.toml_table import Table

Kind = Literal["text", "list", "switch"]


NO_CACHE = "the cold scenarios do that, and leave the cache and its mounts as they are"
"""Why an audit does not take over --no-cache."""


@dataclass(frozen=True, slots=True)
class BuildKey:
    """An option by its long name. `kind` is how its value is written in TOML: a list is an array
    of strings, one for each time that the option is given. `metavar` and `help` are for the
    command line."""

    option: str
    kind: Kind
    metavar: str
    help: str

    @property
    def key(self) -> str:
        return self.option.replace("-", "_")


DOCKER_KEYS = (
    BuildKey(
        "build-context", "list", "NAME=FOLDER", "A further context: a folder, image, git reference."
    ),
    BuildKey("secret", "list", "id=…,src=…", "A secret; file or variable are those of each host."),
    BuildKey("ssh", "list", "default|ID=PATH", "An SSH agent or key of each host, for RUN steps."),
    BuildKey("platform", "text", "OS/ARCH", "The platform to build for."),
    BuildKey("pull", "switch", "", "Ask the registry for the base images each time."),
    BuildKey("no-cache-filter", "list", "STAGE", "A stage that is built without the cache."),
    BuildKey("label", "list", "NAME=VALUE", "A label of the image."),
    BuildKey("shm-size", "text", "SIZE", "The size of /dev/shm in RUN steps."),
    BuildKey("ulimit", "list", "NAME=SOFT[:HARD]", "A limit of RUN steps."),
    BuildKey("add-host", "list", "NAME:IP", "A name that RUN steps can look up."),
    BuildKey("cache-from", "list", "REF|type=…", "A shared cache to import, as each host sees it."),
)


def options_of(table: Table, folder: Path) -> tuple[str, ...]:
    """The words that docker reads for those keys that the table has; folders are relative to
    `folder`. Raises `ConfigError`."""
    return tuple(word for key in DOCKER_KEYS for word in _words(key, table, folder))


def from_folder(value: str, folder: Path) -> str:
    """A `NAME=FOLDER` of --build-context with its folder absolute; others as they are."""
    name, _, source = value.partition("=")
    fetched = "://" in source or source.startswith("target:") or is_git(source)
    return (
        value
        if fetched or not (name and source)
        else f"{name}={folder / Path(source).expanduser()}"
    )


def _words(key: BuildKey, table: Table, folder: Path) -> Iterator[str]:
    if key.kind == "switch":
        on = table.take_switch(key.key)
        if on is not None:
            yield f"--{key.option}" if on else f"--{key.option}=false"
    elif key.kind == "list":
        for value in table.take_strings(key.key) or ():
            given = from_folder(value, folder) if key.option == "build-context" else value
            yield from (f"--{key.option}", given)
    else:
        text = table.take_text(key.key)
        if text is not None:
            yield from (f"--{key.option}", text)
