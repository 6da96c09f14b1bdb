"""Which hosts a connection leads through: ProxyJump followed to its end, before any is made."""

from __future__ import annotations

from dataclasses import replace

from cachetui.config.toml_table import ConfigError
from cachetui.hosts.ssh.config import SshConfig, Target
from cachetui.hosts.ssh.hop import Hop, hop

MAX_HOPS = 8

Route = tuple[Target, ...]
"""The hosts to connect to, each through the one before it; the last is where one wants to go."""


def route(config: SshConfig, place: Hop, target: Target) -> Route:
    """The way to `target`, which is what `config` says of `place`. Raises ConfigError."""
    return _follow(config, target, (place,))


def _follow(config: SshConfig, target: Target, followed: tuple[Hop, ...]) -> Route:
    """`followed` are the places whose ProxyJump led here. The same place again leads in a circle:
    a place is all that its configuration depends on. The same address may well come twice."""
    way: Route = ()
    for text in target.jumps:
        place = hop(text)
        jump = config.target(place.alias, user=place.user, port=place.port)
        if way:
            # Only the first hop's own ProxyJump counts, as in ssh.
            way = (*way, replace(jump, jumps=(), command=None))
            continue
        if place in followed or len(followed) > MAX_HOPS:
            names = " → ".join(one.alias for one in (*followed, place))
            raise ConfigError(f"~/.ssh/config: ProxyJump is circular or too long: {names}")
        way = _follow(config, jump, (*followed, place))
    if len(way) > MAX_HOPS:
        raise ConfigError(f"~/.ssh/config: more than {MAX_HOPS} jump hosts lead to {target.alias}")
    return (*way, target)
