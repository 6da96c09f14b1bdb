"""The docs say of the rules what they are, and every rule is told whole."""

from __future__ import annotations

import re

import pytest

from cachetui.findings import RULES
from cachetui.findings.rule import Rule
from tests.findings.new_rule import left_to_fill_in
from tests.findings.page import FILE, whole
from tests.surprises.surprise import surprises


def test_the_page_is_what_the_rules_are() -> None:
    text = FILE.read_text()
    assert text == whole(text), "python -m tests.findings.page writes it anew"


def test_every_surprise_has_a_rule_and_every_rule_a_build_that_shows_it() -> None:
    ids = [one.id for one in RULES]
    assert len(ids) == len(set(ids))
    assert {one.id for one in surprises()} == set(ids)


def test_nothing_of_a_skeleton_is_left_to_fill_in() -> None:
    left = left_to_fill_in()
    assert not left, "fill these in:\n" + "\n".join(left)


def test_the_table_has_every_rule() -> None:
    table = (FILE.parent / "findings-table.md").read_text()
    assert sorted(one.id for one in RULES) == re.findall(r"^\| `([a-z-]+)`", table, re.M)


def test_every_rule_has_a_place_of_its_own() -> None:
    assert len({one.order for one in RULES}) == len(RULES)


@pytest.mark.parametrize("one", RULES, ids=lambda one: one.id)
def test_a_rule_says_all_that_is_to_be_said_of_it(one: Rule) -> None:
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", one.id)
    for text in (one.title, one.surprise, one.needs, one.applies, one.proves, one.advises):
        assert text.strip()
    assert one.written
    assert one.example.startswith("FROM ")
    assert one.explain or one.observe
