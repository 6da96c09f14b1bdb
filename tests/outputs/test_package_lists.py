"""Package lists as their managers write them."""

from __future__ import annotations

import pytest

from cachetui.outputs.package_lists import is_package_list, packages_in

STATUS = b"""\
Package: openssl
Status: install ok installed
Architecture: amd64
Version: 3.0.14-1
Description: tool
 Version: of a continued line
 .
 more

Package: gone
Status: deinstall ok config-files
Version: 1

Package: libc6
Status: hold ok installed
Version: 2.36-9
"""
LOCK = (
    b'{"packages": {"": {"version": "1"}, "node_modules/a": {"version": "1.2.3"}, '
    b'"node_modules/a/node_modules/@b/c": {"version": "4.5.6"}, "x": 3}}'
)


@pytest.mark.parametrize(
    ("path", "data", "found"),
    [
        (
            "var/lib/dpkg/status",
            STATUS,
            {("dpkg", "openssl"): "3.0.14-1", ("dpkg", "libc6"): "2.36-9"},
        ),
        (
            "var/lib/dpkg/status.d/base",
            b"Package: base-files\nVersion: 12.4\n",
            {("dpkg", "base-files"): "12.4"},
        ),
        (
            "lib/apk/db/installed",
            b"C:Q1x\nP:musl\nV:1.2.4-r2\nF:lib\nR:ld.so\n\nP:zlib\nV:1.3\n\n",
            {("apk", "musl"): "1.2.4-r2", ("apk", "zlib"): "1.3"},
        ),
        (
            "usr/lib/python3/dist-packages/Py_Yaml.x-6.0.dist-info/METADATA",
            b"Metadata-Version: 2.1\nName: Py_Yaml.x\nVersion: 6.0\n\nVersion: 9 says the text\n",
            {("pip", "py-yaml-x"): "6.0"},
        ),
        (
            "app/node_modules/.package-lock.json",
            LOCK,
            {("npm", "a"): "1.2.3", ("npm", "@b/c"): "4.5.6"},
        ),
        (
            "app/node_modules/@b/c/package.json",
            b'{"name": "other", "version": "4.5.6"}',
            {("npm", "@b/c"): "4.5.6"},
        ),
    ],
)
def test_what_a_list_says(path: str, data: bytes, found: dict[object, str]) -> None:
    assert is_package_list(path)
    assert packages_in(path, data) == found


@pytest.mark.parametrize(
    "path",
    [
        "var/lib/dpkg/status-old",
        "var/lib/dpkg/status.d/base.md5sums",
        "srv/var/lib/dpkg/status",
        "app/package.json",
        "app/node_modules/a/lib/package.json",
        "x.dist-info/RECORD",
    ],
)
def test_what_is_none(path: str) -> None:
    assert not is_package_list(path)
    assert packages_in(path, STATUS) == {}


@pytest.mark.parametrize("data", [b"", b"\xff\xfe\x00", b"[" * 100_000, b"{}", b"[1]", b"null"])
@pytest.mark.parametrize(
    "path",
    [
        "var/lib/dpkg/status",
        "lib/apk/db/installed",
        "a.dist-info/METADATA",
        "node_modules/.package-lock.json",
        "node_modules/a/package.json",
    ],
)
def test_a_damaged_one_says_nothing(path: str, data: bytes) -> None:
    assert packages_in(path, data) == {}
