"""docs/faults.md is what the tests say, and no fault is claimed without one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.faults.marks import marks
from tests.faults.page import FILE, whole
from tests.faults.plugin import Outcomes
from tests.faults.table import FAULTS

IDS = [fault.id for faults in FAULTS.values() for fault in faults]


def test_the_page_is_what_the_tests_say() -> None:
    assert FILE.read_text() == whole(), "python -m tests.faults.page writes it anew"


def test_every_marker_names_a_fault() -> None:
    assert len(IDS) == len(set(IDS))
    wrong = [mark for mark in marks() if mark.fault not in IDS]
    assert not wrong


def test_a_fault_that_no_test_holds_says_what_is_missing() -> None:
    held = {mark.fault for mark in marks()}
    silent = [
        fault.id
        for faults in FAULTS.values()
        for fault in faults
        if fault.id not in held and not fault.missing
    ]
    assert not silent


def test_a_row_without_a_test_is_not_tested() -> None:
    rows = [line for line in whole([]).splitlines() if line.startswith("| <a ")]
    assert len(rows) == len(IDS)
    assert all("**not tested**" in row for row in rows)


def test_markers_are_read_from_functions_classes_and_modules(tmp_path: Path) -> None:
    tests = tmp_path / "tests"
    tests.mkdir()
    (tests / "test_it.py").write_text(
        "import pytest\n"
        '@pytest.mark.fault("a", "b")\n'
        "def test_one(sshd): ...\n"
        "@pytest.mark.lab\n"
        '@pytest.mark.fault("a")\n'
        "class TestMany:\n"
        "    def test_in_it(self): ...\n"
        '    @pytest.mark.fault("c")\n'
        "    def test_other(self): ...\n"
        "def test_unmarked(): ...\n"
        '@pytest.mark.fault("d")\n'
        "def test_alone(): ...\n"
    )
    found = [
        (mark.fault, mark.test.removeprefix("tests/test_it.py::"), mark.where)
        for mark in marks(tests)
    ]
    assert found == [
        ("a", "test_one", "real sshd"),
        ("b", "test_one", "real sshd"),
        ("a", "TestMany", "real engines"),
        ("c", "TestMany::test_other", "real engines"),
        ("d", "test_alone", "no host"),
    ]


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ('pytest.mark.fault("a")', "no host"),
        ('[pytest.mark.lab, pytest.mark.fault("a")]', "real engines"),
    ],
)
def test_a_marker_of_the_whole_file_is_each_test_s(tmp_path: Path, text: str, where: str) -> None:
    tests = tmp_path / "tests"
    tests.mkdir()
    (tests / "test_it.py").write_text(
        f"pytestmark = {text}\n"
        "def made(): ...\n"
        "class Engine: ...\n"
        '@pytest.mark.fault("b")\n'
        "def test_one(): ...\n"
        "class TestMany:\n"
        "    def test_in_it(self): ...\n"
    )
    name = "tests/test_it.py"
    assert [(mark.fault, mark.test, mark.where) for mark in marks(tests)] == [
        ("a", f"{name}::test_one", where),
        ("b", f"{name}::test_one", where),
        ("a", f"{name}::TestMany", where),
    ]


def test_a_run_tells_of_each_fault_how_its_tests_ended() -> None:
    outcomes = Outcomes()
    for fault, when, outcome in (
        ("soak", "setup", "passed"),
        ("soak", "call", "passed"),
        ("soak", "teardown", "passed"),
        ("killed", "call", "passed"),
        ("killed", "call", "failed"),
        ("login", "setup", "failed"),
        ("agent", "setup", "skipped"),
    ):
        outcomes.add(
            pytest.TestReport(
                "t",
                ("t", 0, "t"),
                {},
                outcome,  # type: ignore[arg-type]
                None,
                when,  # type: ignore[arg-type]
                user_properties=[("fault", fault)],
            )
        )
    told = {fault: outcomes.verdict(fault).split()[0] for fault in ("soak", "killed", "login")}
    assert told == {"soak": "held", "killed": "FAILED", "login": "FAILED"}
    assert outcomes.verdict("agent") == outcomes.verdict("podman") == "not run"
    assert outcomes.verdict("killed").endswith("1 of 2")
    assert sum("held" in line for line in outcomes.lines()) == 1


def test_the_page_has_no_row_that_breaks_its_table() -> None:
    for line in whole().splitlines():
        if line.startswith("| "):
            assert len(re.findall(r"(?<!\\)\|", line)) == 5, line
