"""The builders that docker has."""

from __future__ import annotations

from typing import Literal

Backend = Literal["legacy", "buildkit"]
