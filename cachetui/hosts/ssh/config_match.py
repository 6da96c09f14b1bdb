"""Patterns, `Match` criteria and %-tokens of ssh_config, as OpenSSH evaluates them."""

from __future__ import annotations

import getpass
import hashlib
import os
import re
import socket
import subprocess
from collections.abc import Iterable
from functools import lru_cache

EXEC_SECONDS = 10.0
"""Time deadline of a `Match exec` command; one that takes longer does not match."""


class Lookup:
    """One lookup under way: the values so far, each a tuple of a line's words."""

    def __init__(self, alias: str) -> None:
        self.alias = alias
        self.values: dict[str, tuple[str, ...]] = {}
        self.final = False
        self.wants_final = False

    def add(self, keyword: str, words: tuple[str, ...]) -> None:
        """Keep a keyword's first value; identity files add up."""
        if keyword == "identityfile":
            have = self.values.get(keyword, ())
            self.values[keyword] = have + tuple(word for word in words[:1] if word not in have)
        else:
            self.values.setdefault(keyword, words)

    @property
    def host(self) -> str:
        """The host name as known so far."""
        return self.expand(self.values.get("hostname", (self.alias,))[0], {"h": self.alias})

    @property
    def user(self) -> str:
        """The user as known so far."""
        return self.values.get("user", (getpass.getuser(),))[0]

    def expand(self, text: str, tokens: dict[str, str]) -> str:
        """Replace %-tokens; one that is not known stays as it is."""
        if "%" not in text:
            return text
        local = socket.gethostname()
        known = {
            "%": "%",
            "d": os.path.expanduser("~"),
            "i": str(os.getuid()),
            "l": local,
            "L": local.split(".", 1)[0],
            "u": getpass.getuser(),
            **tokens,
        }
        if "h" in known and "p" in known and "r" in known:
            parts = (local, known["h"], known["p"], known["r"], "")
            known["C"] = hashlib.sha1("".join(parts).encode()).hexdigest()
        return re.sub(r"%(.)", lambda found: known.get(found[1], found[0]), text)

    def path(self, text: str, tokens: dict[str, str]) -> str:
        """A path with its tokens, `${VARIABLES}` and `~` expanded."""
        text = self.expand(text, tokens)
        text = re.sub(r"\$\{(\w+)\}", lambda found: os.environ.get(found[1], ""), text)
        return os.path.expanduser(text)


def wildcard(pattern: str, text: str) -> bool:
    """Whether a pattern of `*` and `?` matches all of a text."""
    return _compiled(pattern).fullmatch(text) is not None


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    parts = {"*": ".*", "?": "."}
    return re.compile("".join(parts.get(char, re.escape(char)) for char in pattern), re.DOTALL)


def pattern_list(patterns: Iterable[str], text: str) -> bool:
    """Whether one pattern matches and no negated (`!`) one does."""
    matched = False
    for pattern in patterns:
        if pattern.startswith("!"):
            if wildcard(pattern[1:], text):
                return False
        elif wildcard(pattern, text):
            matched = True
    return matched


def matches(words: tuple[str, ...], lookup: Lookup) -> bool:
    """Whether a `Match` line holds. A criterion that is not known holds for nothing."""
    rest = list(words)
    result = bool(rest)
    while rest:
        word = rest.pop(0)
        name, _, value = word.partition("=")
        negated = name.startswith("!")
        name = name.lstrip("!").lower()
        if name in ("all", "canonical", "final"):
            # Names are never canonicalised here, so `canonical` never holds.
            holds = name == "all" or (name == "final" and lookup.final)
            lookup.wants_final |= name == "final"
        else:
            if not value:
                if not rest:
                    return False
                value = rest.pop(0)
            # Like OpenSSH, run no command for a line that does not hold already.
            known = _criterion(name, value, lookup) if result else False
            if known is None:
                return False
            holds = known
        result = result and holds != negated
    return result


def _criterion(name: str, value: str, lookup: Lookup) -> bool | None:
    if name == "exec":
        tokens = {
            "h": lookup.host,
            "n": lookup.alias,
            "p": lookup.values.get("port", ("22",))[0],
            "r": lookup.user,
        }
        return _succeeds(lookup.expand(value, tokens))
    texts = {
        "host": lookup.host.lower(),
        "originalhost": lookup.alias,
        "user": lookup.user,
        "localuser": getpass.getuser(),
        "tagged": lookup.values.get("tag", ("",))[0],
    }
    return pattern_list(value.split(","), texts[name]) if name in texts else None


@lru_cache(maxsize=1024)
def _succeeds(command: str) -> bool:
    """Whether a shell command of the user's own configuration succeeds; asked once."""
    try:
        done = subprocess.run(
            ["sh", "-c", command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=EXEC_SECONDS,
            check=False,
        )
    except (subprocess.TimeoutExpired, OSError):
        return False
    return done.returncode == 0
