"""One heap for the threads of all hosts."""

from __future__ import annotations

import ctypes
import functools

_M_ARENA_MAX = -8


@functools.cache
def one_heap() -> None:
    """Have all threads of this process take memory from one heap, where it has glibc's.

    By itself glibc gives new threads heaps of their own, up to eight a core, and what is free in
    one serves no other: a process grew with its audits, though nothing that it held did. Python
    has one lock for all threads anyway, so none waits for the heap's.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl and macOS have none
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, 1)
