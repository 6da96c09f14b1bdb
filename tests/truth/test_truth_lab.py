"""A small fixed set of cases on real engines; `make truth N=300` plays as many as there is time
for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab import Lab
from tests.truth.case import case_of
from tests.truth.hosts import remove_props, share_props
from tests.truth.outcome import Outcome
from tests.truth.play import play

pytestmark = pytest.mark.lab

SEEDS = (
    "run-text:0",
    "metadata-removed:0",
    "base-same-layers:0",
)

FAILED = (
    "label-on-one-host:9100",  # a RUN in exec form that names a shell
    "label-on-one-host:7000",  # the value of an argument stands in labels by chance
    "build-arg-default:7000",  # of an ARG that there is not
    "base-with-triggers:0",  # the triggers hit, for another stage had them
    "base-with-triggers:9100",  # of the same layers and settings
    "build-arg-default:8000",  # on the base image of a stage that is not needed
)
"""Cases that engines alone can show, of which nothing was said once."""


@pytest.fixture(scope="module")
def props(lab: Lab) -> Iterator[Lab]:
    share_props(lab)
    yield lab
    remove_props(lab)


@pytest.mark.parametrize(
    "name", [*SEEDS, *(pytest.param(name, marks=pytest.mark.takes_turns) for name in FAILED)]
)
def test_what_is_said_is_true(props: Lab, name: str, tmp_path: Path) -> None:
    case = case_of(name)
    outcome = Outcome()
    failures = outcome.add(case, play(props, case, tmp_path / "case"))
    assert not failures, "\n".join(map(str, failures))
