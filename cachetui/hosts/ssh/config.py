"""~/.ssh/config: what ssh would do to reach a host, read once for a fleet.

Files are parsed to `Directive`s and looked up in OpenSSH's way: the first value of a keyword
holds, identity files add up, `Include` works anywhere (globs, `~`, inside Host blocks), and a
`Match` criterion that is not known matches nothing. Nothing here can weaken the checking of host
keys: StrictHostKeyChecking is not read.
"""

from __future__ import annotations

import getpass
import glob
import os
import re
from dataclasses import dataclass
from pathlib import Path

from cachetui.config.toml_table import ConfigError
from cachetui.hosts.ssh.config_match import Lookup, matches, pattern_list

USER_CONFIG = Path("~/.ssh/config")
SYSTEM_CONFIG = Path("/etc/ssh/ssh_config")
MAX_DEPTH = 16
"""Include within Include, as OpenSSH has it."""

DEFAULT_IDENTITIES = ("id_ed25519", "id_ecdsa", "id_rsa")
USER_KNOWN_HOSTS = ("~/.ssh/known_hosts", "~/.ssh/known_hosts2")
SYSTEM_KNOWN_HOSTS = ("/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2")


@dataclass(frozen=True, slots=True)
class Directive:
    """One line: its keyword in lower case and its words. `included` are an Include's files."""

    keyword: str
    words: tuple[str, ...]
    text: str
    included: tuple[tuple[Directive, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Target:
    """How to reach one host. `alias` is what was asked for, `host` where to connect.

    `identity_files` are those that a configuration names, in order; empty: ssh's defaults.
    `known_hosts` are the files to look its key up in, the first of which ssh would add to.
    `jumps` are the hops of ProxyJump as written; `command` is a ProxyCommand, expanded;
    `agent` is an IdentityAgent's socket, "" for none, None for the environment's.
    """

    alias: str
    host: str
    port: int
    user: str
    identity_files: tuple[Path, ...]
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

    def target(self, alias: str, *, user: str | None = None, port: int | None = None) -> Target:
        """What holds for `alias`; `user` and `port` given here win over the files.

        Raises ConfigError for a value that makes no sense.
        """
        lookup = Lookup(alias)
        if user is not None:
            lookup.values["user"] = (user,)
        if port is not None:
            lookup.values["port"] = (str(port),)
        for final in (False, True):
            lookup.final = final
            for directives in self._files:
                _collect(directives, lookup, True)
            if not lookup.wants_final:
                break
        return _target(alias, lookup)


def parse(path: Path, folder: Path, depth: int = 0) -> tuple[Directive, ...]:
    """A file's directives, Includes read in; relative ones are looked for in `folder`."""
    try:
        text = path.read_text("utf-8", "replace")
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror or error}") from None
    directives = []
    for number, line in enumerate(text.splitlines(), 1):
        match = re.match(r"\s*([A-Za-z0-9]+)(?:\s*=\s*|\s+|$)(.*)", line)
        if match is None:
            continue
        keyword, rest = match[1].lower(), match[2].strip()
        words = split(rest)
        included: list[tuple[Directive, ...]] = []
        if keyword == "include":
            if depth >= MAX_DEPTH:
                raise ConfigError(f"{path}:{number}: Include is nested more than {MAX_DEPTH} deep")
            for word in words:
                place = os.path.expanduser(word)
                names = sorted(glob.glob(os.path.join(folder, place)))
                included += [
                    parse(Path(name), folder, depth + 1) for name in names if os.path.isfile(name)
                ]
        directives.append(Directive(keyword, words, rest, tuple(included)))
    return tuple(directives)


_WORD = re.compile(
    r""""(?P<double>(?:\\.|[^"\\])*)"|'(?P<single>[^']*)'|(?P<comment>#.*)|(?P<bare>(?:\\.|[^\s"'])+)"""
)


def split(text: str) -> tuple[str, ...]:
    """The words of a line: quotes hold them together, ` #` begins a comment."""
    words = []
    for word in _WORD.finditer(text):
        if word["comment"]:
            break
        if word["single"] is not None:
            words.append(word["single"])
        else:
            words.append(re.sub(r"""\\(["'\\ ])""", r"\1", word["double"] or word["bare"] or ""))
    return tuple(words)


# Keywords that are read, and whether all their words belong to the value.
_WHOLE_LINE = ("proxycommand",)
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
        "tag",
    )
)


