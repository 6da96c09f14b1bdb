"""The program on the host: runs `docker save` there and prints what was found.

Python 3.6, standard library only. Standard output is a line of its own, then one zlib stream of
the lines of `saved`. What goes wrong is a line too: `fail REASON`.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import zlib
from typing import Any, Dict, Iterator, Optional

from cachetui.outputs.remote.copies import Copies
from cachetui.outputs.remote.feed import BLOCK, Unreadable
from cachetui.outputs.remote.saved import MARK, mark, parts, read_files, read_image

GREETING = b"cachetui outputs 1\n"
"""Stands before the stream, so that what a shell or a login prints is told from it."""

_SET_PIPE_SIZE = 1031
_SAID = 1000
"""Bytes of what docker says that are passed on."""


def main(request: str) -> int:
    """Answer a request, a JSON object; returns the exit status.

    Who stops us sends TERM first (see `hosts.watch`): then a copy under way is removed.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    wanted: Dict[str, Any] = json.loads(request)
    output = sys.stdout.buffer
    output.write(GREETING)
    packed = zlib.compressobj(3)
    for line in _answer(wanted):
        output.write(packed.compress(line + b"\n"))
        if line[:1] == MARK:
            output.write(packed.flush(zlib.Z_SYNC_FLUSH))
            output.flush()
    output.write(packed.flush())
    output.flush()
    return 0


def _answer(wanted: Dict[str, Any]) -> Iterator[bytes]:
    """Lines for a request: {"save": shell text, "layers", "needed", "skip"} and perhaps "copy_to",
    "copy" and "copy_bytes"; or with "layer", "paths" (as Latin-1) and "limit" for files."""
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            ["sh", "-c", wanted["save"]],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
        )
        copies = None
        try:
            archive = parts(_blocks(process.stdout))
            if "paths" in wanted:
                paths = [path.encode("latin-1") for path in wanted["paths"]]
                yield from read_files(
                    archive, wanted["layer"], paths, set(wanted["skip"]), wanted["limit"]
                )
            else:
                skip = set(wanted["skip"])
                copies = _copies(wanted)
                yield from read_image(archive, wanted["layers"], wanted["needed"], skip, copies)
            reason = ""
        except Unreadable as error:
            reason = str(error)
        finally:
            if copies is not None:
                copies.drop()
        assert process.stdout is not None
        process.stdout.close()  # a save that is not wanted to its end finds nobody to write to
        status = process.wait()
        errors.seek(max(0, errors.seek(0, os.SEEK_END) - _SAID))
        said = errors.read().decode("utf-8", "replace")
        yield mark("saved", str(status), " ".join(said.split()), reason)


def _copies(wanted: Dict[str, Any]) -> Optional[Copies]:
    """Where copies go, if they were asked for and there can be any."""
    if not wanted.get("copy_to"):
        return None
    layers = set(wanted["copy"])
    try:
        return Copies(
            wanted["copy_to"], layers, set(wanted["layers"]) - layers, wanted["copy_bytes"]
        )
    except OSError:
        return None


def _blocks(pipe: Any) -> Iterator[bytes]:
    """What a pipe gives, in blocks as large as it can be made to hold."""
    try:
        import fcntl

        fcntl.fcntl(pipe.fileno(), _SET_PIPE_SIZE, BLOCK)
    except (ImportError, OSError):
        pass
    while True:
        block = os.read(pipe.fileno(), BLOCK)
        if not block:
            return
        yield block
