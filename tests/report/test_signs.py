"""Every state has one sign and one word, wherever it shows."""

from __future__ import annotations

from typing import get_args, get_type_hints

import pytest

from cachetui.audit.progress import CellState, HostState
from cachetui.findings.record import Confidence, Proof
from cachetui.records.run import RunStatus
from cachetui.records.step import StepStatus
from cachetui.report import cells, signs

TABLES = {
    "step": (signs.STEP_STATES, {*get_args(StepStatus), "absent", "base", "mixed"}),
    "cell": (signs.CELL_STATES, set(get_args(CellState))),
    "host": (signs.HOST_STATES, set(get_args(HostState))),
    "run": (signs.RUN_STATES, set(get_args(RunStatus))),
    "confidence": (signs.CONFIDENCES, {*get_args(Confidence), "unexplained"}),
    "proof": (signs.PROOF_OUTCOMES, set(get_args(get_type_hints(Proof)["outcome"]))),
}


@pytest.mark.parametrize("table", TABLES)
def test_every_state_has_a_sign_of_one_cell_and_a_word(table: str) -> None:
    states, names = TABLES[table]
    assert set(states) == names
    for state in states.values():
        assert cells.width(state.sign) == 1
        assert state.word
        assert len(state.short) <= len(state.word)


def test_a_state_of_several_tables_has_the_same_sign() -> None:
    by_name: dict[str, set[str]] = {}
    for states, _ in TABLES.values():
        for name, state in states.items():
            by_name.setdefault(name, set()).add(state.sign)
    assert {name: found for name, found in by_name.items() if len(found) > 1} == {}


def test_words_tell_states_apart_where_signs_do_not() -> None:
    for states, _ in TABLES.values():
        shown = [(state.sign, state.word) for state in states.values()]
        assert len(set(shown)) == len(shown)
