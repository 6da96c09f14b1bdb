"""Deletes references from a registry, as a host reaches it."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Literal

from cachetui.builders import registry_refs
from cachetui.hosts.machine import HostError, Machine

Fate = Literal["gone", "stays", "unknown"]
"""A reference is deleted, or the registry does not let it go; unknown where it was not reached."""

DELETE_SECONDS = 5.0 * registry_refs.SECONDS


def delete_refs(machine: Machine, refs: Iterable[str]) -> dict[str, Fate]:
    """What became of each. Nothing is raised for a connection that broke."""
    return {ref: _delete(machine, ref) for ref in refs}


def _delete(machine: Machine, ref: str) -> Fate:
    command = registry_refs.delete_command(ref)
    if command is None:
        return "stays"
    with suppress(HostError):
        said = machine.run(command, timeout=DELETE_SECONDS).text
        if registry_refs.GONE in said:
            return "gone"
        if registry_refs.STAYS in said:
            return "stays"
    return "unknown"
