"""What is known of the engines' keys, beside what they did."""

from __future__ import annotations

import pytest

from tests.truth.case import case_of
from tests.truth.engines import foreseen


@pytest.mark.parametrize("host", ["old", "mid", "new", "ctd"])
def test_a_workdir_below_what_no_cache_runs_again_runs_too(host: str) -> None:
    """Measured on each: the first stage's WORKDIR hits, the same below its RUN does not."""
    case = case_of("no-cache:28000")
    hits = foreseen(case.before, case.change.after, "buildkit", host)
    assert hits is not None
    lines = dict(case.change.after.lines())
    workdirs = [place for place in hits if lines[place].keyword == "WORKDIR"]
    assert workdirs == [(0, 1), (1, 1)]
    assert [place for place, hit in hits.items() if hit] == [(0, 1)]
