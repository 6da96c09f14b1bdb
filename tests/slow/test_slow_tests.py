"""The list of slow tests: it names tests that exist, and is written from what was measured."""

import re
from pathlib import Path

import pytest

from tests.slow import measure, names

ROOT = Path(__file__).parents[2]


def _tests_of(file: Path) -> set[str]:
    return set(
        re.findall(r"^ *(?:async )?def (\w+)", file.read_text(encoding="utf-8"), re.MULTILINE)
    )


def test_each_name_is_that_of_a_test() -> None:
    """A test that was renamed would count as quick: rename it in tests/slow/tests.txt too."""
    listed = names.slow_tests()
    functions = {file: _tests_of(ROOT / file) for file in {name.split("::")[0] for name in listed}}
    gone = [n for n in sorted(listed) if n.split("::")[-1] not in functions[n.split("::")[0]]]
    assert len(listed) > 50
    assert gone == []


def test_those_of_the_list_are_marked_and_no_others(request: pytest.FixtureRequest) -> None:
    here = request.node
    assert here.get_closest_marker("slow") is None
    other = pytest.Function.from_parent(here.parent, name="test_other", callobj=lambda: None)
    names.mark(other, frozenset({other.nodeid}))
    names.mark(here, frozenset({other.nodeid}))
    assert other.get_closest_marker("slow") is not None
    assert here.get_closest_marker("slow") is None


@pytest.mark.parametrize("node", ["a.py::test_b", "a.py::test_b[1]", "a.py::test_b[x[y]::z]"])
def test_parameters_do_not_belong_to_the_name(node: str) -> None:
    assert names.name_of(node) == "a.py::test_b"


def test_what_took_more_than_a_limit_is_listed_sorted(tmp_path: Path) -> None:
    place = tmp_path / "tests.txt"
    much, little = measure.LIMIT * 2, measure.LIMIT / 2
    tests = [
        ("b.py::t[1]", measure.Took(little, 0.1)),
        ("b.py::t[2]", measure.Took(much, 0.1)),
        ("c.py::t", measure.Took(little, 0.1)),
        ("a.py::t", measure.Took(0.0, measure.CLOCK_LIMIT * 2)),
    ]
    names.write(measure.slow(tests, {}), place)
    assert place.read_text(encoding="utf-8") == "a.py::t\nb.py::t\n"
    assert names.slow_tests(place) == {"a.py::t", "b.py::t"}


@pytest.mark.parametrize(("times", "slow"), [(4, ["a.py::t", "a.py::u"]), (1, [])])
def test_tests_share_what_their_fixture_took(times: float, slow: list[str]) -> None:
    tests = [(f"a.py::{name}", measure.Took(0.0, 0.1, ["a.py::dear"])) for name in "tu"]
    tests.append(("b.py::t", measure.Took(0.0, 0.1)))
    assert measure.slow(tests, {"a.py::dear": measure.LIMIT * times}) == slow
