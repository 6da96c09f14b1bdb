"""~/.ssh/config: what ssh would do to reach a host, read once for a fleet.

Files are parsed to `Directive`s and looked up in OpenSSH's way: the first value of a keyword
holds, identity files add up, `Include` works anywhere (globs, `~`, inside Host blocks), and a
`Match` criterion that is not known matches nothing. Nothing here can weaken the checking of host
keys: StrictHostKeyChecking is not read.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cachetui.config.toml_table import ConfigError
from cachetui.hosts.ssh.canonical import canonical_name
from cachetui.hosts.ssh.config_file import Directive, parse
from cachetui.hosts.ssh.config_match import Lookup, matches, pattern_list
from cachetui.hosts.ssh.config_tokens import all_tokens, expand, expand_path
from cachetui.hosts.ssh.hop import port_number

USER_CONFIG = Path("~/.ssh/config")
SYSTEM_CONFIG = Path("/etc/ssh/ssh_config")

DEFAULT_IDENTITIES = ("id_ed25519", "id_ecdsa", "id_rsa")
USER_KNOWN_HOSTS = ("~/.ssh/known_hosts", "~/.ssh/known_hosts2")
SYSTEM_KNOWN_HOSTS = ("/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2")


@dataclass(frozen=True, slots=True)
class Target:
    """How to reach one host. `alias` is what was asked for, `host` where to connect.

    `identity_files` are those that a configuration names, in order; None: ssh's defaults.
    `known_hosts` are the files to look its key up in, the first of which ssh would add to.
    `jumps` are the hops of ProxyJump as written; `command` is a ProxyCommand, expanded;
    `agent` is an IdentityAgent's socket, "" for none, None for the environment's.
    """

    alias: str
    host: str
    port: int
    user: str
    identity_files: tuple[Path, ...] | None
    identities_only: bool
    known_hosts: tuple[Path, ...]
    host_key_alias: str | None
    jumps: tuple[str, ...]
    command: str | None
    agent: str | None


class SshConfig:
    """The user's and the system's configuration, parsed. Lookups are thread-safe."""

    def __init__(self, *parsed: tuple[Directive, ...]) -> None:
        self._files = parsed

    @classmethod
    def read(
        cls, user: Path | None = USER_CONFIG, system: Path | None = SYSTEM_CONFIG
    ) -> SshConfig:
        """Parse the files that exist. Raises ConfigError for one that cannot be read."""
        return cls(
            *(
                parse(path.expanduser(), path.expanduser().parent)
                for path in (user, system)
                if path is not None and path.expanduser().exists()
            )
        )

    def aliases(self) -> list[str]:
        """The names of `Host` lines that are no patterns, in their order, Includes among them."""
        names: dict[str, None] = {}
        for directives in self._files:
            names.update(dict.fromkeys(_host_names(directives)))
        return list(names)

    def target(self, alias: str, *, user: str | None = None, port: int | None = None) -> Target:
        """What holds for `alias`; `user` and `port` given here win over the files.

        Raises ConfigError for a value that makes no sense.
        """
        lookup = Lookup(alias)
        if user is not None:
            lookup.values["user"] = (user,)
            lookup.user_given = True
        if port is not None:
            lookup.values["port"] = (str(port),)
        self._read_into(lookup)
        name = canonical_name(lookup.host, lookup)
        canonicalised = lookup.values.get("canonicalizehostname", ("no",))[0].lower()
        if lookup.wants_final or canonicalised in ("yes", "true", "always"):
            lookup.begin_final(name)
            self._read_into(lookup)
        return _target(name, lookup)

    def _read_into(self, lookup: Lookup) -> None:
        for directives in self._files:
            _collect(directives, lookup, True)


# Keywords that are read, and whether all their words belong to the value.
_WHOLE_LINE = ("proxycommand", "proxyjump")
_READ = frozenset(
    (
        "hostname",
        "user",
        "port",
        "identityfile",
        "identitiesonly",
        "identityagent",
        "userknownhostsfile",
        "globalknownhostsfile",
        "hostkeyalias",
        "proxyjump",
        "proxycommand",
        "proxyusefdpass",
        "tag",
        "canonicalizehostname",
        "canonicaldomains",
        "canonicalizemaxdots",
        "canonicalizefallbacklocal",
    )
)


def _collect(directives: tuple[Directive, ...], lookup: Lookup, active: bool) -> None:
    """Add to the lookup what holds of these directives. In an inactive Include nothing does."""
    here = active
    for directive in directives:
        if directive.keyword == "host":
            here = active and pattern_list(directive.words, lookup.name)
        elif directive.keyword == "match":
            here = matches(directive.words, lookup, active)
        elif directive.keyword == "include":
            for included in directive.included:
                _collect(included, lookup, here)
        elif here and directive.keyword in _READ and directive.words:
            whole = directive.keyword in _WHOLE_LINE
            lookup.add(directive.keyword, (directive.text,) if whole else directive.words)


def _host_names(directives: tuple[Directive, ...]) -> Iterator[str]:
    for directive in directives:
        for included in directive.included:
            yield from _host_names(included)
        if directive.keyword == "host":
            yield from (word for word in directive.words if not set(word) & set("*?!"))


def _target(host: str, lookup: Lookup) -> Target:
    values, alias = lookup.values, lookup.alias
    what = f"~/.ssh/config: {alias}:"
    user, port = lookup.user, port_number(alias, values.get("port", ("22",))[0])
    keyword, proxy = lookup.proxy
    key_alias = values["hostkeyalias"][0].lower() if "hostkeyalias" in values else None
    remote = {"h": host, "k": key_alias or alias, "n": alias, "p": str(port)}
    remote["j"] = lookup.jump_host
    if not lookup.user_given:
        user = _user(user, all_tokens({**remote, "r": ""}))
    remote["r"] = user
    if keyword == "proxycommand" and values.get("proxyusefdpass", ("no",))[0].lower() == "yes":
        raise ConfigError(f"{what} ProxyUseFdpass is not supported, only a ProxyCommand without it")
    tokens = all_tokens(remote)
    of_proxy = {name: remote[name] for name in "hknpr"}
    files = values.get("identityfile")
    known = values.get("userknownhostsfile", USER_KNOWN_HOSTS)
    system = values.get("globalknownhostsfile", SYSTEM_KNOWN_HOSTS)
    return Target(
        alias=alias,
        host=host,
        port=port,
        user=user,
        identity_files=None if files is None else _paths(files, tokens, f"{what} IdentityFile"),
        identities_only=values.get("identitiesonly", ("no",))[0].lower() in ("yes", "true"),
        known_hosts=(
            *_paths(known, tokens, f"{what} UserKnownHostsFile"),
            *(Path(name).expanduser() for name in system if name.lower() != "none"),
        ),
        host_key_alias=key_alias,
        jumps=_jumps(proxy, of_proxy, what) if keyword == "proxyjump" else (),
        command=(
            expand(proxy, of_proxy, f"{what} ProxyCommand") if keyword == "proxycommand" else None
        ),
        agent=_agent(values.get("identityagent", ("SSH_AUTH_SOCK",))[0], tokens, what),
    )


def _paths(words: tuple[str, ...], tokens: dict[str, str], what: str) -> tuple[Path, ...]:
    names = [expand_path(word, tokens, what) for word in words if word.lower() != "none"]
    return tuple(dict.fromkeys(map(Path, names)))


def _user(text: str, tokens: dict[str, str]) -> str:
    """A user's name. Its tokens, but %r and %C, are replaced from OpenSSH 10 on; before, and where
    one is not known, a name may hold any character."""
    try:
        known = {name: value for name, value in tokens.items() if name not in "rC"}
        return expand(text, known, "User", variables=True)
    except ConfigError:
        return text


def _jumps(text: str, tokens: dict[str, str], what: str) -> tuple[str, ...]:
    text = expand(text.split("#", 1)[0], tokens, f"{what} ProxyJump")
    return tuple(word.strip() for word in text.split(","))


def _agent(value: str, tokens: dict[str, str], what: str) -> str | None:
    if value == "SSH_AUTH_SOCK":
        return None
    if value == "none":
        return ""
    if value.startswith("$") and not value.startswith("${"):
        return os.environ.get(value[1:], "")
    return expand_path(value, tokens, f"{what} IdentityAgent")
