"""Version numbers of engines and clients, made comparable."""

from __future__ import annotations


def version_key(version: str) -> tuple[int, ...]:
    """Numbers of a version such as "v0.13.1-desktop.1+deb" for comparing: (0, 13, 1)."""
    numbers: list[int] = []
    for part in version.strip().lstrip("v").split("."):
        digits = ""
        for char in part:
            if not char.isdigit():
                break
            digits += char
        if not digits:
            break
        numbers.append(int(digits))
        if digits != part:
            break
    return tuple(numbers)
