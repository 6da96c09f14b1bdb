"""The formats of an audit's report, one module each: its name is the value of `--format`.

A new format is one new file here: a module that defines `FORMAT`. The choices of the command line
are the names of the files, so that no format is imported before it is used.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from cachetui.report.audit_report import AuditReport

DEFAULT = "table"


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """A format of an audit's report.

    `render` returns the whole report as text, ending in a newline; text from builds and hosts must
    show as itself in it. `title`, `description` and `suffix` (of a file, without a dot) are for
    the app's export dialog, which lists formats for people before those for programs, and none
    that is for a terminal.
    """

    render: Callable[[AuditReport], str]
    title: str
    description: str
    suffix: str
    readers: Literal["terminal", "people", "programs"]


def names() -> tuple[str, ...]:
    """The names of all formats, the default first, then by alphabet; imports none."""
    files = {module.name for module in pkgutil.iter_modules(__path__)}
    return (DEFAULT, *sorted(files - {DEFAULT}))


def load(name: str) -> Format:
    """The format of that name, which is one of `names`."""
    module = import_module(f"{__name__}.{name}")
    output_format: Format = module.FORMAT
    return output_format


def for_files() -> list[tuple[str, Format]]:
    """(name, format) of those worth a file: first those for people, then those for programs."""
    formats = [(name, load(name)) for name in names()]
    return sorted(
        (pair for pair in formats if pair[1].readers != "terminal"),
        key=lambda pair: (pair[1].readers == "programs", pair[0]),
    )
