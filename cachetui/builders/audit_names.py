"""What an audit calls what it makes on a host: its images' tags, its cache mounts' namespace."""

from __future__ import annotations

import re

from cachetui.records.scenario import Planned

REPOSITORY = "cachetui"
"""The repository of every tag we make on a host."""

OUR_HOSTS = ".cachetui.invalid"
"""How the names end that RUN steps of controlled builds have among their hosts."""

_OURS = re.compile(rf"{REPOSITORY}:(\d{{4}}-\d{{6}}-[a-z]{{4}}|prove-[0-9a-f]{{10}})-.+")


def tag(audit: str, planned: Planned) -> str:
    """The tag of a run's image: `cachetui:<audit>-<scenario>-<repeat>`."""
    return f"{REPOSITORY}:{audit}-{planned.scenario}-{planned.repeat}"


def is_ours(name: str) -> bool:
    """Whether an image's name is a tag of an audit or an experiment, and not another's
    `cachetui:latest`."""
    return _OURS.fullmatch(name) is not None


def mount_namespace(audit: str) -> str:
    """The namespace of the audit's cache mounts."""
    return f"cachetui-{audit}"
