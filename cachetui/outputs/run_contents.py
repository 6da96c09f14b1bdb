"""What the images of runs hold, kept in the store by run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from cachetui.outputs.contents import ImageContents
from cachetui.records.document import Document
from cachetui.records.from_json import from_json

if TYPE_CHECKING:
    from cachetui.store.database import Store

_LONGEST = 1000
"""Characters of a reason that are read back."""


def keep_contents(store: Store, run_id: str, contents: ImageContents) -> None:
    """Keep what a run's image holds."""
    store.keep_blob(f"contents:{run_id}", msgspec.json.encode(contents))


def keep_problem(store: Store, run_id: str, reason: str) -> None:
    """Keep why a run's image could not be looked at."""
    store.keep_blob(f"contents:{run_id}", reason.encode("utf-8", "replace"))


def contents_of(store: Store, run_id: str) -> ImageContents | None:
    """What a run's image holds, None when it was not gathered or is damaged."""
    contents = contents_or_reason(store, run_id)
    return contents if isinstance(contents, ImageContents) else None


def looked_at(store: Store, document: Document) -> bool:
    """Whether an audit looked at the images of its runs, well or not."""
    return any(contents_or_reason(store, run.id) is not None for run in document.runs)


def contents_or_reason(store: Store, run_id: str) -> ImageContents | str | None:
    """What a run's image holds, or why that is not known; None when nobody looked."""
    data = store.blob(f"contents:{run_id}")
    if data is None:
        return None
    with data:
        text = data.read()
    try:
        return from_json(text, ImageContents)
    except msgspec.MsgspecError:
        return text.decode("utf-8", "replace")[:_LONGEST] if text[:1] != b"{" else None
