"""What is copied to the clipboard, and what the app says about it. Pure."""

from __future__ import annotations

from cachetui.report import units
from cachetui.tui.view.text import cut

MAX_COPIED_BYTES = 64 * 1024
"""Terminals drop or choke on longer OSC 52 sequences."""


def clip(text: str) -> tuple[str, str]:
    """Returns the text up to `MAX_COPIED_BYTES` of UTF-8, and a message about it."""
    data = text.encode("utf-8", "replace")
    copied = data[:MAX_COPIED_BYTES].decode("utf-8", "ignore")
    if len(data) > MAX_COPIED_BYTES:
        left_out = units.size(len(data) - MAX_COPIED_BYTES)
        return copied, f"Copied the first 64 KiB; {left_out} more were left out"
    if "\n" in copied:
        return copied, f"Copied {len(copied.splitlines())} lines"
    return copied, f"Copied: {cut(copied, 200)}"
