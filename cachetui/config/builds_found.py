"""Builds that stand below a folder: its Dockerfiles, and the targets of bake and compose files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from cachetui.config.bake_file import relative_to, targets_of_file
from cachetui.config.build_files import files_named
from cachetui.config.context_source import fetched_kind
from cachetui.config.settings import BuildSettings, folder_build
from cachetui.config.suggest import build_files_below, dockerfiles_below
from cachetui.config.toml_table import ConfigError


def builds_below(folder: Path) -> list[BuildSettings]:
    """A build for each Dockerfile below a folder, named after where it is, then one for each bake
    and compose file; `builds_in` reads which builds that has."""
    builds = []
    for file in dockerfiles_below(folder):
        place = folder_build(file.parent)
        suffix = "" if file.name == "Dockerfile" else f" ({file.name})"
        builds.append(
            msgspec.structs.replace(place, name=place.name + suffix, dockerfile=file.name)
        )
    return builds + [
        BuildSettings(name=file.name, context=file.parent, source=str(file))
        for file in build_files_below(folder)
    ]


def builds_in(build: BuildSettings) -> list[BuildSettings]:
    """The builds of the file in which a build stands that names none of them, in the file's order.
    One of hosts.toml keeps its name and keys. Raises `ConfigError`."""
    named = build.source or ""
    files, targets, _ = targets_of_file(
        files_named(named, (build.source_folder or Path.cwd()).absolute())
    )
    if not targets:
        raise ConfigError(f"{named} has no build")
    found = build.name == files.named.name
    return [
        msgspec.structs.replace(
            build,
            name=target if found else build.name,
            source=f"{named}#{target}",
            **_context_of(str(fields.get("context") or "."), relative_to(files, fields)[0]),
        )
        for target, fields in targets.items()
    ]


def _context_of(context: str, folder: Path) -> dict[str, Any]:
    """The settings that a target's context is."""
    if fetched_kind(context) is not None:
        return {"context": folder, "fetched_from": context}
    return {"context": folder / context.removeprefix("cwd://")}
