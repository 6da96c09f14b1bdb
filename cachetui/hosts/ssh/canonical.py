"""A host's canonical name: addresses as the system writes them, and CanonicalizeHostname."""

from __future__ import annotations

import re
import socket

from cachetui.config.toml_table import ConfigError
from cachetui.hosts.ssh.config_match import Lookup


def canonical_name(name: str, lookup: Lookup) -> str:
    """The name to connect to for `name`, by the options that the lookup has found.

    As ssh does: an address is written as the system writes it; with CanonicalizeHostname the first
    of CanonicalDomains in which the name resolves is added. Names that a name server gives instead
    (CNAME) are not followed. Raises ConfigError where the name has to be found and is not.
    """
    if _looks_like_address(name):
        return _address(name)
    mode = _value(lookup, "canonicalizehostname", "no")
    name = name.lower()
    if mode not in ("yes", "true", "always") or (lookup.proxy[0] and mode != "always"):
        return name
    domains = lookup.values.get("canonicaldomains", ())
    if name.endswith("."):
        candidates = [name]
    elif name.count(".") > _most_dots(lookup):
        return name
    else:
        candidates = [f"{name}.{domain}." for domain in domains if domain.lower() != "none"]
    for candidate in candidates:
        if _resolves(candidate):
            return candidate.removesuffix(".")
    if _value(lookup, "canonicalizefallbacklocal", "yes") in ("no", "false"):
        raise ConfigError(f"~/.ssh/config: {name} is found in none of CanonicalDomains")
    return name


def _value(lookup: Lookup, keyword: str, default: str) -> str:
    return lookup.values.get(keyword, (default,))[0].lower()


def _most_dots(lookup: Lookup) -> int:
    text = _value(lookup, "canonicalizemaxdots", "1")
    if not text.isdecimal():
        raise ConfigError(f"~/.ssh/config: CanonicalizeMaxDots {text} is not a number")
    return int(text)


def _looks_like_address(name: str) -> bool:
    return "%" in name or ":" in name or re.fullmatch(r"[0-9.]*", name) is not None


def _address(name: str) -> str:
    try:
        found = socket.getaddrinfo(
            name, 22, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
        )
        return socket.getnameinfo(found[0][4], socket.NI_NUMERICHOST | socket.NI_NUMERICSERV)[0]
    except (OSError, UnicodeError):
        return name


def _resolves(name: str) -> bool:
    try:
        return bool(socket.getaddrinfo(name, 22, type=socket.SOCK_STREAM))
    except (OSError, UnicodeError):
        return False
