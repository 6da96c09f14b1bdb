"""The surprises as tests, which of them are played on engines, and the docs' table of them."""

from __future__ import annotations

import datetime

import pytest

from tests.conftest import SAID
from tests.surprises import table
from tests.surprises.selection import to_play
from tests.surprises.stage import PARTS
from tests.surprises.surprise import Surprise, surprises


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if {"surprise", "part"} <= set(metafunc.fixturenames):
        pairs = [(one, part) for one in surprises() for part in PARTS]
        ids = [f"{one.id}-{part}" for one, part in pairs]
        metafunc.parametrize(("surprise", "part"), pairs, ids=ids)


@pytest.hookimpl(trylast=True)  # after -m and -k
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Play those surprises on engines that `--surprises` means, and say which these are."""
    live = {item: one.id for item in items if (one := _played_by(item)) is not None}
    if not live:
        return
    known = [one.id for one in surprises()]
    chosen, said = to_play(known, config.getoption("--surprises"), datetime.date.today())
    ids = dict.fromkeys(live.values())
    left_out = {item for item, one in live.items() if one not in chosen}
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=left_out)
    played = ", ".join(one for one in ids if one in chosen) or "none"
    replayed = ", ".join(one for one in ids if one not in chosen) or "none"
    config.stash[SAID] = [
        f"surprises played on engines, {said}: {played}",
        f"surprises only replayed from their recordings (by the tests without engines): {replayed}",
    ]


def _played_by(item: pytest.Item) -> Surprise | None:
    """The surprise that a test plays on engines."""
    if not isinstance(item, pytest.Function) or item.get_closest_marker("lab") is None:
        return None
    callspec = getattr(item, "callspec", None)
    one = callspec.params.get("surprise") if callspec is not None else None
    return one if isinstance(one, Surprise) else None


def pytest_sessionfinish(session: pytest.Session) -> None:
    """After a run of all surprises the docs' table is written anew."""
    table.write(session, [one.id for one in surprises()])
