"""A pair of writings of some lines, and whether the engines' keys are the same for both."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Writing(NamedTuple):
    """The lines before and after (`@` stands for what is in no other pair), and whether all steps
    have the key that they had: of the legacy builder (None: it cannot build them, or drops a part),
    and of BuildKit. `but` are engines on which that is otherwise ("old-legacy")."""

    then: str
    now: str
    legacy: bool | None = True
    buildkit: bool = True
    but: Mapping[str, bool] = {}
