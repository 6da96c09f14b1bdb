"""Every rule on every engine: what provokes it is found, what looks alike is not."""

from __future__ import annotations

import pytest

from tests.surprises import table
from tests.surprises.conftest import Surprise
from tests.surprises.stage import HOSTS, Stage

pytestmark = pytest.mark.lab


def test_it_is_found_where_it_is_and_only_there(
    stage: Stage, surprise: Surprise, part: str, request: pytest.FixtureRequest
) -> None:
    surprise.play(stage, part)
    found = stage.found_on(surprise.id)
    wanted = set(surprise.expected) if part == "surprise" else set()
    everything = stage.findings()
    told = [f"{one.name} [{one.confidence}] {one.hosts} {one.title}" for one in everything.findings]
    open_ones = [one.title for one in everything.unexplained]
    assert set(found) == wanted, "\n".join([*told, "unexplained:", *open_ones])
    check = getattr(surprise.case, "check", None)
    if check is not None and part == "surprise":
        for host, finding in found.items():
            check(finding, host)
    seen = {h: "found" if h in found else surprise.not_there.get(h, "silent") for h in HOSTS}
    table.note(request.config, surprise.id, part, seen)
