"""A build that ended because its engine did: what docker's client says then.

Our lab, engines killed and stopped under a build: 20.10.24, 26.1.5 and 28.5.2 with both builders
and both image stores, and clients that come just after. It is the client's last word: a RUN may
print the same, and a registry's connection can end so too, but then the client goes on to say what
failed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

KILLED = 137
"""The legacy builder's exit status when an engine that is shut down kills its containers (128 + 9).
The kernel kills so too when memory is short."""

_LAST_WORDS = re.compile(
    r"unexpected EOF"
    r"|(ERROR: )?(failed to build: )?failed to (solve|receive status|list workers): "
    r"(rpc error: code = )?(Unavailable|Canceled)\b.*(EOF|closing|closed|connection).*"
    r"|(ERROR: )?Cannot connect to the Docker daemon at .*"
    r"|(ERROR: )?failed to dial gRPC: .*"
    r"|(ERROR: )?error during connect: .*(EOF|reset by peer|refused|broken pipe|no such file).*"
    r"|(ERROR: )?no valid drivers found: .*"
    r"|(ERROR: )?graceful_?stop.*",
    re.IGNORECASE | re.DOTALL,
)


def engine_ended(messages: Sequence[str]) -> str | None:
    """The last of a failed build's messages, if it says that the engine has gone."""
    last = next((text.strip() for text in reversed(messages) if text.strip()), "")
    return last if _LAST_WORDS.fullmatch(last) else None
