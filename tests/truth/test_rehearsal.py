"""Cases without engines: what would be found if they did what is known of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.truth.case import case_of
from tests.truth.changes import KINDS
from tests.truth.outcome import Outcome
from tests.truth.rehearse import can_be_rehearsed, rehearse

SEEDS = range(3)

FAILED = (
    "file-bytes:28",  # read through a linked folder
    "file-mode:6",  # read through a linked folder
    "folder-mode:43",
    "folder-mode:44",
    "folder-mode:47",
    "target-set:3",
    "user-inserted:6",  # above a WORKDIR
    "user-inserted:10",
    "option-in-some-keys:0",
    "option-in-some-keys:44",
    "build-arg-proxy:1",
    "build-arg-proxy:43",
    "no-cache:105",
    "build-arg:13",  # beside the default of its ARG
    "build-arg-default:6000",  # of an ARG that there is not
    "build-arg-default:7000",
    "nothing-and-evicted:0",
)
"""Cases in which something wrong was said once, or nothing."""

OPEN: dict[str, str] = {}
"""Kinds and cases that fail still, and why. What is mended has to leave this list."""


def case_names() -> list[object]:
    """Each kind with some seeds, and what failed once; `OPEN` ones are expected to fail."""
    names = [*(f"{kind}:{seed}" for kind in sorted(KINDS) for seed in SEEDS), *FAILED]
    params: list[object] = []
    for name in dict.fromkeys(names):
        case = case_of(name)
        if not can_be_rehearsed(case):
            continue
        why = OPEN.get(name) or OPEN.get(name.partition(":")[0])
        marks = [pytest.mark.xfail(reason=why, strict=True)] if why else []
        params.append(pytest.param(name, marks=marks))
    return params


@pytest.mark.parametrize("name", case_names())
def test_what_would_be_said_is_true(name: str, tmp_path: Path) -> None:
    case = case_of(name)
    failures = Outcome().add(case, rehearse(case, tmp_path))
    assert not failures, "\n".join(map(str, failures))
