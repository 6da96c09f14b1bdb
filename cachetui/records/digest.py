"""The digest that stands for a text that is not kept, because it may be a secret."""

from __future__ import annotations

import hashlib


def digest(text: str) -> str:
    """`sha256:…` of a text."""
    return "sha256:" + hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
