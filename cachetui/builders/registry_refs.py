"""References in a registry: what ours are called, how large they are, how they are deleted. Pure.

Credentials are the host's own. docker's client uses them to read and write, and cannot delete; so
deletion is asked for without any, and a registry that wants some keeps what is listed.
"""

from __future__ import annotations

import re
import shlex
from typing import Any

from cachetui.builders.registry_words import RegistryTrouble, registry_trouble
from cachetui.records.host_json import loads

SECONDS = 30
"""How long a registry may take for one answer."""

CONNECT_SECONDS = 5
GONE, STAYS = "gone", "stays"
"""What `delete_command` prints."""

_ACCEPT = ", ".join(
    (
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    )
)


def ref_of(repository: str, audit: str, kind: str) -> str:
    """Where a kind lies: the audit's id is in its tag."""
    return f"{repository}:{audit}-{kind}"


def registry_of(ref: str) -> str:
    """The registry of a reference as docker reads it: without one it is Docker Hub's."""
    host, slash, _ = ref.partition("/")
    named = slash and ("." in host or ":" in host or host == "localhost")
    return host if named else "docker.io"


def answers(ref: str, host: str) -> str:
    """How to see whether the registry of a reference answers on a host."""
    where = registry_of(ref)
    how = f"docker pull {ref}" if where == "docker.io" else f"curl -v {where}/v2/"
    return f"check whether {where} answers on {host}: {how}"


def reach_command(docker: str, ref: str) -> str:
    """Ask the registry for what is not there: see `trouble`."""
    return f"{docker} buildx imagetools inspect --raw {shlex.quote(ref)} 2>&1 >/dev/null"


def trouble(
    said: str, host: str, ref: str, *, missing: bool = True, writing: bool = False
) -> tuple[str, str] | None:
    """What is wrong with a registry by what BuildKit or docker said of it, and what to do; None
    where it said nothing that is known. Without `missing` it may lack what was asked for;
    `writing`: it was being written to, and one that is full forgets what came (our lab: 28.5)."""
    kind = registry_trouble(said)
    if kind is None or (kind == "missing" and not missing):
        return None
    reason, remedy = _LOST if kind == "missing" and writing else _TROUBLES[kind]
    registry = ref.split("/")[0]
    return reason.format(registry=registry), remedy.format(registry=registry, host=host)


_SEE = (
    "check that it is up, and that {host} reaches it by this name; if it has another name there, "
    'set registry = "OTHER-NAME/repository" for that host in hosts.toml'
)
_LOST = (
    "the registry {registry} lost what was being written to it",
    "see its log, and whether there is room on its disk",
)
_TROUBLES: dict[RegistryTrouble, tuple[str, str]] = {
    "login": (
        "the registry {registry} requires a login, or rejects the one it got",
        "log in there as the user of hosts.toml: ssh {host} docker login {registry}",
    ),
    "tls": (
        "the registry {registry} is not trusted over TLS",
        "give the engine of {host} its certificate, or name it in insecure-registries of "
        "daemon.json",
    ),
    "full": (
        "the registry {registry} is full",
        "free space in it, or name another with --registry",
    ),
    "silent": ("the registry {registry} does not answer in time", _SEE),
    "unreachable": ("the registry {registry} cannot be reached", _SEE),
    "failing": (
        "the registry {registry} has an internal error",
        "see its log, and whether there is room on its disk",
    ),
    "missing": (
        "the registry {registry} does not have what was written there",
        "check whether it deletes what is new, and whether its disk is healthy",
    ),
}


def size_command(docker: str, ref: str) -> str:
    """Print the manifest of a reference, with the host's own credentials."""
    return f"{docker} buildx imagetools inspect --raw {shlex.quote(ref)} 2>/dev/null"


def manifest_bytes(text: bytes) -> tuple[int | None, str | None]:
    """The bytes of a manifest's layers and configuration; for an index of images None, and the
    digest of the first. A cache's index names its layers itself (BuildKit before 0.13)."""
    try:
        manifest: Any = loads(text)
        layers = list(manifest.get("layers") or ())
        listed = list(manifest.get("manifests") or ())
        if manifest.get("config"):
            layers.append(manifest["config"])
        images = [one for one in listed if "manifest" in str(one.get("mediaType"))]
        if images and not layers:
            return None, str(images[0]["digest"])
        return sum(int(one["size"]) for one in layers or listed) or None, None
    except (ValueError, TypeError, KeyError, AttributeError):
        return None, None


def delete_command(ref: str) -> str | None:
    """Delete a reference, and print `GONE` where it is deleted or was not there, `STAYS` where
    the registry does not let it go, or there is no curl; nothing where the registry did not answer.
    None where it is not named in the reference (Docker Hub), which has another way. No credential
    is sent.

    The tag is ours, so its manifest is: keys of an experiment are in every cache, and the names of
    its hosts in every image. A registry answers 401 for what one may not see, so its 404 (told by
    the header of its API) says that it is not there.
    """
    registry, _, rest = ref.partition("/")
    name, _, tag = rest.rpartition(":")
    if not re.search(r"[.:]|^localhost$", registry):
        return None
    base = shlex.quote(f"//{registry}/v2/{name}/manifests/")
    accept = shlex.quote(f"Accept: {_ACCEPT}")
    curl = f"curl -s --max-time {SECONDS} --connect-timeout {CONNECT_SECONDS}"
    code = "-w '%{http_code}'"
    return (
        f"command -v curl >/dev/null 2>&1 || {{ echo {STAYS}; exit 0; }}; for s in https http; do "
        f"h=$({curl} -I -w 'status %{{http_code}}' -H {accept} $s:{base}{shlex.quote(tag)} | "
        "tr -d '\\r'); "
        f"case $h in *'status 000') continue ;; "
        f"*[Aa][Pp][Ii]-[Vv]ersion:*'status 404') echo {GONE}; break ;; esac; "
        "d=$(printf '%s\\n' \"$h\" | sed -n 's/^[Dd]ocker-[Cc]ontent-[Dd]igest: *//p'); "
        f"case $d in sha256:*) ;; *) echo {STAYS}; break ;; esac; "
        f"c=$({curl} -o /dev/null {code} -X DELETE $s:{base}$d); "
        f"case $c in 200|202) echo {GONE} ;; *) echo {STAYS} ;; esac; break; done; true"
    )
