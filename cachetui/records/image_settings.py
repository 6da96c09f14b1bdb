"""What an image's configuration gives to what is built on it."""

from __future__ import annotations

import msgspec

from cachetui.records.base import Record


class ImageSettings(Record, frozen=True, kw_only=True):
    """`env` maps each variable, in the image's order, to the keyed digest of its value, which may
    be a secret. `folder`, `user` and `shell` are WORKDIR, USER and SHELL; empty where the image has
    none."""

    env: dict[str, str] = msgspec.field(default_factory=dict)
    folder: str = ""
    user: str = ""
    shell: tuple[str, ...] = ()
