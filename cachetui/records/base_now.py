"""What the name of a base image means in its registry, beside what it meant to a build."""

from __future__ import annotations

from cachetui.records.base import Record


class BaseNow(Record, frozen=True, kw_only=True):
    """An image's name, and the digest that its registry gave a host for it right after a build. The
    digest is None where that could not be asked, for the `reason`."""

    ref: str
    digest: str | None = None
    reason: str | None = None
