"""Asks registries, on a host and with its login, what the names of base images mean now."""

from __future__ import annotations

import hashlib
import shlex

from cachetui.builders.client import client, last_line
from cachetui.config.settings import HostSettings
from cachetui.hosts.machine import Cancel, HostError, Machine
from cachetui.records.base_now import BaseNow

ASK_SECONDS = 20.0
"""How long a registry may take for one name."""

NO_BUILDX = "docker there has no buildx, which asks the registry"


def base_now(
    machine: Machine, host: HostSettings, ref: str, *, buildx: bool, cancel: Cancel
) -> BaseNow:
    """What a name means in its registry. Nothing is pulled: the manifest alone is read. Raises
    `HostError` where the host is gone."""
    _, at, digest = ref.partition("@")
    if at:
        return BaseNow(ref=ref, digest=digest)
    if not buildx:
        return BaseNow(ref=ref, reason=NO_BUILDX)
    docker = client(host.docker, host.env)
    try:
        done = machine.run(
            f"{docker} buildx imagetools inspect --raw {shlex.quote(ref)}",
            timeout=ASK_SECONDS,
            cancel=cancel,
        )
    except HostError as error:
        if error.kind != "timeout":
            raise
        return BaseNow(ref=ref, reason=f"its registry did not answer in {ASK_SECONDS:.0f} s")
    if done.status or not done.stdout:
        said = last_line(done.error_text, host.env).removeprefix("ERROR: ")
        return BaseNow(ref=ref, reason=said or "its registry gave no answer")
    return BaseNow(ref=ref, digest=f"sha256:{hashlib.sha256(done.stdout).hexdigest()}")
