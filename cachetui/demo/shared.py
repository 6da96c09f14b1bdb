"""The recorded experiment with shared caches: an audit of the demo's first build, as it was kept.

Unlike the fleet's audits it is not played again: an export needs a registry that takes it. So it
lies in the demo's store from the start, for History, Share and `cachetui demo share`.
"""

from __future__ import annotations

import gzip
from pathlib import Path

import msgspec

from cachetui.records.base import Record
from cachetui.records.document import Document
from cachetui.records.from_json import from_json
from cachetui.store.database import Store

FILE = Path(__file__).parent / "shared.json.gz"

SHARED = "share"
"""What the demo calls it. Its build has a name of its own: rules look at earlier audits of one."""


class SharedRecording(Record, frozen=True, kw_only=True):
    """`about` says how it was made, `recorded` is the day (YYYY-MM-DD)."""

    about: str
    recorded: str
    document: Document


def encode(recording: SharedRecording) -> bytes:
    """The bytes of `FILE`, the same for the same recording."""
    return gzip.compress(msgspec.json.encode(recording), mtime=0)


def shared_recording() -> SharedRecording:
    """The one that comes with cachetui. Raises `OSError` and `msgspec.DecodeError`."""
    return from_json(gzip.decompress(FILE.read_bytes()), SharedRecording)


def note(recording: SharedRecording) -> str:
    """What must be said wherever it is shown."""
    return (
        "a recorded experiment: real engines gave this in cachetui's lab on "
        f"{recording.recorded}; nothing was built here"
    )


def keep_in(store: Store) -> str:
    """Put the recorded experiment into a store; its audit's id. Raises `StoreError`."""
    recording = shared_recording()
    document = recording.document
    document = msgspec.structs.replace(document, notes=(note(recording), *document.notes))
    for run in document.runs:
        store.keep_run(run)
    store.keep_audit(document)
    return document.audit
