"""Programs that tests need: installed where that is allowed, else their tests are left out.

A test names them with `@pytest.mark.needs("zstd")`. In CI a test whose program is missing stays,
and fails, unless the mark says `optional=True`: a shell that users may have, and CI has not.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.lab import skip_reason
from tests.lab.packages import SYSTEM_PACKAGES, install


def needed(item: pytest.Item) -> set[str]:
    """The programs that a test needs."""
    return {name for mark in item.iter_markers("needs") for name in mark.args}


def optional(item: pytest.Item) -> bool:
    """Whether all that the test needs is such that it is left out in CI too."""
    return all(mark.kwargs.get("optional", False) for mark in item.iter_markers("needs"))


def missing(names: Iterable[str]) -> set[str]:
    """Those of these programs that are not there, after installing what tests may install."""
    absent = {name for name in names if not _is_there(name)}
    if absent and skip_reason() is None:
        install(SYSTEM_PACKAGES)
        absent = {name for name in absent if not _is_there(name)}
    return absent


def _is_there(name: str) -> bool:
    """Debian has PostgreSQL's programs in a folder for each of its versions."""
    versions = Path("/usr/lib/postgresql").glob(f"*/bin/{name}")
    return shutil.which(name) is not None or any(versions)
