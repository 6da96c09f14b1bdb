"""What a command that is shown must be told, to read the hosts.toml that is in use."""

from __future__ import annotations

import shlex
from pathlib import Path

from cachetui.config.hosts_toml import find


def hosts_option(path: Path | None) -> str:
    """ "--hosts FILE ", quoted for a shell; "" for the file that is read without it, and for
    None."""
    if path is None:
        return ""
    found = find()
    if found is not None and path.exists() and found.samefile(path):
        return ""
    return f"--hosts {shlex.quote(str(path))} "
