"""What `cachetui cache` does."""

from __future__ import annotations

import os
import shutil
import sys
import time
from pathlib import Path

import msgspec

from cachetui.cli.args import RunArgs
from cachetui.cli.result import check_output, write_result
from cachetui.cli.selection import select_build
from cachetui.compare.groups import fold_short
from cachetui.config.settings import HostSettings, Settings
from cachetui.config.toml_table import ConfigError
from cachetui.core import Core
from cachetui.exit_codes import SAME, TROUBLE


def cache_command(
    core: Core,
    cache: str,
    host: str | None,
    build: str | None,
    image: str | None,
    args: RunArgs,
    output_format: str,
    output: Path | None,
) -> int:
    """Print what the cache holds; exit code 2 where something is wrong with it."""
    from cachetui.report import shared_cache as report
    from cachetui.report import style

    check_output(output)
    settings = None if build is None else select_build(core.settings, build, args)
    if image is not None and settings is None:
        raise ConfigError(
            "--image tells which steps of a build the cache has: name it with --build"
        )
    read = core.shared_cache(cache, _host(core.settings, host), settings, image)
    if output_format == "json":
        text = msgspec.json.format(msgspec.json.encode(read), indent=2).decode()
    else:
        color = style.wanted(output is None and sys.stdout.isatty(), os.environ)
        width = shutil.get_terminal_size((160, 24)).columns
        text = report.text(read, now=time.time(), width=width, color=color)
    write_result(text, output)
    return TROUBLE if read.problems else SAME


def _host(settings: Settings, name: str | None) -> HostSettings:
    known = {host.name: host for host in settings.hosts}
    if name is None and len(known) == 1:
        return settings.hosts[0]
    names = fold_short(known)
    if name is None:
        raise ConfigError(f"--host says on which host to read it: {names}")
    if name not in known:
        raise ConfigError(f"--host {name}: no such host in hosts.toml; there are {names}")
    return known[name]