def _collect(directives: tuple[Directive, ...], lookup: Lookup, active: bool) -> None:
    """Add to the lookup what holds of these directives. In an inactive Include nothing does."""
    here = active
    for directive in directives:
        if directive.keyword == "host":
            here = active and pattern_list(directive.words, lookup.alias)
        elif directive.keyword == "match":
            here = active and matches(directive.words, lookup)
        elif directive.keyword == "include":
            for included in directive.included:
                _collect(included, lookup, here)
        elif here and directive.keyword in _READ and directive.words:
            whole = directive.keyword in _WHOLE_LINE
            lookup.add(directive.keyword, (directive.text,) if whole else directive.words)


def _target(alias: str, lookup: Lookup) -> Target:
    values = lookup.values
    user = values.get("user", (None,))[0] or getpass.getuser()
    port = _port(alias, values.get("port", ("22",))[0])
    host = lookup.expand(values.get("hostname", (alias,))[0], {"h": alias})
    host = host if ":" in host else host.lower()
    tokens = {"h": host, "n": alias, "p": str(port), "r": user}
    key_alias = values.get("hostkeyalias", (None,))[0]
    tokens["k"] = key_alias or alias
    jump, command = values.get("proxyjump", ("none",))[0], values.get("proxycommand", ("none",))[0]
    if command.lower() == "none" or jump.lower() != "none" or "proxyjump" in values:
        command = ""
    files = [lookup.path(word, tokens) for word in values.get("identityfile", ())]
    known = values.get("userknownhostsfile", USER_KNOWN_HOSTS)
    known += values.get("globalknownhostsfile", SYSTEM_KNOWN_HOSTS)
    agent = values.get("identityagent", ("SSH_AUTH_SOCK",))[0]
    return Target(
        alias=alias,
        host=host,
        port=port,
        user=user,
        identity_files=tuple(dict.fromkeys(Path(name) for name in files if name != "none")),
        identities_only=values.get("identitiesonly", ("no",))[0].lower() in ("yes", "true"),
        known_hosts=tuple(Path(lookup.path(word, tokens)) for word in known if word != "none"),
        host_key_alias=key_alias,
        jumps=()
        if jump.lower() == "none"
        else tuple(filter(None, lookup.expand(jump, tokens).split(","))),
        command=lookup.expand(command, tokens) or None,
        agent=_agent(lookup, agent, tokens),
    )


def _port(alias: str, text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise ConfigError(f"~/.ssh/config: {alias}: Port {text} is not a port number")
    return int(text)


def _agent(lookup: Lookup, value: str, tokens: dict[str, str]) -> str | None:
    if value == "SSH_AUTH_SOCK":
        return None
    if value.lower() == "none":
        return ""
    if value.startswith("$") and not value.startswith("${"):
        return os.environ.get(value[1:], "")
    return lookup.path(value, tokens)


@dataclass(frozen=True, slots=True)
class Hop:
    """One hop of a ProxyJump: `[user@]host[:port]`, also as ssh://user@host:port."""

    alias: str
    user: str | None = None
    port: int | None = None


def hop(text: str) -> Hop:
    """Raises ConfigError when the text names no host."""
    parts = re.fullmatch(
        r"(?:ssh://)?(?:(?P<user>.+)@)?(?:\[(?P<v6>[^\]]+)\]|(?P<host>[^:@\[\]]+))(?::(?P<port>\d+))?/?",
        text.strip(),
    )
    if parts is None:
        raise ConfigError(f"~/.ssh/config: ProxyJump {text} names no host")
    port = _port(text, parts["port"]) if parts["port"] else None
    return Hop(parts["v6"] or parts["host"], parts["user"], port)
