"""An experiment with shared caches as real engines of the lab gave it: see `tests.surprises`."""

from __future__ import annotations

from pathlib import Path

from cachetui.records.document import Document
from cachetui.store.database import Store
from tests.surprises.recording import file_of, restore


def recorded_share(folder: Path, name: str = "mode-min-keeps-less") -> tuple[Store, Document]:
    """A store in a new folder with the recorded audit, and its document."""
    store = restore(file_of(name, "surprise").read_bytes(), folder)
    document = store.audit(store.audits()[0].audit)
    assert document is not None
    assert document.share is not None
    return store, document
