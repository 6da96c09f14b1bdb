from __future__ import annotations

import msgspec
import pytest

from cachetui.compare.align import ABSENT, Disagreement, Side, agree, align, by_scenario
from cachetui.records.document import Document
from cachetui.records.run import Run
from cachetui.records.step import StepId, StepStatus
from tests import make_records as b


def replaced(document: Document, run: Run) -> Document:
    """The document with `run` in the place of the one of its host, scenario and repeat."""
    key = (run.host, run.scenario, run.repeat)
    runs = (run if (r.host, r.scenario, r.repeat) == key else r for r in document.runs)
    return msgspec.structs.replace(document, runs=tuple(runs))


def test_rows_are_in_the_order_of_the_dockerfile_with_triggers_after_their_from() -> None:
    made = (
        b.step(1, 1, "RUN b", "miss"),
        b.step(0, 1, "RUN a", "miss"),
        b.step(0, 0, "RUN triggered later", "miss", trigger=1),
        b.step(0, 0, "RUN triggered", "miss", trigger=0),
        b.step(0, 0, "FROM base:1", "miss"),
        b.step(-1, 0, "ARG X", "miss"),
    )
    rows = align([b.run("old", "legacy-cold", steps=made)])
    assert [row.instruction for row in rows] == [
        "ARG X",
        "FROM base:1",
        "RUN triggered",
        "RUN triggered later",
        "RUN a",
        "RUN b",
    ]


def test_a_step_that_one_backend_has_none_of_is_absent_and_not_different() -> None:
    legacy = b.run("old", "legacy-cold", text=b.PLAIN)
    buildkit = b.run("old", "buildkit-cold", text=b.PLAIN)
    rows = {row.instruction: row for row in align([legacy, buildkit])}
    env = rows["ENV PATH=/deps/bin:$PATH"]
    assert env.cells[1] is None
    assert not any(row.differs for row in rows.values())


def test_chosen_runs_are_compared_with_each_other_unless_told_what_is_alike() -> None:
    runs = [b.run("old", "buildkit-cold"), b.run("old", "buildkit-warm")]
    assert any(row.differs for row in align(runs))
    assert not any(row.differs for row in align(runs, by_scenario))


def test_from_and_what_was_not_reached_are_not_compared() -> None:
    good = b.step(0, 1, "RUN x", "miss")
    runs = [
        b.run("a", "buildkit-cold", steps=(b.step(0, 0, "FROM base:1", "hit"), good)),
        b.run("b", "buildkit-cold", steps=(b.step(0, 0, "FROM base:1", "miss"), good)),
        b.run("c", "buildkit-cold", steps=(b.step(0, 1, "RUN x", "not-reached"),)),
    ]
    assert not any(row.differs for row in align(runs))


def test_well_hosts_agree_although_the_backends_differ() -> None:
    for document in (b.document(), b.legacy_too(), b.repeated()):
        assert agree(document).agree
    assert "legacy-cold" not in agree(b.document()).compared  # nobody could do it


def test_the_odd_one_out_is_named_with_its_steps() -> None:
    agreement = agree(b.odd_one_out())
    assert not agreement.agree
    assert [(d.scenario, d.line, d.odd) for d in agreement.disagreements] == [
        ("buildkit-warm", 15, ("mid",)),
        ("buildkit-warm", 16, ("mid",)),
    ]
    assert agreement.disagreements[0].sides[0].hosts == ("old", "new", "ctd")


def test_two_against_two_has_no_odd_one() -> None:
    document = b.document()
    for name in ("old", "mid"):
        document = replaced(document, b.run(name, "buildkit-warm", change={(2, 5): "miss"}))
    (found,) = agree(document).disagreements
    assert found.odd == ()
    assert {side.status: side.hosts for side in found.sides} == {
        "miss": ("old", "mid"),
        "hit": ("new", "ctd"),
    }


@pytest.mark.parametrize(
    ("others", "odd", "alone"),
    [("miss", (), ("ctd",)), ("failed", ("ctd",), ()), ("not-needed", ("ctd",), ())],
)
def test_to_hit_alone_is_not_odd_where_the_others_missed(
    others: StepStatus, odd: tuple[str, ...], alone: tuple[str, ...]
) -> None:
    document = b.document()
    for name in ("old", "mid", "new"):
        document = replaced(document, b.run(name, "buildkit-warm", change={(2, 5): others}))
    (found,) = agree(document).disagreements
    assert (found.odd, found.alone_hit) == (odd, alone)
    assert found.told_of == (odd or found.hosts)


