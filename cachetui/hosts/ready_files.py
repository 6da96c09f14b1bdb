"""Waiting for file descriptors of any number: `select` takes none from 1024 on, which an audit of
some 300 hosts has."""

from __future__ import annotations

import math
import select
from collections.abc import Iterable


def ready(seconds: float, *, to_read: Iterable[int] = (), to_write: Iterable[int] = ()) -> set[int]:
    """Which of these can be read or written, or have ended, waited for `seconds` at most."""
    poller = select.poll()
    for file in to_read:
        poller.register(file, select.POLLIN)
    for file in to_write:
        poller.register(file, select.POLLOUT)
    return {file for file, _ in poller.poll(math.ceil(1000 * seconds))}
