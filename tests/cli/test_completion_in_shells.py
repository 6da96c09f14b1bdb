"""Completion in a real zsh and a real fish, from Debian's packages as the lab's engines are."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from cachetui.cli.main import cli
from tests.cli.test_completion import home
from tests.lab.packages import install
from tests.shells import completed_by_zsh, missing, offered_by_fish

__all__ = ["home"]

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module", autouse=True)
def _shells() -> None:
    absent = [shell for shell in ("zsh", "fish") if missing(shell)]
    if absent:
        install(absent)


def environment() -> dict[str, str]:
    """This process's, with our cachetui first."""
    return {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}


def script(shell: str) -> str:
    return CliRunner().invoke(cli, ["completion", shell]).output


LINES = [
    # what is typed, what its last word becomes
    ("cachetui run we", "web"),
    ("cachetui run shop --scenarios buildkit-cold,legacy-w", "buildkit-cold,legacy-warm"),
    ("cachetui hosts -x ci-1,@fas", "ci-1,@fast"),
    ("cachetui prove base-drift:", "base-drift:1"),
    ("cachetui log last ci-2 ", "buildkit-as-found"),
    ("cachetui run shop --compare", "--compare-to"),
]


@pytest.mark.parametrize(("line", "word"), LINES)
def test_zsh_completes_the_word(home: Path, line: str, word: str) -> None:
    done = completed_by_zsh(home, script("zsh"), line, environment())
    assert done == f"{line.rpartition(' ')[0]} {word} "


@pytest.mark.parametrize(("line", "word"), LINES)
def test_fish_offers_the_word(home: Path, line: str, word: str) -> None:
    assert word in offered_by_fish(home, script("fish"), line, environment())
