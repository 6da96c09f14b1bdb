"""Which hosts of ~/.ssh/config are there for something else than builds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress

from cachetui.config.toml_table import ConfigError
from cachetui.hosts.ssh.config import SshConfig, Target
from cachetui.hosts.ssh.hop import hop

GIT = "a git host"
WAY = "others are reached through it"

_FORGES = (
    *("github.com", "gitlab.com", "bitbucket.org", "codeberg.org", "gitee.com", "sr.ht"),
    *("dev.azure.com", "visualstudio.com", "gitlab.io", "ssh.github.com"),
)
_GIT_LABEL = re.compile(r"(?:git|github|gitlab|gitea|forgejo|gerrit|bitbucket)\.")
_OPTIONS_WITH_VALUE = "BbcDEeFIiJLlmOopQRSWw"
"""Options of ssh that take a value."""


def no_build_hosts(config: SshConfig, aliases: Iterable[str]) -> Mapping[str, str]:
    """Why aliases are no build hosts, of those that seem to be none: they serve git, or are a
    bastion, on the way to others. What cannot be looked up is taken for a build host."""
    targets: dict[str, Target] = {}
    for alias in aliases:
        with suppress(ConfigError):
            targets[alias] = config.target(alias)
    ways = {name for target in targets.values() for name in _on_the_way(target)}
    reasons: dict[str, str] = {}
    for alias, target in targets.items():
        if target.user == "git" or _serves_git(target.host):
            reasons[alias] = GIT
        elif alias.lower() in ways or target.host.lower() in ways:
            reasons[alias] = WAY
    return reasons


def _serves_git(host: str) -> bool:
    name = host.lower().rstrip(".")
    known = any(name == forge or name.endswith(f".{forge}") for forge in _FORGES)
    return known or _GIT_LABEL.match(name) is not None


def _on_the_way(target: Target) -> set[str]:
    """The hosts that ssh goes through to reach this one, by ProxyJump or an ssh of ProxyCommand."""
    names: set[str] = set()
    for text in target.jumps:
        with suppress(ConfigError):
            names.add(hop(text).alias.lower())
    words = (target.command or "").split()
    if words and words[0].rpartition("/")[2] == "ssh":
        rest = iter(words[1:])
        for word in rest:
            if re.fullmatch(rf"-[A-Za-z0-9]*[{_OPTIONS_WITH_VALUE}]", word):
                next(rest, None)
            elif not word.startswith("-"):
                with suppress(ConfigError):
                    names.add(hop(word).alias.lower())
                break
    return names - {target.alias.lower()}
