"""Pairs of writings of the lines of a stage, and whether the engines' keys are the same for both.

Measured on all engines of the lab by building one after the other: `test_written_forms_lab` plays
them again, some a day.
"""

from __future__ import annotations

from tests.findings.writings_of_copy import COPY_WRITINGS
from tests.findings.writings_of_run import RUN_WRITINGS
from tests.findings.writings_of_settings import SETTING_WRITINGS

FILES = {
    "a.txt": "a",
    "b.txt": "b",
    "c.txt": "a",
    "d/f": "d",
    "e/f": "e",
    "g/f": "d",
    ".dockerignore": "Dockerfile\n.dockerignore\n",
}
"""The build context."""

WRITINGS = {**SETTING_WRITINGS, **RUN_WRITINGS, **COPY_WRITINGS}
