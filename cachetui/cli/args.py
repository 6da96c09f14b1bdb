"""The options of a command as typed values, for the code behind it. Imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from cachetui.report import formats


@dataclass(frozen=True, kw_only=True)
class ShowArgs:
    """How to show an audit: the format, the file (None: standard output), how many findings (None:
    all), the findings that fail the command, whether the table leaves nothing out, and the audit to
    compare with."""

    output_format: str = formats.DEFAULT
    output: Path | None = None
    max_findings: int | None = 4
    fail_on: tuple[str, ...] = ()
    all_tables: bool = False
    compare_to: str | None = None


@dataclass(frozen=True, kw_only=True)
class RunArgs:
    """The options of `run`, as typed; the defaults are those of the command line."""

    dockerfile: str | None = None
    target: str | None = None
    build_args: tuple[str, ...] = ()
    network: str | None = None
    docker_args: tuple[str, ...] = ()
    builder: str | None = None
    scenarios: tuple[str, ...] = ()
    as_found: bool = False
    repeat: int = 1
    fresh: bool = False
    outputs: bool = False
    check_stale: bool = False
    max_age: str | None = None
    dry_run: bool = False
    timeout: str | None = None
    deadline: str | None = None
    max_fail: str | None = None
    fan_out: int | None = None
    log_file: Path | None = None
    progress: str = "auto"
    show: ShowArgs = field(default_factory=ShowArgs)


@dataclass(frozen=True, kw_only=True)
class ProveArgs:
    """The options of `prove`; `build_args` are (name, value), a name may have several values."""

    audit: str
    host: str | None
    build_args: tuple[tuple[str, str], ...]
    yes: bool
    dry_run: bool
    progress: str
    output_format: str


@dataclass(frozen=True, kw_only=True)
class OutputsArgs:
    """The options of `outputs`; `opened` is the path of a file to diff."""

    strict: bool = False
    ignore: tuple[str, ...] = ()
    opened: str | None = None
    show_all: bool = False
    output_format: str = "table"
    output: Path | None = None
