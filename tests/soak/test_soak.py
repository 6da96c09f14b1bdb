"""Audits, one after the other in one process, use nothing up; benchmarks/soak.py does 2,000."""

from __future__ import annotations

import pytest

from tests.soak.soak import Held, served, soak


@pytest.fixture(scope="module")
def held(tmp_path_factory: pytest.TempPathFactory) -> tuple[Held, Held]:
    """What was held after 10 and after 40 small audits."""
    with served() as settings:
        early, late = soak(settings, tmp_path_factory.mktemp("store"), (10, 40), small=True)
    return early, late


@pytest.mark.fault("soak")
def test_no_thread_handle_or_process_stays(held: tuple[Held, Held]) -> None:
    early, late = held
    assert (late.threads, late.handles, late.children) <= (
        early.threads,
        early.handles,
        early.children,
    )


@pytest.mark.fault("soak")
def test_the_store_grows_as_its_records_do(held: tuple[Held, Held]) -> None:
    early, late = held
    assert late.store_growth(early) < 1.15
