"""A place on the way to a host, as ProxyJump writes it."""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass
from urllib.parse import unquote

from cachetui.config.toml_table import ConfigError


@dataclass(frozen=True, slots=True)
class Hop:
    """One hop of a ProxyJump: `[user@]host[:port]`, also as ssh://user@host:port."""

    alias: str
    user: str | None = None
    port: int | None = None


def hop(text: str) -> Hop:
    """Raises ConfigError when the text names no host."""
    wrong = ConfigError(f"~/.ssh/config: ProxyJump {text} names no host")
    place = text.strip()
    uri = place.startswith("ssh://")
    user: str | None = None
    if uri:
        place = place.removeprefix("ssh://")
        if "@" in place:
            user, place = place.split("@", 1)
            user = unquote(user.split(";", 1)[0])
    elif "@" in place:
        user, place = place.rsplit("@", 1)
    parts = re.fullmatch(r"(\[[^\]]*\]|[^\[:/][^:/]*)(?:([:/])(.*))?", place)
    if parts is None or user == "":
        raise wrong
    host, delimiter, port = parts.groups()
    host = host[1:-1] if host.startswith("[") else host
    if uri:
        port, _, path = ("", "", port) if delimiter == "/" else (port or "").partition("/")
        if path or not re.fullmatch(r"[A-Za-z0-9:._%-]*", host):
            raise wrong
        host = host.removesuffix(".")
    if not host or re.search(r"\s", host):
        raise wrong
    return Hop(host, user, port_number(text, port) if port else None)


def port_number(alias: str, text: str) -> int:
    """A port, by its number or as the system's list of services names it."""
    try:
        port = int(text) if re.fullmatch("[+-]?[0-9]+", text) else socket.getservbyname(text, "tcp")
    except OSError:
        port = 0
    if not 1 <= port <= 65535:
        raise ConfigError(f"~/.ssh/config: {alias}: Port {text} is not a port number or service")
    return port
