"""Digests that stand for values that are not kept, because they may be secrets.

`hmac-sha256:KEY:HEX` is HMAC-SHA256 of the value with a secret that the store keeps to itself, so
that short values cannot be found by trying. KEY, eight hex digits, tells one secret from another.
Earlier versions stored plain digests (`sha256:HEX`). Two digests made with different secrets, or
one with and one without, do not tell whether their values are the same.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets

SECRET_BYTES = 32

KEYED = "hmac-sha256:"
_PLAIN = "sha256:"
_MADE_WITH = re.compile(rf"\b({KEYED}[0-9a-f]{{8}}|{_PLAIN})")


class ValueHasher:
    """Makes digests with one secret of `SECRET_BYTES`. The secret itself is kept in no attribute,
    so that nothing which prints objects can show it."""

    def __init__(self, secret: bytes) -> None:
        self._keyed = hmac.new(secret, digestmod=hashlib.sha256)
        self.key = self._hex("cachetui: which secret this is")[:8]

    @classmethod
    def for_once(cls) -> ValueHasher:
        """With a secret of its own that is never kept."""
        return cls(secrets.token_bytes(SECRET_BYTES))

    def digest(self, value: str) -> str:
        """`hmac-sha256:KEY:HEX` of a value."""
        return f"{KEYED}{self.key}:{self._hex(value)}"

    def reads(self, digest: str) -> bool:
        """Whether it can be told of a value if the digest is its own."""
        return digest.startswith((_PLAIN, f"{KEYED}{self.key}:"))

    def matches(self, value: str, digest: str) -> bool | None:
        """Whether the digest is that of the value; None where it was made with another secret."""
        if not self.reads(digest):
            return None
        plain = digest.startswith(_PLAIN)
        own = _PLAIN + hashlib.sha256(_bytes(value)).hexdigest() if plain else self.digest(value)
        return hmac.compare_digest(_bytes(own), _bytes(digest))

    def _hex(self, text: str) -> str:
        keyed = self._keyed.copy()
        keyed.update(_bytes(text))
        return keyed.hexdigest()


def is_digest(text: str) -> bool:
    """Whether this stands for a value."""
    return text.startswith((KEYED, _PLAIN))


def differ(one: str | None, other: str | None) -> bool | None:
    """Whether two digests, or texts with digests in them, stand for different values; a missing one
    (None) is different from all. None where that cannot be told: they were made with different
    secrets."""
    if one == other:
        return False
    with_one, with_other = (set(_MADE_WITH.findall(text or "")) for text in (one, other))
    return None if with_one and with_other and with_one != with_other else True


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
