"""The shell text that a host runs: our program with its request, or plain `docker save`.

The program is the modules of `remote`, their text as it is here, compressed. It is sent in a
here-document to `python3 -`, so that nothing is put on the host's disk and nothing of it shows
in a list of processes.
"""

from __future__ import annotations

import base64
import json
import shlex
import zlib
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from importlib.resources import files

from cachetui.builders.client import client
from cachetui.config.settings import HostSettings

_PACKAGE = "cachetui.outputs.remote"
_MODULES = ("feed", "headers", "tarstream", "entries", "copies", "saved", "main")
"""Each after those that it imports."""

_LOADER = """\
import base64, json, sys, types, zlib
if sys.version_info < (3, 6): sys.exit("python3 is older than 3.6")
def text(packed): return json.loads(zlib.decompress(base64.b85decode(packed)).decode())
for name, source in text(MODULES):
    module = types.ModuleType(name)
    sys.modules[name] = module
    exec(compile(source, name, "exec"), module.__dict__)
sys.exit(module.main(json.dumps(text(REQUEST))))
"""

ASK_PYTHON = "command -v python3 >/dev/null 2>&1 && python3 -c 'import json, zlib, hashlib, fcntl'"
"""Succeeds where the program can run."""

COPY_BYTES = 1 << 30
"""Bytes of layers that are kept in a folder of copies, so that their files can be opened when the
image is gone."""

FAILED = b"\ncachetui: docker save ended with "
"""Stands between what came of an archive that is streamed here and why there is no more."""


def save_command(host: HostSettings, image: str) -> str:
    """`docker save` of an image, as shell text."""
    return f"{client(host.docker, host.env)} image save {shlex.quote(image)}"


def inspect_command(host: HostSettings, image: str) -> str:
    """What the engine knows of the image as a line of JSON, and a last line `python3` where the
    program can run, `tar` where files can be picked out of an archive, else `none`."""
    inspect = f"{client(host.docker, host.env)} image inspect --format '{{{{json .}}}}'"
    return (
        f"{inspect} {shlex.quote(image)} || exit; "
        f"if {ASK_PYTHON}; then echo python3; "
        "elif tar --help 2>&1 | grep -q -e --to-command; then echo tar; else echo none; fi"
    )


def program_command(request: Mapping[str, object]) -> str:
    """Our program on the host, which answers `request` (see `remote.main`)."""
    loader = _LOADER.replace("MODULES", repr(_modules())).replace("REQUEST", repr(_packed(request)))
    return f"exec python3 -I - <<'CACHETUI-PROGRAM'\n{loader}CACHETUI-PROGRAM\n"


def stream_command(save: str) -> str:
    """`docker save` to standard output. Standard error is merged into the stream, so what docker
    says is held back until the archive has ended: then it does no harm."""
    return (
        f"exec 3>&1; said=$({save} 2>&1 >&3 3>&-); status=$?; exec 3>&-; "
        f"[ \"$status\" = 0 ] || printf '\\ncachetui: docker save ended with %s: %s' "
        '"$status" "$said"; exit "$status"'
    )


def pick_command(save: str, names: Sequence[str]) -> str:
    """Some files of the archive one after the other, each behind a line of its name and size.

    By GNU tar's and busybox's `--to-command`: nothing is unpacked on the host's disk.
    """
    one = 'printf \'%s\\t%s\\n\' "$TAR_FILENAME" "$TAR_SIZE" && cat'
    tar = f"tar -xf - --to-command={shlex.quote(one)} {shlex.join(names)}"
    return f"{{ {save}; }} 2>/dev/null | {tar} 2>/dev/null"


def list_command(save: str) -> str:
    """The archive's manifest.json, which says in which file each layer is."""
    return f"{{ {save}; }} 2>/dev/null | tar -xOf - manifest.json"


def image_request(
    save: str,
    layers: Sequence[str],
    needed: Collection[str],
    skip: Collection[str],
    copy: Collection[str] = (),
    copy_to: str | None = None,
) -> dict[str, object]:
    """The program's request for the entries of layers (digests as hex; see `remote.saved`).
    Layers of `copy` are copied into the folder `copy_to`."""
    request: dict[str, object] = {"save": save, "layers": layers}
    request |= {"needed": sorted(needed), "skip": sorted(skip)}
    if copy_to is not None:
        request |= {"copy_to": copy_to, "copy": sorted(copy), "copy_bytes": COPY_BYTES}
    return request


def copy_command(folder: str, layer: str) -> str:
    """An archive of a layer's copy (its digest as hex), to be read as one that docker saves."""
    return f"tar -cf - -C {shlex.quote(folder)} {layer}.tar"


def files_request(
    save: str, layer: str, paths: Collection[bytes], skip: Collection[str], limit: int
) -> dict[str, object]:
    """The program's request for files of a layer, at most `limit` bytes of each."""
    names = sorted(path.decode("latin-1") for path in paths)
    return {"save": save, "layer": layer, "paths": names, "skip": sorted(skip), "limit": limit}


@cache
def _modules() -> bytes:
    folder = files(_PACKAGE)
    return _packed(
        [[_PACKAGE.rsplit(".", 2)[0], ""], [_PACKAGE.rsplit(".", 1)[0], ""], [_PACKAGE, ""]]
        + [[f"{_PACKAGE}.{name}", (folder / f"{name}.py").read_text()] for name in _MODULES]
    )


def _packed(value: object) -> bytes:
    return base64.b85encode(zlib.compress(json.dumps(value).encode(), 9))
