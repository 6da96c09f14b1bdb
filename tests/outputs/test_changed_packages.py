"""Packages and files that a step left otherwise in two images, read from lists in both."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from cachetui.hosts.machine import HostError, HostErrorKind
from cachetui.outputs.changed_packages import StepChanges, changed_by_step
from cachetui.outputs.difference import Entry
from cachetui.outputs.filediff import Fetched
from cachetui.records.step import StepId
from tests.outputs.images import Images
from tests.outputs.tars import File

STATUS = "var/lib/dpkg/status"
BASE: Sequence[File] = (("etc", None),)


def reader(
    files: Sequence[File], size: int | None = None
) -> Callable[[str, Entry | None], Fetched]:
    known = {name: content for name, content in files if isinstance(content, bytes)}

    def read(path: str, entry: Entry | None) -> Fetched:
        data = known[path] if entry is not None else b""
        return Fetched(size=len(data) if size is None else size, data=data)

    return read


def changed(a: Sequence[File], b: Sequence[File], **read: int) -> dict[StepId, StepChanges]:
    images = Images()
    outputs = images.output("a", BASE, a), images.output("b", BASE, b)
    readers = reader(a, **read), reader(b, **read)
    return changed_by_step(*outputs, lambda digest: images.lines[digest], *readers)


def status(**versions: str) -> File:
    text = "\n".join(f"Package: {name}\nVersion: {one}\n" for name, one in versions.items())
    return STATUS, text.encode()


def test_packages_and_files() -> None:
    a = [status(openssl="3.0.14", curl="7", same="1"), ("usr/bin/x", b"1"), ("only", b"")]
    b = [status(openssl="3.0.15", wget="1", same="1"), ("usr/bin/x", b"2")]
    ((step, found),) = changed(a, b).items()
    assert step == StepId(0, 1)
    assert [(one.name, one.imported, one.anew) for one in found.packages] == [
        ("curl", "7", None),
        ("openssl", "3.0.14", "3.0.15"),
        ("wget", None, "1"),
    ]
    assert (found.files, sorted(found.paths)) == (3, ["only", "usr/bin/x", STATUS])


def test_a_package_whose_folder_has_another_name() -> None:
    def pip(version: str) -> File:
        text = f"Name: six\nVersion: {version}\n"
        return f"p/six-{version}.dist-info/METADATA", text.encode()

    ((_, found),) = changed([pip("1.16")], [pip("1.17")]).items()
    assert [(one.imported, one.anew) for one in found.packages] == [("1.16", "1.17")]


def test_the_same_images_differ_in_nothing() -> None:
    assert changed([status(a="1")], [status(a="1")]) == {}


def test_a_list_that_is_too_long_is_told() -> None:
    ((_, found),) = changed([status(a="1")], [status(a="2")], size=1 << 30).items()
    assert (found.packages, found.unread) == ((), [STATUS])


@pytest.mark.parametrize(("kind", "raised"), [("shell", False), ("lost", True)])
def test_a_list_that_cannot_be_read(kind: HostErrorKind, raised: bool) -> None:
    images = Images()
    outputs = images.output("a", [status(a="1")]), images.output("b", [status(a="2")])

    def gone(_path: str, _entry: Entry | None) -> Fetched:
        raise HostError("ci-1", kind, "gone")

    def ask() -> dict[StepId, StepChanges]:
        return changed_by_step(*outputs, lambda digest: images.lines[digest], gone, gone)

    if raised:
        with pytest.raises(HostError):
            ask()
    else:
        assert next(iter(ask().values())).unread == [STATUS]
