"""What our program on a host found in an image, as a recording has it. Pure.

The program's text is another one in each version of cachetui, and what it prints is packed. So a
recording names a request by what it asks for, and has the lines that were printed: those of each
layer once, for all images that have it. A replay puts together what is asked for.
"""

from __future__ import annotations

import base64
import json
import re
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from cachetui.demo.recording import Recording
from cachetui.outputs.remote.main import GREETING
from cachetui.outputs.remote.saved import MARK

IMAGE = "cachetui-image "
"""Begins the name of a request for the entries of an image's layers."""

FILES = "cachetui-files "
"""Begins the name of a request for files of a layer."""

LAYER = "cachetui-layer "
"""Begins the name of what was found in a layer, whichever image it was read for."""

_REQUEST = re.compile(r"json\.dumps\(text\(b'([^']*)'\)\)")
_MARK = MARK.decode()


def has_images(recording: Recording) -> bool:
    """Whether images were read when it was made."""
    return any(
        exchange.command.startswith(IMAGE)
        for session in recording.sessions
        for exchange in session.exchanges
    )


def request_of(command: str) -> dict[str, Any] | None:
    """What a command asks our program for (see `remote.main`); None for any other command."""
    found = _REQUEST.search(command) if "CACHETUI-PROGRAM" in command else None
    if found is None:
        return None
    request = json.loads(zlib.decompress(base64.b85decode(found[1])))
    return request if isinstance(request, dict) and "save" in request else None


def name_of(request: Mapping[str, Any]) -> str:
    """What a request is called in a recording: by its image, or by its layer and files, whichever
    image they are read from."""
    if "paths" in request:
        return f"{FILES}{request['layer']}: {json.dumps(request['paths'])}"
    return f"{IMAGE}{request['save']}"


def texts_of(name: str, output: bytes) -> dict[str, str]:
    """What the program printed for a request, as texts by name: the request's own, and one for
    each layer that could be read whole.

    Raises ValueError for output that is not the program's, or is not UTF-8.
    """
    _, greeting, packed = output.partition(GREETING)
    if not greeting:
        raise ValueError(f"{name}: no answer of our program")
    own: list[str] = []
    layer: list[str] = []
    found: dict[str, str] = {}
    for line in zlib.decompress(packed).decode().splitlines(keepends=True):
        word, *fields = line.removeprefix(_MARK).rstrip("\n").split("\t")
        marked = line.startswith(_MARK)
        if layer or (marked and word == "layer"):
            layer.append(line)
            if marked and word == "end":
                digest, error = fields[1], fields[-1]
                if not error:
                    found[LAYER + digest] = "".join(layer)
                layer = []
        else:
            own.append(line)
    return {name: "".join(own), **found}


def output_of(request: Mapping[str, Any], text: str, layer: Callable[[str], str | None]) -> bytes:
    """What the program prints for a request: the `text` of its own, behind that of the layers that
    are needed; `layer` gives what was found in one of this name."""
    return GREETING + zlib.compress("".join((*_layers(request, layer), text)).encode())


def _layers(request: Mapping[str, Any], layer: Callable[[str], str | None]) -> Iterator[str]:
    for digest in request.get("needed", ()):
        text = layer(f"{LAYER}{digest}")
        if text is not None:
            yield text