def test_a_failure_is_told_once_by_its_step() -> None:
    found = agree(b.failing()).disagreements
    assert {d.scenario: (d.line, d.odd) for d in found} == dict.fromkeys(
        ("buildkit-cold", "buildkit-mounts-warm", "buildkit-warm"), (9, ("new",))
    )
    assert len(found) == 3


def test_a_run_that_failed_without_a_step_differs_as_a_whole() -> None:
    bad = b.run("mid", "buildkit-warm", steps=(), status="failed", reason="parse error")
    (found,) = agree(replaced(b.document(), bad)).disagreements
    assert found.step is None
    assert found.odd == ("mid",)


def test_a_host_that_cannot_do_what_others_do_differs() -> None:
    document = replaced(b.legacy_too(), b.unsupported("new", "legacy-cold", "no legacy builder"))
    (found,) = agree(document).disagreements
    assert (found.scenario, found.step, found.odd) == ("legacy-cold", None, ("new",))


@pytest.mark.parametrize("status", ["lost", "cancelled"])
def test_what_was_cut_short_is_not_compared(status: str) -> None:
    cut = b.run("mid", "buildkit-warm", steps=(), status=status)
    assert agree(replaced(b.document(), cut)).agree


def test_a_trigger_that_only_one_base_brings_is_a_difference() -> None:
    extra = b.step(0, 0, "RUN onbuild", "miss", trigger=0)
    plain = b.run("old", "buildkit-cold")
    more = b.run("new", "buildkit-cold", steps=(*plain.steps, extra))
    (found,) = agree(b.document([plain, more])).disagreements
    assert found.step == StepId(0, 0, 0)
    assert {side.status for side in found.sides} == {"miss", ABSENT}


def test_one_host_has_nobody_to_compare_with() -> None:
    agreement = agree(b.document([b.run("old", "buildkit-cold")]))
    assert agreement.agree
    assert agreement.compared == ()


def failed_at(host: str, scenario: str, line: int = 1) -> Run:
    steps = tuple(
        msgspec.structs.replace(
            step, status="failed" if n == line else "not-reached" if n > line else step.status
        )
        for n, step in enumerate(b.run(host, scenario).steps)
    )
    return b.run(host, scenario, steps=steps, status="failed", reason="no")


@pytest.mark.fault("failed-agree")
def test_runs_that_failed_agree_about_nothing() -> None:
    document = b.document()
    for host in document.hosts:
        document = replaced(document, failed_at(host.name, "buildkit-cold", line=3))
    agreement = agree(document)
    assert agreement.disagreements == ()
    assert agreement.failed == ("buildkit-cold",)
    assert "buildkit-cold" not in agreement.compared
    assert agreement.compared
    every = [failed_at(host.name, "buildkit-cold", line=3) for host in document.hosts]
    alone = agree(b.document(every))
    assert (alone.compared, alone.failed) == ((), ("buildkit-cold",))


def test_hosts_on_which_a_build_fails_elsewhere_differ() -> None:
    runs = [failed_at("old", "buildkit-cold", line=3), failed_at("new", "buildkit-cold", line=4)]
    agreement = agree(b.document(runs))
    assert agreement.disagreements
    assert agreement.failed == ()


def test_what_was_stopped_or_lost_is_no_difference() -> None:
    plain = b.run("old", "buildkit-cold")
    for status in ("stopped", "lost"):
        cut = tuple(msgspec.structs.replace(step, status=status) for step in plain.steps)
        timed_out = b.run("new", "buildkit-cold", steps=cut, status="failed", reason="too long")
        (found,) = agree(b.document([plain, timed_out])).disagreements
        assert found.step is None


@pytest.mark.parametrize(
    ("sizes", "odd"),
    [((3, 1), 1), ((2, 2), 0), ((4, 3, 3), 0), ((2, 1, 1), 0), ((5, 2, 2), 4), ((1, 1), 0)],
)
def test_only_a_minority_is_odd(sizes: tuple[int, ...], odd: int) -> None:
    hosts = iter(range(99))
    sides = tuple(
        Side(f"s{n}", tuple(str(next(hosts)) for _ in range(size))) for n, size in enumerate(sizes)
    )
    found = Disagreement("buildkit-warm", 1, None, None, None, sides)
    assert len(found.odd) == odd
    assert (found.majority is not None) == (odd > 0)
