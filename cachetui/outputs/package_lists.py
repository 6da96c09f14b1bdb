"""The lists of installed packages that images hold, as their managers write them. Pure.

Read: dpkg's status, and status.d where an image was put together without dpkg (deb-status(5), the
form of distroless images); apk's database (apk-installed(5)); pip's METADATA (Core metadata
specifications); npm's package.json, and its hidden lockfile (npm-package-lock.json(5)).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from cachetui.records.host_json import loads
from cachetui.records.stale import Manager

Package = tuple[Manager, str]
"""A package by its manager and name."""

_DPKG = re.compile(r"var/lib/dpkg/(status|status\.d/(?!.*\.(md5sums|list)\Z)[^/]+)\Z")
_APK = re.compile(r"(usr/)?lib/apk/db/installed\Z")
_PIP = re.compile(r"(.*/)?[^/]+\.dist-info/METADATA\Z")
_NPM_LOCK = re.compile(r"(.*/)?node_modules/\.package-lock\.json\Z")
_NPM = re.compile(r"(.*/)?node_modules/(?P<name>(@[^/]+/)?[^/]+)/package\.json\Z")


def is_package_list(path: str) -> bool:
    """Whether a path, relative to the root, is a list of installed packages, or of one."""
    return any(one.match(path) for one in (_DPKG, _APK, _PIP, _NPM_LOCK, _NPM))


def packages_in(path: str, data: bytes) -> dict[Package, str]:
    """Package → version, as the file says; nothing where it is no list or is damaged."""
    text = data.decode("utf-8", "replace")
    if _DPKG.match(path):
        return dict(_dpkg(text))
    if _APK.match(path):
        return dict(_apk(text))
    if _PIP.match(path):
        fields = _fields(text.split("\n\n", 1)[0], ": ")
        name, version = fields.get("Name"), fields.get("Version")
        return {("pip", _pip_name(name)): version} if name and version else {}
    if _NPM_LOCK.match(path):
        return dict(_npm_lock(data))
    npm = _NPM.match(path)
    return dict(_npm(data, npm["name"])) if npm is not None else {}


def _dpkg(text: str) -> Iterator[tuple[Package, str]]:
    for stanza in re.split(r"\n[ \t]*\n", text):
        fields = _fields(stanza, ":")
        name, version = fields.get("Package"), fields.get("Version")
        state = fields.get("Status")
        if name and version and (state is None or state.endswith(" installed")):
            yield ("dpkg", name), version


def _apk(text: str) -> Iterator[tuple[Package, str]]:
    for block in text.split("\n\n"):
        fields = _fields(block, ":")
        if fields.get("P") and fields.get("V"):
            yield ("apk", fields["P"]), fields["V"]


def _fields(text: str, separator: str) -> dict[str, str]:
    """The fields of lines that begin with a name; a name that comes again counts once."""
    fields: dict[str, str] = {}
    for line in text.splitlines():
        name, found, value = line.partition(separator)
        if found and name and not name[0].isspace():
            fields.setdefault(name, value.strip())
    return fields


def _pip_name(name: str) -> str:
    """As PyPA's name normalization has it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _npm_lock(data: bytes) -> Iterator[tuple[Package, str]]:
    for place, about in _object(_object(_json(data)).get("packages")).items():
        version = _object(about).get("version")
        name = place.rpartition("node_modules/")[2]
        if name and isinstance(version, str):
            yield ("npm", name), version


def _npm(data: bytes, name: str) -> Iterator[tuple[Package, str]]:
    version = _object(_json(data)).get("version")
    if isinstance(version, str):
        yield ("npm", name), version


def _json(data: bytes) -> object:
    try:
        found: object = loads(data)
    except ValueError:
        return None
    return found


def _object(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}
