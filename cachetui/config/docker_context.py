"""A context of docker as a host: `address = "context:NAME"`."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

PREFIX = "context:"


class NoContext(Exception):
    """A context that cannot be a host: why, and what to do."""


def host_of(name: str) -> dict[str, Any]:
    """The keys of a host that the context gives: address, and what else it has: user, port, and
    the engine's socket as docker's client reads it there (`ssh://HOST/run/docker.sock`).

    Read as docker's client stores it (docker/cli `cli/context/store`): a folder named after the
    SHA-256 of the name, below the client's configuration. Raises `NoContext`.
    """
    try:
        url = urlsplit(_endpoint(name))
    except ValueError:
        raise NoContext("has an address that cannot be read") from None
    if url.scheme == "unix":
        raise NoContext(
            'is of this machine; write address = "local" and env = { DOCKER_HOST = "…" }'
        )
    if url.scheme != "ssh" or not url.hostname:
        raise NoContext(
            f"is reached over {url.scheme or 'no known way'}, and cachetui works over ssh; name "
            "the machine by its ssh address"
        )
    try:
        found = {"address": url.hostname, "user": url.username, "port": url.port}
    except ValueError:
        raise NoContext("has a port that is not a number") from None
    if url.password is not None:
        raise NoContext(
            "has a password in its address, which docker refuses, too; use a key of ssh"
        )
    if url.query or url.fragment:
        raise NoContext("has an address with a ? or #, which docker refuses, too")
    keys: dict[str, Any] = {key: value for key, value in found.items() if value is not None}
    if url.path.strip("/"):
        keys["env"] = {"DOCKER_HOST": f"unix://{url.path}"}
    return keys


def _endpoint(name: str) -> str:
    if name == "default":
        raise NoContext(
            "is not a certain machine: it means that of DOCKER_HOST, else this one; write the "
            'machine\'s address, or address = "local"'
        )
    folder = Path(os.environ.get("DOCKER_CONFIG") or Path("~/.docker").expanduser())
    digest = hashlib.sha256(name.encode()).hexdigest()
    file = folder / "contexts" / "meta" / digest / "meta.json"
    try:
        return str(json.loads(file.read_bytes())["Endpoints"]["docker"]["Host"])
    except FileNotFoundError:
        raise NoContext("is not a docker context here; `docker context ls` lists them") from None
    except (OSError, ValueError, KeyError, TypeError):
        raise NoContext(f"cannot be read from {file}") from None
