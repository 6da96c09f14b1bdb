"""COPY --link, which Engine 20.10 does not know."""

from __future__ import annotations

from tests.surprises.stage import Stage

EXPECTED = ("old",)
NOT_THERE = dict.fromkeys(("mid", "new", "ctd"), "knows it")


def play(stage: Stage, _part: str) -> None:
    stage.audit("buildkit-cold")
