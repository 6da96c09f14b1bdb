"""`make rule`: what it writes passes `make check`, and says what is left to fill in."""

from __future__ import annotations

import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cachetui.findings import RULES
from cachetui.findings.rule import Rule
from tests.findings.new_rule import FILL_IN, ROOT, left_to_fill_in, main, with_rows, write

NAME = "one-more-rule"
TABLE = """\
# Each rule on each engine

| rule | | 20.10 | 28.5 |
|---|---|---|---|
| `base-drift` | surprise | found | found |
|  | near miss | silent | silent |
| `remote-source` | surprise | found | found |
|  | near miss | silent | silent |
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with the files of the project that a new rule changes."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "findings-table.md").write_text(TABLE)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_a_skeleton_is_a_rule_with_a_surprise_and_a_near_miss(project: Path) -> None:
    files = write(NAME, project)
    assert [str(path.relative_to(project)) for path in files] == [
        "cachetui/findings/rules/one_more_rule.py",
        "tests/surprises/one-more-rule/case.py",
        "tests/surprises/one-more-rule/surprise/Dockerfile",
        "tests/surprises/one-more-rule/near/Dockerfile",
    ]
    rule = runpy.run_path(str(files[0]))["RULE"]
    assert isinstance(rule, Rule)
    assert rule.id == NAME
    assert rule.order > max(one.order for one in RULES)
    assert callable(runpy.run_path(str(files[1]))["play"])


def test_a_skeleton_passes_the_checks(project: Path) -> None:
    write(NAME, project)
    for check in (["check", "."], ["format", "--check", "."]):
        command = [sys.executable, "-m", "ruff", *check, "--no-cache"]
        done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


def test_what_is_left_to_fill_in_is_listed_with_its_place(project: Path) -> None:
    files = write(NAME, project)
    left = left_to_fill_in(project)
    assert len(left) == sum(path.read_text().count(FILL_IN) for path in files) + 2
    assert "cachetui/findings/rules/one_more_rule.py:1: " in left[0]
    assert any(line.startswith("docs/findings-table.md:") for line in left)


def test_the_table_gets_two_rows_in_the_order_of_ids() -> None:
    rows = with_rows(TABLE, NAME).splitlines()
    assert rows[6:8] == [
        f"| `{NAME}` | surprise | not played yet | not played yet |",
        "|  | near miss | not played yet | not played yet |",
    ]
    assert rows[:6] + rows[8:] == TABLE.splitlines()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [([], "NAME=some-name"), (["Base_Drift"], "lower-case words"), (["base-drift"], "already")],
)
def test_a_name_that_cannot_be(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert says in capsys.readouterr().err
