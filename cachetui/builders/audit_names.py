"""What an audit calls what it makes on a host: its images' tags, its cache mounts' namespace."""

from __future__ import annotations

from cachetui.records.scenario import Planned

REPOSITORY = "cachetui"
"""The repository of every tag we make on a host."""


def tag(audit: str, planned: Planned) -> str:
    """The tag of a run's image: `cachetui:<audit>-<scenario>-<repeat>`."""
    return f"{REPOSITORY}:{audit}-{planned.scenario}-{planned.repeat}"


def mount_namespace(audit: str) -> str:
    """The namespace of the audit's cache mounts."""
    return f"cachetui-{audit}"
