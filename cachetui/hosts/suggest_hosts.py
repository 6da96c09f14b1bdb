"""The build hosts that this machine already knows, for a first hosts.toml."""

from __future__ import annotations

from cachetui.config.suggest import Suggestion, suggestion
from cachetui.config.toml_table import ConfigError
from cachetui.hosts.ssh.config import SshConfig
from cachetui.hosts.ssh.no_build_hosts import no_build_hosts


def suggest_hosts() -> Suggestion:
    """What a first hosts.toml could hold: hosts of ~/.ssh/config that may build, and docker's
    contexts. A configuration that cannot be read has none."""
    try:
        aliases = SshConfig.read(system=None).aliases()
        return suggestion(aliases, no_build_hosts(SshConfig.read(), aliases))
    except ConfigError:
        return suggestion((), {})
