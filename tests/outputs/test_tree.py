"""The tree of what differs: which lines it has, and what each side says."""

from __future__ import annotations

from pathlib import Path

import pytest

from cachetui.outputs.compare_runs import report
from cachetui.report.outputs import tree
from tests.outputs.audits import Fleet
from tests.outputs.tars import tar


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    made = {
        "h1": tar(("out", b"result\n"), ("link", {"type": b"2", "linkname": "a"})),
        "h2": tar(("out", b"other\n"), ("link", {"type": b"2", "linkname": "b"})),
        "h3": tar(("out", {"content": b"result\n", "mode": 0o600}), ("new", None), ("new/x", b"")),
    }
    return Fleet(tmp_path_factory.mktemp("fleet"), made)


def texts(fleet: Fleet, **options: object) -> list[tuple[str, str, list[str]]]:
    found = report(fleet.document, fleet.store)
    return [
        (node.name, tree.baseline_text(node), [tree.side_text(one)[1] for one in node.sides])
        for node in tree.nodes(found, **options)  # type: ignore[arg-type]
    ]


def test_steps_that_differ_and_their_paths_side_by_side(fleet: Fleet) -> None:
    assert texts(fleet) == [
        ("RUN make", "", []),
        ("link", "→ a", ["≠ → b", "- missing"]),
        ("out", "7 B", ["≠ 6 B", "± mode 600"]),
        ("new/", "not there", ["= same", "+ folder and 1 path in it"]),
    ]


def test_all_steps_and_closed_ones(fleet: Fleet) -> None:
    names = [name for name, _, _ in texts(fleet, everything=True)]
    assert names[:3] == ["FROM base:1", "COPY app /app", "RUN make"]
    found = report(fleet.document, fleet.store)
    step = tree.nodes(found)[0]
    (closed,) = tree.nodes(found, closed={step.key})
    assert (closed.key, closed.open) == (step.key, False)


def test_nothing_of_images_that_are_the_same(tmp_path: Path) -> None:
    fleet = Fleet(tmp_path, {"h1": tar(("out", b"1")), "h2": tar(("out", b"1"))})
    found = report(fleet.document, fleet.store)
    assert tree.nodes(found) == []
    assert len(tree.nodes(found, everything=True)) == 3


def test_settings_stand_last(tmp_path: Path) -> None:
    fleet = Fleet(
        tmp_path, {"h1": tar(("out", b"1")), "h2": tar(("out", b"1"))}, cmds=["a", "b\x1b"]
    )
    found = report(fleet.document, fleet.store)
    head, setting = tree.nodes(found)
    assert (head.name, setting.name) == ("configuration", "Cmd")
    assert tree.baseline_text(setting) == '["a"]'
    assert "\x1b" not in tree.side_text(setting.sides[0])[1]
