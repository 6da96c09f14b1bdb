"""What a look at a host before and after a fault would tell."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.as_before import Look
from tests.lab.state import State

WHOLE = f"contexts/{'a' * 64}"
BEFORE = Look(State(frozenset({"i"}), frozenset({"t i"}), frozenset({"c x"}), ("contexts", WHOLE)))


@pytest.mark.parametrize("kind", ["images", "tags", "containers"])
def test_what_is_new_or_gone(kind: str) -> None:
    then = getattr(BEFORE.state, kind)
    more = Look(replace(BEFORE.state, **{kind: then | {"more"}}))
    assert more.changes(BEFORE) == [f"new in {kind}: more"]
    assert BEFORE.changes(more) == [f"gone from {kind}: more"]


def test_half_a_context_and_copies_of_layers_and_no_whole_context() -> None:
    paths = ("contexts/.incoming-1", "contexts/.incoming-1/file", "layers", f"{WHOLE}/context")
    folder = (*BEFORE.state.folder, *paths)
    after = Look(replace(BEFORE.state, folder=folder))
    assert after.changes(BEFORE) == [
        "new in folder: contexts/.incoming-1",
        "new in folder: layers",
    ]


def test_processes() -> None:
    assert Look(BEFORE.state, ("sleep 600",)).changes(BEFORE) == ["runs: sleep 600"]
    assert BEFORE.changes(Look(BEFORE.state, ("sleep 600",))) == []
