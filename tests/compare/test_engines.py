"""An engine under several names counts once, whoever of them behaves oddly."""

from __future__ import annotations

import pytest

import tests.make_records as b
from cachetui.compare.align import agree
from cachetui.compare.engines import each_engine_once, with_same_engines
from cachetui.compare.groups import groups
from cachetui.findings import Findings
from cachetui.records.document import Document
from cachetui.records.host import HostReport
from cachetui.report.passages import passages
from cachetui.report.verdict import verdict


def host(name: str, engine: str, machine: str = "m", **more: object) -> HostReport:
    return b.host(name, facts=b.facts(engine_id=engine, engine_name=machine), **more)


def document(*hosts: HostReport, odd: str = "") -> Document:
    """Each host has run the same; the build of `odd` hit where the others' missed."""
    runs = [
        b.run(each.name, "buildkit-cold", change={(0, 1): "hit"} if each.name == odd else None)
        for each in hosts
    ]
    return b.document(runs, list(with_same_engines(hosts)))


def test_only_hosts_of_one_id_and_one_name_are_one_engine() -> None:
    marked = with_same_engines(
        [host("a", "1"), host("b", "1"), host("clone", "1", "n"), host("c", ""), host("d", "")]
    )
    assert [each.same_engine_as for each in marked] == [None, "a", None, None, None]


def test_the_one_that_ended_well_counts() -> None:
    marked = with_same_engines([host("a", "1", status="failed"), host("b", "1"), host("c", "1")])
    assert [each.same_engine_as for each in marked] == ["b", None, "b"]


@pytest.mark.fault("same-engine")
def test_its_other_names_are_no_odd_ones_out() -> None:
    found = document(host("a", "1"), host("b", "1"), host("c", "2"), odd="b")
    assert agree(found).agree
    assert verdict(found, agree(found), Findings()) == (
        "2 hosts agree step by step in 1 scenario.",
    )
    assert not any(group.odd for group in groups(found))
    told = {passage.heading: passage.lines for passage in passages(found)}
    assert told["One engine under several names"] == (
        "a,b: built one after the other; compared as a",
    )
    assert {run.host for run in each_engine_once(found).runs} == {"a", "c"}


@pytest.mark.fault("same-engine")
def test_its_names_make_no_majority() -> None:
    found = document(host("a", "1"), host("b", "1"), host("c", "2"), host("d", "3"), odd="c")
    (difference,) = [one for one in agree(found).disagreements if one.step is not None]
    assert (difference.odd, difference.alone_hit) == ((), ("c",))
    two = document(host("a", "1"), host("b", "1"), host("c", "2"), odd="c")
    assert [one.odd for one in agree(two).disagreements if one.step is not None] == [()]
    assert not any(group.odd for group in groups(two))
