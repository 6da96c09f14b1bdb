"""What a registry's trouble is, by the words of BuildKit, docker and their HTTP and TLS libraries.

One reading for all who tell of it; what it means to them, and the advice, is theirs. Pure.

Sources: containerd `remotes/docker` ("unexpected status from HEAD request to URL: 401
Unauthorized"), docker's `registry` ("no basic auth credentials", "pull access denied for X,
repository does not exist or may require 'docker login'"), Go's `net`, `net/http` and
`crypto/x509`, the error codes of the distribution specification, and our lab's four engines
(`tests/builders/test_registry_words.py`).
"""

from __future__ import annotations

import re
from typing import Literal

RegistryTrouble = Literal[
    "login",  # it wants a login, or does not let this one do that; some say so of what is not there
    "tls",  # its certificate is not accepted, or it has none
    "full",
    "silent",  # it was reached, or looked for, and did not answer in time
    "unreachable",  # no connection: name, route, refused, broken off
    "failing",  # it answers with an error of its own
    "missing",  # it answers, and does not have that
]

_WORDS: tuple[tuple[RegistryTrouble, str], ...] = (
    ("tls", r"gave HTTP response to HTTPS|x509:|certificate|\btls: "),
    ("full", r"no space left|insufficient storage|quota exceeded"),
    (
        "login",
        r"unauthorized|authentication required|no basic auth|access denied|\bdenied\b|forbidden"
        r"|insufficient_scope",
    ),
    (
        "silent",
        r"timed? ?out|deadline exceeded|Client\.Timeout|gateway time-?out",
    ),
    (
        "unreachable",
        r"connection refused|no such host|server misbehaving|no route to host"
        r"|network is unreachable|connection reset|closed network connection|broken pipe|\bEOF\b"
        r"|dial tcp",
    ),
    ("failing", r"\b5\d\d [A-Z]|internal server error|service unavailable|bad gateway"),
    (
        "missing",
        r"not found|(manifest|name|blob) unknown|unknown (manifest|blob)|does not exist"
        r"|no such manifest",
    ),
)
"""The first that fits counts: what is behind comes before what follows from it."""

_NAMES = re.compile(
    r"""https?://[^\s"']+|[^\s"']*[.:@][^\s"']*/[^\s"']*|[^\s"']+/[^\s"']+[:@]\S+"""
)
"""URLs and references: a repository may be called "denied", a tag "404"."""


def registry_trouble(said: str) -> RegistryTrouble | None:
    """What a sentence tells of; None where it tells of nothing that is known."""
    words = _NAMES.sub("…", said)
    for trouble, pattern in _WORDS:
        if re.search(pattern, words, re.IGNORECASE):
            return trouble
    return None
