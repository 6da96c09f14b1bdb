"""What docker's client itself refuses of an option's value, so that no host is asked to try.

Only what every client of Docker 20.10 to 29 refuses is refused here.
"""

from __future__ import annotations

import csv
import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal, InvalidOperation

from cachetui.builders.option_names import FALSE, TRUE

_BYTES = re.compile(
    r"((?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:e[+-]?\d+)?) ?(?:([kmgtp])i?b?|b)?",
    re.ASCII | re.IGNORECASE,
)
"""A size as docker reads it (docker/go-units `size.go`); `.5g` and `1e3` are some to clients of
28.5 alone."""
_WHOLE = re.compile(r"[+-]?(?:0[xX][\da-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+|\d[\d_]*)", re.ASCII)
_QUOTED = r'(?:[^",\n]*|"(?:[^"]|"")*")'
_FIELDS = re.compile(rf"{_QUOTED}(?:,{_QUOTED})*", re.DOTALL)
"""Comma-separated values as Go's encoding/csv reads them."""
_IMAGE_NAME = re.compile(
    r"(?:[\w.-]+(?::\d+)?/)?[a-z0-9]+(?:(?:[._/]|__|-+)[a-z0-9]+)*(?::[\w.-]+)?(?:@[\w.+:-]+)?",
    re.ASCII,
)
_LARGEST = 2**63 - 1
_ULIMIT = re.compile(
    r"(?:core|cpu|data|fsize|locks|memlock|msgqueue|nice|nofile|nproc|rss|rtprio|rttime|sigpending"
    r"|stack)"
)
_PLATFORM_PART = re.compile(r"[A-Za-z0-9_.-]+(?:\([A-Za-z0-9_.-]*\))?", re.ASCII)
_SYSTEM_OR_MACHINE = re.compile(
    r"aix|android|darwin|dragonfly|freebsd|hurd|illumos|ios|js|linux|local|macos|nacl|netbsd|openbsd"
    r"|plan9|solaris|wasip1|windows|zos|386|aarch64|amd64(?:p32)?|arm|arm64(?:be)?|armbe|armel|armhf"
    r"|i386|loong64|mips\w*|ppc\w*|riscv(?:64)?|s390x?|sparc(?:64)?|wasm|x86[-_]64",
    re.IGNORECASE,
)
"""What containerd's `platforms/database.go` takes alone for a platform, and bake's `local`."""

_CREDENTIALS = {"access_key_id", "secret_access_key", "session_token", "token", "ghtoken"}
_USER_INFO = re.compile(r"\bhttps?://[^/?#\s]*@", re.IGNORECASE)


def problem_of(name: str, value: str) -> str:
    """Why no host could build with this value of the option; "" when some can."""
    check = _CHECKS.get(name)
    return check(value) if check is not None else ""


def credential_in(name: str, value: str) -> str:
    """Why the value of the option is not taken, because it holds a credential; "" when it holds
    none. It would stand in the host's list of processes and in what is kept of the audit.

    The fields are those of BuildKit's cache backends (`cache/remotecache/s3`, `azblob`, `gha`).
    """
    if name not in ("build-context", "cache-from", "cache-to"):
        return ""
    for key, text in _fields(value) if name != "build-context" else ():
        if key in _CREDENTIALS and text:
            return f"{key}= is a credential; keep it on the hosts, where docker looks for it"
    if _USER_INFO.search(value):
        return "its URL holds a user's name or password; keep them on the hosts"
    return ""


def not_found_on_hosts(name: str, value: str) -> str:
    """Why the source of a `secret`, of the keys of `ssh`, or of the folder of `cache-from` is not
    the same on every host; "" when it is.

    docker's client reads them where it runs: on the host. The forms are those of buildx
    (`util/buildflags/secrets.go`, `ssh.go`, `cache.go`).
    """
    if name == "ssh":
        paths = value.partition("=")[2].split(",")
    elif name == "cache-from":
        paths = [dict(_fields(value)).get("src", "")]
    else:
        fields = dict(_fields(value))
        paths = [fields.get("src", ""), fields.get("source", "")]
        if not any(paths) and not fields.get("env"):
            return (
                "docker takes the variable or the file of that name, whichever a host has; write "
                "env=NAME or src=/PATH"
            )
        if fields.get("type") == "env":
            paths = []  # then its source is a variable, too
    for path in paths:
        if path and not path.startswith("/"):
            return f"{path} is read on each host, so it has to be an absolute path"
    return ""


def bytes_of(text: str) -> int | None:
    """The bytes that docker makes of a size, such as 67108864 of `64m`; None where it is none."""
    parts = _BYTES.fullmatch(text)
    if parts is None:
        return None
    try:
        number = Decimal(parts[1])
    except InvalidOperation:
        return None
    if number.adjusted() > 20:
        return None
    return int(number * 1024 ** "bkmgtp".index((parts[2] or "b").lower()))


def _fields(value: str) -> Iterator[tuple[str, str]]:
    """The fields of a value of comma-separated `key=value`; one without `=` has no value."""
    for key, text in _as_written(value):
        yield key.strip().lower(), text


