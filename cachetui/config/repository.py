"""The repository of a registry that shared caches may be written to."""

from __future__ import annotations

import re

_REPOSITORY = re.compile(
    r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]+)?(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*",
    re.ASCII,
)


def repository(text: str) -> str:
    """The repository that a user names; a registry alone gets one called cachetui. Raises
    `ValueError` with what is wrong, to follow the text."""
    if "://" in text:
        raise ValueError(f"must be without {text.split('://')[0]}://")
    if not _REPOSITORY.fullmatch(text):
        raise ValueError(
            "must be a repository without a tag, such as registry.example.com/team/cache"
        )
    return text if "/" in text else f"{text}/cachetui"
