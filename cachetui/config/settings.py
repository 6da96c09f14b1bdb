"""What may be set of hosts and builds, as typed values."""

from __future__ import annotations

from pathlib import Path

import msgspec

from cachetui.config.hours import Hours

BUILDER_VARIABLE = "BUILDX_BUILDER"
"""The variable by which docker's client takes a builder's name."""


class HostSettings(msgspec.Struct, frozen=True, kw_only=True):
    """One `[[hosts]]` table with `[defaults]` merged in. Times in seconds.

    `user`, `port`, `identity_file`, `known_hosts` are None where neither the table nor
    [defaults] says: then ~/.ssh/config and ssh's own defaults hold. `docker` is the words of
    the client's command. `context_on_host` is a folder on the host that holds the build's
    context already, `image_on_host` the image that the host's own build of it made.
    Nothing is built outside of `only_between`, nor more than `max_builds_per_day`, both by the
    clock of the machine that cachetui runs on. `registry` is the repository for shared caches, as
    this host reaches it. `builder` is the builder of buildx to build with (`env` names it too),
    None for that which docker there takes. `dask_worker` is the resource of the Dask workers that
    may audit it, None for any worker.
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
    builder: str | None = None
    connect_timeout: float = 10.0
    build_timeout: float = 3600.0
    only_between: Hours | None = None
    max_builds_per_day: int | None = None
    context_on_host: str | None = None
    image_on_host: str | None = None
    registry: str | None = None
    dask_worker: str | None = None

    @property
    def hidden_env(self) -> dict[str, str]:
        """The variables whose values are kept and shown nowhere; a builder's name is no secret."""
        return {name: value for name, value in self.env.items() if name != BUILDER_VARIABLE}

    @property
    def local(self) -> bool:
        return self.address == "local"


class BuildSettings(msgspec.Struct, frozen=True, kw_only=True):
    """One `[builds.NAME]` table, or the folder and options given on the command line.

    `context` is absolute; `dockerfile` is relative to it or absolute. `fetched_from` is what docker
    takes for a context that is no folder (`config.context_source`); `context` is then the folder in
    which it was named, and `dockerfile` a path in what is fetched. `named_contexts` maps the
    names of further contexts to their folders here. `ignore` are globs of
    paths whose differences do not matter. `source` is the `FILE#TARGET` of a bake or compose file
    that is still to be read, in `source_folder` where that is not the current one,
    `dockerfile_inline` the Dockerfile's text where that file has it, and
    `source_notes` say how the file was read and what was not taken over of it.
    `context_on_host` is where hosts keep this build's context themselves and `image_on_host` what
    their own builds of it are called, unless the host says otherwise. `builder` is the builder of
    buildx to build with on every host, in place of the host's.
    """

    name: str
    context: Path
    dockerfile: str = "Dockerfile"
    dockerfile_inline: str | None = None
    target: str | None = None
    build_args: dict[str, str] = {}
    network: str = "default"
    docker_args: tuple[str, ...] = ()
    named_contexts: dict[str, Path] = {}
    ignore: tuple[str, ...] = ()
    context_on_host: str | None = None
    image_on_host: str | None = None
    builder: str | None = None
    source: str | None = None
    source_folder: Path | None = None
    source_notes: tuple[str, ...] = ()
    fetched_from: str | None = None

    @property
    def place(self) -> str:
        """Where its Dockerfile is, for people."""
        if self.fetched_from is not None:
            return f"{self.dockerfile} of {self.fetched_from}"
        return str(self.context / self.dockerfile)

    @property
    def names_no_target(self) -> bool:
        """Whether it stands in a file of builds, and does not say which of them it is."""
        return self.source is not None and "#" not in self.source


class StoreLimits(msgspec.Struct, frozen=True, kw_only=True):
    """The table [store]: what the store may hold, in bytes, and how old audits may be, in seconds;
    None for no limit. The texts are as the user wrote them."""

    max_size: int | None = None
    max_age: float | None = None
    size_text: str = ""
    age_text: str = ""

    @property
    def any(self) -> bool:
        return self.max_size is not None or self.max_age is not None

    @property
    def text(self) -> str:
        """ "within 2GB", "within 2GB and 90d"."""
        return "within " + " and ".join(filter(None, (self.size_text, self.age_text)))


NO_STORE_LIMITS = StoreLimits()


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """A whole hosts.toml. `path` is None when there was none to read. `registry` is the repository
    for shared caches, for hosts that name none themselves."""

    path: Path | None
    hosts: tuple[HostSettings, ...]
    builds: dict[str, BuildSettings]
    store: StoreLimits = NO_STORE_LIMITS
    registry: str | None = None


def folder_build(folder: Path) -> BuildSettings:
    """The build of a folder that no [builds] table names, called after the folder."""
    path = folder.expanduser().resolve()
    return BuildSettings(name=path.name or "build", context=path)
