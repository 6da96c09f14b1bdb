"""How a command fails: one message on standard error, and exit code 2."""

from __future__ import annotations

import atexit
import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn, TypeVar

import click

from cachetui.exit_codes import TROUBLE

_T = TypeVar("_T")


def tell(message: str) -> None:
    """Print a message on standard error, where that can be written."""
    from cachetui.report.clean import spelled

    with suppress(OSError):  # the terminal was closed, a disk is full
        click.echo(f"cachetui: {spelled(message)}", err=True)


def fail(message: str) -> NoReturn:
    """Print what is wrong on standard error and exit with 2."""
    tell(message)
    sys.exit(TROUBLE)


def or_fail(work: Callable[[], _T]) -> _T:
    """The result of `work`; an error that the user can fix is printed instead of a traceback, and
    ends the process with 2."""
    try:
        return work()
    except OSError as error:
        fail(_of_system(error))
    except Exception as error:
        message = _of_ours(error)
        if message is None:
            raise
        fail(message)


def _of_ours(error: Exception) -> str | None:
    """What the user can fix; None for an error that nothing expected.

    The types are imported when one is raised: they bring most of the program along, and the app
    draws its first frame inside of `or_fail`.
    """
    from cachetui.config.toml_table import ConfigError
    from cachetui.core import UserError
    from cachetui.hosts.machine import HostError
    from cachetui.store.log_blocks import LogError
    from cachetui.store.troubles import StoreError

    if isinstance(error, HostError):
        return f"{error}; {error.remedy}" if error.remedy else str(error)
    known = isinstance(error, ConfigError | UserError | StoreError | LogError)
    return str(error) if known else None


_LONGEST_PATH = 200


def _of_system(error: OSError) -> str:
    """What the operating system says, behind the file that it is about."""
    if error.filename is None or error.strerror is None:
        return str(error)
    path = str(error.filename)
    if len(path) > _LONGEST_PATH:
        path = f"{path[:40]}… ({len(path)} characters)"
    return f"{path}: {error.strerror}"


def end_despite_threads(end: SystemExit) -> None:
    """End the process here if daemon threads still run; returns if there are none.

    A thread that still waits for a host, or imports what it needs for that, can crash the
    interpreter while that is taken down: exit code -11 instead of 130 for 2 of 60 interrupted
    commands on a busy machine. What Python does at its end is done before: other threads are
    waited for, and exit handlers are called.
    """
    others = [each for each in threading.enumerate() if each is not threading.current_thread()]
    code = 0 if end.code is None else end.code
    if not isinstance(code, int) or not any(each.daemon for each in others):
        return
    for other in others:
        if not other.daemon:
            other.join()
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
    except OSError as error:
        tell(f"what was printed could not be written: {error}")
        end_at_once(TROUBLE)
    end_at_once(code)


def end_at_once(code: int) -> NoReturn:
    """End the process without waiting for its threads: after Ctrl-C those of an audit still wait
    for their hosts. Runs that ended are stored already."""
    with suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)
