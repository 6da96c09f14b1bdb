"""Tars for tests: plain ones by tarfile, hostile ones byte by byte."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from cachetui.outputs.remote.entries import Layer
from cachetui.outputs.remote.feed import Feed

File = tuple[str, Any]
"""A path with its content (a file), None (a folder), or a dict of TarInfo's attributes."""


def tar(
    *files: File, format: int = tarfile.GNU_FORMAT, pax: Mapping[str, str] | None = None
) -> bytes:
    """A tar of these entries, all of owner 0 and time 0 unless told otherwise."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=format) as archive:
        for path, what in files:
            info = tarfile.TarInfo(path)
            content = b""
            info.mode = 0o644
            if what is None:
                info.type, info.mode = tarfile.DIRTYPE, 0o755
            elif isinstance(what, dict):
                values = dict(what)
                content = values.pop("content", b"")
                for name, value in values.items():
                    setattr(info, name, value)
            else:
                content = what if isinstance(what, bytes) else str(what).encode()
            info.size = len(content) or info.size
            if pax:
                info.pax_headers = {**info.pax_headers, **pax}
            archive.addfile(info, io.BytesIO(content) if content else None)
    return buffer.getvalue()


def header(name: bytes = b"x", *, flag: bytes = b"0", size: int = 0, **fields: bytes) -> bytes:
    """A header of ustar's form with a right checksum; `fields` are put in as they are: mode, uid,
    gid, size_field, mtime, link, magic, prefix, rest (from byte 345 on)."""
    block = bytearray(512)
    block[0 : len(name[:100])] = name[:100]
    places = {"mode": 100, "uid": 108, "gid": 116, "size_field": 124, "mtime": 136}
    places |= {"link": 157, "magic": 257, "prefix": 345, "rest": 345, "sparse": 386}
    values = {
        "mode": b"0000644\0",
        "uid": b"0000000\0",
        "gid": b"0000000\0",
        "size_field": b"%011o\0" % size,
        "mtime": b"00000000000\0",
        "magic": b"ustar\x0000",
        **fields,
    }
    for field, value in values.items():
        block[places[field] : places[field] + len(value)] = value
    block[156:157] = flag
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 512)


END = bytes(1024)


def blocks(data: bytes, size: int = 1000) -> Iterator[bytes]:
    """Data in blocks of an odd size."""
    for at in range(0, len(data), size):
        yield data[at : at + size]


def read_layer(data: bytes, size: int = 1000) -> tuple[list[bytes], Layer]:
    """The lines of a layer's tar, and the layer that was read."""
    layer = Layer(Feed(blocks(data, size)))
    return list(layer.lines()), layer


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def config(layers: Sequence[bytes], **more: Any) -> bytes:
    """An image's configuration."""
    return json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Env": ["PATH=/bin"]},
            "history": [{"created_by": f"layer {i}"} for i in range(len(layers))],
            **more,
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{sha(one)}" for one in layers]},
        }
    ).encode()


def oci_archive(layers: Sequence[bytes], packed: Iterable[bytes] = (), **more: Any) -> bytes:
    """What `docker save` of Engine 25 and later writes; `packed` in place of the plain layers."""
    document = config(layers, **more)
    files = [(sha(one), one) for one in (tuple(packed) or layers)] + [(sha(document), document)]
    attestation = json.dumps({"_type": "https://in-toto.io/Statement/v0.1"}).encode()
    files.append((sha(attestation), attestation))
    names = [f"blobs/sha256/{name}" for name, _ in files]
    manifest = [{"Config": names[len(layers)], "RepoTags": [], "Layers": names[: len(layers)]}]
    return tar(
        ("blobs", None),
        ("blobs/sha256", None),
        *((f"blobs/sha256/{name}", data) for name, data in sorted(files)),
        ("index.json", b'{"schemaVersion": 2, "manifests": []}'),
        ("manifest.json", json.dumps(manifest).encode()),
        ("oci-layout", b'{"imageLayoutVersion": "1.0.0"}'),
    )


def old_archive(layers: Sequence[bytes], **more: Any) -> bytes:
    """What `docker save` of 20.10 writes, a layer that is there twice as a link."""
    document = config(layers, **more)
    entries: list[File] = []
    seen: dict[bytes, str] = {}
    for number, layer in enumerate(layers):
        name = f"{number:064x}"
        entries += [(name, None), (f"{name}/VERSION", b"1.0"), (f"{name}/json", b'{"id": "x"}')]
        if layer in seen:
            link = {"type": tarfile.SYMTYPE, "linkname": f"../{seen[layer]}/layer.tar"}
            entries.append((f"{name}/layer.tar", link))
        else:
            seen[layer] = name
            entries.append((f"{name}/layer.tar", layer))
    names = [f"{number:064x}/layer.tar" for number in range(len(layers))]
    manifest = [{"Config": f"{sha(document)}.json", "RepoTags": [], "Layers": names}]
    return tar(
        *entries,
        (f"{sha(document)}.json", document),
        ("manifest.json", json.dumps(manifest).encode()),
        ("repositories", b'{"x": {"1": "y"}}'),
    )


def zipped(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)
