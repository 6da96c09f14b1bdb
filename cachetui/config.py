"""hosts.toml: typed settings, and errors that name file, table, key and what would be right."""

from __future__ import annotations

from pathlib import Path

import msgspec


class ConfigError(Exception):
    """A setting that is wrong: one message that names the place and what would be right."""


class HostSettings(msgspec.Struct, frozen=True, kw_only=True):
    """One `[[hosts]]` table with `[defaults]` merged in. Times in seconds.

    `user`, `port`, `identity_file`, `known_hosts` are None where neither the table nor
    [defaults] says: then ~/.ssh/config and ssh's own defaults hold. `docker` is the words of
    the client's command.
    """

    name: str
    address: str
    user: str | None = None
    port: int | None = None
    identity_file: Path | None = None
    known_hosts: Path | None = None
    tags: tuple[str, ...] = ()
    docker: tuple[str, ...] = ("docker",)
    env: dict[str, str] = {}
    connect_timeout: float = 10.0
    build_timeout: float = 3600.0

    @property
    def local(self) -> bool:
        return self.address == "local"


class BuildSettings(msgspec.Struct, frozen=True, kw_only=True):
    """One `[builds.NAME]` table, or the folder and options given on the command line.

    `context` is absolute; `dockerfile` is relative to it or absolute.
    """

    name: str
    context: Path
    dockerfile: str = "Dockerfile"
    target: str | None = None
    build_args: dict[str, str] = {}
    network: str = "default"
    docker_args: tuple[str, ...] = ()


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """A whole hosts.toml. `path` is None when there was none to read."""

    path: Path | None
    hosts: tuple[HostSettings, ...]
    builds: dict[str, BuildSettings]