def _as_written(value: str) -> Iterator[tuple[str, str]]:
    """Of what docker refuses for its quotes, too: a credential may be in it."""
    fields = value.replace('"', "").split(",")
    if _FIELDS.fullmatch(value) and len(value) <= csv.field_size_limit():
        fields = next(csv.reader([value]), [])
    for field in fields:
        key, _, text = field.partition("=")
        yield key, text


def _badly_quoted(value: str) -> str:
    if _FIELDS.fullmatch(value):
        return ""
    return 'write the quotes around a whole field, as in id=a,"src=/a,b"'


def _secret(value: str) -> str:
    for key, _ in _as_written(value):
        if key != key.strip():
            return f"docker takes the space beside {key.strip()} for a part of its name"
    fields = dict(_fields(value))
    for key in fields:
        if key not in ("id", "src", "source", "env", "type"):
            return f"a secret has no {key or 'empty field'}; write id=NAME,src=/PATH or env=NAME"
    if not fields.get("id"):
        return "a secret needs id=NAME"
    if fields.get("type", "file") not in ("file", "env"):
        return f"a secret is of type file or env, not {fields['type']}"
    return ""


def _cache(value: str) -> str:
    keys = [key for key, _ in _fields(value)]
    if "=" in value and "type" not in keys:
        return "it needs type=…, or is the name of an image alone"
    return ""


def _add_host(value: str) -> str:
    name, separator, address = re.fullmatch(r"([^:=]*)([:=]?)(.*)", value, re.DOTALL).groups()  # type: ignore[union-attr]
    if not (name and separator):
        return "write NAME:IP"
    if address != "host-gateway":
        try:
            plain = address.strip().removeprefix("[").removesuffix("]").partition("%")[0]
            ipaddress.ip_address(plain)
        except ValueError:
            return f"{address or 'nothing'} is not an IP address"
    return ""


def _size(value: str) -> str:
    """Of --memory, where BuildKit takes nothing for no limit."""
    return _some_size(value) if value else ""


def _some_size(value: str) -> str:
    return "" if bytes_of(value) is not None else f"{value or 'nothing'} is not a size such as 64m"


def _swap(value: str) -> str:
    return "" if value == "-1" else _size(value)


def _number(value: str) -> str:
    return "" if _WHOLE.fullmatch(value) else f"{value} is not a whole number"


def _ulimit(value: str) -> str:
    match = re.fullmatch(r"([^=]*)=([+-]?\d{1,20})(?::([+-]?\d{1,20}))?", value, re.ASCII)
    if match is None or any(abs(int(number or 0)) > _LARGEST for number in match.groups()[1:]):
        return "write NAME=SOFT or NAME=SOFT:HARD, in whole numbers"
    if not _ULIMIT.fullmatch(match[1]):
        return f"{match[1]} is not a limit such as nofile"
    soft, hard = int(match[2]), int(match[3] or match[2])
    if hard != -1 and (soft == -1 or soft > hard):
        return "its soft limit is above the hard one"
    return ""


def _platform(value: str) -> str:
    for platform in value.split(",") if value else ():
        parts = platform.strip().split("/")
        if len(parts) > 3 or not all(_PLATFORM_PART.fullmatch(part) for part in parts):
            return f"{platform or 'nothing'} is not a platform such as linux/arm64"
        name = parts[0].partition("(")[0]
        if len(parts) == 1 and not _SYSTEM_OR_MACHINE.fullmatch(name):
            return f"{platform} is not a platform such as linux/arm64"
    return ""


def _pair(value: str) -> str:
    name, equals, text = value.partition("=")
    return "" if name and equals and text else "write NAME=VALUE"


def _context(value: str) -> str:
    name = value.partition("=")[0]
    if _pair(value) or _IMAGE_NAME.fullmatch(name):
        return _pair(value)
    return (
        f"docker takes {name} for the name of an image, which has lower-case letters and no spaces"
    )


def _label(value: str) -> str:
    return "it has no name" if value.partition("=")[0] == "" else ""


def _attestation(value: str) -> str:
    keys = all("=" in field for field in value.split(","))
    return _badly_quoted(value) or ("" if keys else "write type=…")


def _on_or_fields(value: str) -> str:
    return (
        "" if value in TRUE | FALSE or not _attestation(value) else "write true, false or KEY=VALUE"
    )


def _entitlements(value: str) -> str:
    for name in value.split(","):
        known = name in ("network.host", "security.insecure") or name.startswith("device")
        if not known:
            return f"{name or 'nothing'} is not network.host, security.insecure or device"
    return ""


_CHECKS: Mapping[str, Callable[[str], str]] = {
    "add-host": _add_host,
    "allow": _entitlements,
    "annotation": _pair,
    "attest": _attestation,
    "build-context": _context,
    "cache-from": lambda value: _badly_quoted(value) or _cache(value),
    "cache-to": _badly_quoted,
    "cpu-period": _number,
    "cpu-quota": _number,
    "cpu-shares": _number,
    "label": _label,
    "memory": _size,
    "memory-swap": _swap,
    "platform": _platform,
    "provenance": _on_or_fields,
    "sbom": _on_or_fields,
    "secret": lambda value: _badly_quoted(value) or _secret(value),
    "shm-size": _some_size,
    "ulimit": _ulimit,
}
