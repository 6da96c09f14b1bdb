"""The build that was run, and an audit whole: the contract of `--format json`."""

from __future__ import annotations

import msgspec

from cachetui.records.base import SCHEMA, Record
from cachetui.records.host import HostReport
from cachetui.records.run import Run
from cachetui.records.share import Share
from cachetui.records.stale import StaleCheck


class BuildRecord(Record, frozen=True, kw_only=True):
    """The build that was run. `build_args` maps a name to a digest of its value, keyed with
    a secret of the store (`hmac-sha256:KEY:HEX`, see `records.digest`): values may be secrets and
    are never kept. `dockerfile_text` is what was built, so that an audit can be
    read without the folder it came from; `dockerfile_name` is its file name where it lay outside
    of the context (it is sent as "Dockerfile" then), or its path in one that was fetched. `bases`
    are what its FROMs name, a stage each, ARGs put in; `ignore_files` maps the paths of its ignore
    files in the sent folder ("context/.dockerignore") to their texts; `named_contexts` are the
    names of folders that were sent as further contexts (below "contexts/NAME"); `ignore` are globs
    of paths whose differences in images do not matter; `builder` is the builder of buildx that was
    named for the build.
    `fetched` is where a context is from that was no folder, as docker takes it: of a repository
    with its commit, of a tarball with the beginning of its digest."""

    name: str
    context_digest: str
    dockerfile: str
    target: str | None = None
    build_args: dict[str, str] = msgspec.field(default_factory=dict)
    network: str = "default"
    docker_args: tuple[str, ...] = ()
    named_contexts: tuple[str, ...] = ()
    dockerfile_text: str = ""
    dockerfile_name: str = ""
    bases: tuple[str, ...] = ()
    ignore_files: dict[str, str] = msgspec.field(default_factory=dict)
    context_files: int = 0
    context_bytes: int = 0
    ignore: tuple[str, ...] = ()
    builder: str | None = None
    fetched: str | None = None


class Document(Record, frozen=True, kw_only=True):
    """An audit whole: the contract of `--format json`. `started_at` is seconds since the epoch.
    `share` is what an experiment with shared caches showed, None in any other audit; `stale` what
    `--check-stale` did, a comparison for each host that imported."""

    schema: int = SCHEMA
    audit: str
    build: BuildRecord
    hosts: tuple[HostReport, ...]
    runs: tuple[Run, ...]
    started_at: float
    seconds: float
    version: str
    scenarios: tuple[str, ...]
    notes: tuple[str, ...] = ()
    share: Share | None = None
    stale: tuple[StaleCheck, ...] = ()

    @property
    def hosts_without_runs(self) -> tuple[HostReport, ...]:
        """The hosts on which nothing was run, such as those that could not be reached."""
        ran = {run.host for run in self.runs}
        return tuple(host for host in self.hosts if host.name not in ran)
