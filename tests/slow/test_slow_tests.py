"""The list of slow tests: it names tests that exist, and is written from what was measured."""

import ast
from pathlib import Path

import pytest

from tests.slow import measure, names

ROOT = Path(__file__).parents[2]


def _tests_of(file: Path) -> set[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return {
        node.name
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


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


def test_what_took_more_than_the_limit_is_listed_sorted(tmp_path: Path) -> None:
    place = tmp_path / "tests.txt"
    limit = measure.LIMIT
    names.write(
        measure.slow({"b.py::t": limit * 2, "c.py::t": limit / 2, "a.py::t": limit * 9}), place
    )
    assert place.read_text(encoding="utf-8") == "a.py::t\nb.py::t\n"
    assert names.slow_tests(place) == {"a.py::t", "b.py::t"}
