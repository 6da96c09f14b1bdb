"""The first frame, drawn before Textual is loaded, so the user sees at once that the app starts.

It has the title, the places and what the app waits for, where the app will draw them, without
colour: the theme is not known yet. Textual then draws over it, in the same alternate screen.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from cachetui.exit_codes import INTERRUPTED
from cachetui.tui.terminal_gone import ended_with_terminal, files_of
from cachetui.tui.view.place_names import PLACE_NAMES, labels

_ENTER = "\x1b[?1049h\x1b[?25l\x1b[2J\x1b[H"
_LEAVE = "\x1b[?1049l\x1b[?25h"


@contextmanager
def first_frame(out: TextIO | None = None) -> Iterator[None]:
    """Draw it on the terminal that the app will use. When the body fails, the terminal is restored;
    without a terminal nothing is drawn."""
    out = out or sys.__stderr__
    drawn = out is not None and out.isatty() and os.environ.get("TERM", "dumb") != "dumb"
    if out is None or not drawn:
        yield
        return
    out.write(_ENTER + "\r\n".join(lines(*_size(out))))
    out.flush()
    try:
        with ended_with_terminal(files_of(out), INTERRUPTED):
            yield
    except BaseException:
        out.write(_LEAVE)
        out.flush()
        raise


def lines(columns: int, rows: int) -> list[str]:
    """The frame's lines, none longer than the terminal is wide."""
    places = "".join(labels(PLACE_NAMES, 0, columns - 2))
    text = [" cachetui", f" {places}", " Reading hosts.toml…"]
    return [line[:columns] for line in text[:rows]]


def _size(out: TextIO) -> tuple[int, int]:
    try:
        return os.get_terminal_size(out.fileno())
    except OSError:
        return 80, 24
