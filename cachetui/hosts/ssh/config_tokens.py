"""%-tokens, ${VARIABLES} and ~ in values of ssh_config: which mean what, and where."""

from __future__ import annotations

import getpass
import hashlib
import os
import pwd
import re
import socket
from collections.abc import Mapping
from functools import cache

from cachetui.config.toml_table import ConfigError

_TOKEN = re.compile(r"\$\{([^}]*)(\}?)|%(.?)", re.DOTALL)


@cache
def local_user() -> str:
    """Who runs this process. As for ssh, LOGNAME and USER do not change that."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return getpass.getuser()


def here() -> dict[str, str]:
    """The tokens that say where one is, whatever the host."""
    name = socket.gethostname()
    return {
        "d": os.path.expanduser("~"),
        "i": str(os.getuid()),
        "l": name,
        "L": name.split(".", 1)[0],
        "u": local_user(),
    }


def all_tokens(remote: Mapping[str, str]) -> dict[str, str]:
    """Every token, of `remote`'s h, j, k, n, p and r. C is a hash of some of them."""
    tokens = {**here(), **remote}
    hashed = "".join(tokens[name] for name in "lhprj")
    return {**tokens, "C": hashlib.sha1(hashed.encode()).hexdigest()}


def expand(text: str, tokens: Mapping[str, str], what: str, *, variables: bool = False) -> str:
    """Replace tokens and, where they have a meaning, `${VARIABLES}`; nothing is replaced twice.

    Raises ConfigError, as ssh refuses it, for one that is not known; `what` names the value.
    """

    def value(found: re.Match[str]) -> str:
        variable, closed, token = found.groups()
        if token is None:
            if not variables:
                return found[0]
            if not closed or variable not in os.environ:
                raise ConfigError(f"{what} {text}: there is no variable {variable}")
            return os.environ[variable]
        if token == "%":
            return "%"
        if token not in tokens:
            known = ", ".join(f"%{name}" for name in ("%", *sorted(tokens)))
            raise ConfigError(f"{what} {text}: %{token} is not allowed there, only {known}")
        return tokens[token]

    return _TOKEN.sub(value, text)


def home_of(path: str) -> str:
    """A path with a leading ~ or ~user replaced."""
    return os.path.expanduser(path)


def expand_path(text: str, tokens: Mapping[str, str], what: str) -> str:
    """A path with `~`, tokens and variables replaced. Raises ConfigError."""
    return expand(home_of(text), tokens, what, variables=True)
