"""How a command fails: one message on standard error, and exit code 2."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn, TypeVar

import click

from cachetui.exit_codes import TROUBLE

_T = TypeVar("_T")


def fail(message: str) -> NoReturn:
    """Print what is wrong on standard error and exit with 2."""
    from cachetui.report.clean import clean

    with suppress(OSError):  # the terminal was closed
        click.echo(f"cachetui: {clean(message)}", err=True)
    sys.exit(TROUBLE)


def or_fail(work: Callable[[], _T]) -> _T:
    """The result of `work`; an error that the user can fix is printed instead of a traceback, and
    ends the process with 2."""
    from cachetui.config.toml_table import ConfigError
    from cachetui.core import UserError
    from cachetui.hosts.machine import HostError
    from cachetui.store.log_blocks import LogError
    from cachetui.store.troubles import StoreError

    try:
        return work()
    except (ConfigError, UserError, StoreError, LogError, OSError) as error:
        fail(str(error))
    except HostError as error:
        fail(f"{error}; {error.remedy}" if error.remedy else str(error))


def end_at_once(code: int) -> NoReturn:
    """End the process without waiting for its threads: after Ctrl-C those of an audit still wait
    for their hosts. Runs that ended are stored already."""
    with suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)
