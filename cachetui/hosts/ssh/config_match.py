"""Patterns and `Match` criteria of ssh_config, as OpenSSH evaluates them."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable
from functools import lru_cache

from cachetui.hosts.ssh.config_tokens import all_tokens, expand, local_user
from cachetui.hosts.ssh.hop import hop

EXEC_SECONDS = 10.0
"""Time limit of a `Match exec` command; one that takes longer does not match."""

WITH_EQUALS = ("host", "originalhost", "user", "localuser", "tagged", "exec")
"""Criteria whose argument may follow a `=` instead of a space."""


class Lookup:
    """One lookup under way: the values so far, each a tuple of a line's words.

    `final` is whether this is the second pass, which ssh makes for `Match final` and for canonical
    names. In it `name` is the host's name as found in the first; before, it is what was asked for.
    `user_given` says that the user is not of the files.
    """

    def __init__(self, alias: str) -> None:
        self.alias = self.name = alias
        self.values: dict[str, tuple[str, ...]] = {}
        self.final = False
        self.wants_final = False
        self.user_given = False

    def add(self, keyword: str, words: tuple[str, ...]) -> None:
        """Keep a keyword's first value; identity files add up. Of ProxyCommand and ProxyJump the
        first holds, also when it is `ProxyCommand none`; `ProxyJump none` ends the search for a
        ProxyJump only.
        """
        if keyword == "identityfile":
            have = self.values.get(keyword, ())
            self.values[keyword] = have + tuple(word for word in words[:1] if word not in have)
        elif keyword == "proxyjump" and not _is_none(words[0]):
            if not {"proxyjump", "proxycommand"} & self.values.keys():
                self.values.update({keyword: words, "proxycommand": ("none",)})
        else:
            self.values.setdefault(keyword, words)

    def begin_final(self, name: str) -> None:
        """Begin the second pass: nothing can change the host's name any more."""
        self.final = True
        self.name = name
        self.values["hostname"] = (name,)

    @property
    def host(self) -> str:
        """The host name as known so far."""
        given = self.values.get("hostname")
        if self.final or given is None:
            return self.name
        return expand(given[0], {"h": self.alias}, f"~/.ssh/config: {self.alias}: HostName")

    @property
    def user(self) -> str:
        """The user as known so far."""
        return self.values.get("user", (local_user(),))[0]

    @property
    def proxy(self) -> tuple[str, str]:
        """(proxycommand or proxyjump, its text); ("", "") where there is none, or it says none."""
        for keyword in ("proxyjump", "proxycommand"):
            text = self.values.get(keyword, ("none",))[0]
            if not _is_none(text):
                return keyword, text
        return "", ""

    @property
    def jump_host(self) -> str:
        """The host of the last hop of ProxyJump, which is what %j stands for; "" without one."""
        keyword, text = self.proxy
        if keyword != "proxyjump":
            return ""
        return hop(text.split("#", 1)[0].rsplit(",", 1)[-1]).alias


def _is_none(proxy: str) -> bool:
    return proxy.split("#", 1)[0].strip().lower() == "none"


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


def matches(words: tuple[str, ...], lookup: Lookup, active: bool) -> bool:
    """Whether a `Match` line holds, where `active` says that it can. A criterion that is not known
    holds for nothing."""
    rest = list(words)
    result = active and bool(rest)
    while rest:
        word = rest.pop(0)
        if word.startswith("#"):
            break
        negated = word.startswith("!")
        name = word.removeprefix("!").lower()
        if name == "all":
            return result and not negated
        if name in ("canonical", "final"):
            lookup.wants_final |= name == "final" and not negated
            result = result and lookup.final != negated
            continue
        name, equals, value = name.partition("=")
        if equals and name in WITH_EQUALS:
            value = word.split("=", 1)[1]
        elif equals or not rest:
            return False
        else:
            value = rest.pop(0)
        # Like OpenSSH, run no command for a line that does not hold already.
        holds = _criterion(name, value, lookup) if result else True
        if holds is None:
            return False
        result = result and holds != negated
    return result


def _criterion(name: str, value: str, lookup: Lookup) -> bool | None:
    if name == "exec":
        return bool(value) and _succeeds(_command(value, lookup))
    # Case does not matter in these two, other than in a Host line.
    value = value.lower() if name in ("host", "originalhost") else value
    texts = {
        "host": lookup.host.lower(),
        "originalhost": lookup.alias.lower(),
        "user": lookup.user,
        "localuser": local_user(),
        "tagged": lookup.values.get("tag", ("",))[0],
        "sessiontype": "exec",
    }
    if name not in texts or (not value and name != "tagged"):
        return None
    return pattern_list(value.split(","), texts[name])


def _command(text: str, lookup: Lookup) -> str:
    remote = {
        "h": lookup.host,
        "j": lookup.jump_host,
        "k": lookup.values.get("hostkeyalias", (lookup.host,))[0],
        "n": lookup.alias,
        "p": lookup.values.get("port", ("22",))[0],
        "r": lookup.user,
    }
    return expand(text, all_tokens(remote), "~/.ssh/config: Match exec")


def shell() -> str:
    """The shell that ssh gives its commands to."""
    return os.environ.get("SHELL") or "/bin/sh"


@lru_cache(maxsize=1024)
def _succeeds(command: str) -> bool:
    """Whether a shell command of the user's own configuration succeeds; asked once."""
    try:
        done = subprocess.run(
            [shell(), "-c", command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=EXEC_SECONDS,
            check=False,
        )
    except (subprocess.TimeoutExpired, OSError):
        return False
    return done.returncode == 0
