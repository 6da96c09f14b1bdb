"""The same build twice, six repeats each: nothing is claimed to differ. On a real engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from cachetui.compare.align import agree
from cachetui.compare.timings import difference, samples
from cachetui.records.document import Document
from cachetui.records.run import Run
from tests.lab import Lab
from tests.surprises.stage import Stage

pytestmark = pytest.mark.lab

DOCKERFILE = """\
FROM base:1 AS one
RUN --mount=type=cache,target=/cache echo @SALT@ > /one && touch /cache/one
FROM base:1
COPY --from=one /one /
RUN cat /one
"""
ABOUT_TIME = {"cold-mount-slow", "mount-contention"}


@pytest.mark.takes_turns
def test_the_same_build_twice_claims_no_difference(lab: Lab, tmp_path: Path) -> None:
    source = tmp_path / "same"
    source.mkdir()
    (source / "Dockerfile").write_text(DOCKERFILE)
    stage = Stage(lab, source, tmp_path, hosts=("new",))
    documents = [stage.audit("buildkit-mounts-warm", repeat=6) for _ in range(2)]
    for document in documents:
        found = stage.core.findings(document)
        assert not {one.id for one in found.findings} & ABOUT_TIME
        assert found.unexplained == ()
        assert agree(document).agree
    for scenario in ("buildkit-cold", "buildkit-mounts-warm"):
        # One pairing in a hundred is claimed by chance: two of two would be a claim of ours.
        claimed = [_claimed(documents, scenario, turn) for turn in (0, 1)]
        assert not all(claimed), scenario


def _claimed(documents: list[Document], scenario: str, turn: int) -> bool:
    """Whether halves of the runs, taken in turns so that a drift falls on both, are told apart."""
    halves: tuple[list[Run], list[Run]] = ([], [])
    for number, document in enumerate(documents):
        for run in document.runs:
            if run.scenario == scenario:
                block = run.repeat // 2 if turn else run.repeat
                halves[(block + number) % 2].append(run)
    found = difference(samples(halves[0]), samples(halves[1]), "the same")
    assert found is not None
    assert found.grade == "tested"
    return found.finding != "not distinguishable"
