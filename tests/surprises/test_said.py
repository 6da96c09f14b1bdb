"""Where a rule is reported in all recordings."""

from __future__ import annotations

import pytest

from tests.surprises import said


def test_a_rule_is_listed_with_its_own_surprise_and_without_its_near_miss(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert said.main(["inline-keeps-less"]) == 0
    names = [line.partition(":")[0] for line in capsys.readouterr().out.splitlines()]
    assert "inline-keeps-less.surprise" in names
    assert "inline-keeps-less.near" not in names


def test_an_unknown_rule_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert said.main(["no-such-rule"]) == 2
    assert "base-drift" in capsys.readouterr().err
