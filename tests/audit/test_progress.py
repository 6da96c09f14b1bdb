"""What is told of an audit under way: every count from a true total, and no guessed time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from cachetui.audit.expected_seconds import expected_seconds
from cachetui.audit.plan import Plan
from cachetui.audit.progress import Snapshot, steps_of
from cachetui.audit.progress_tracker import ProgressTracker
from cachetui.builders.events import Ended, Started
from cachetui.builders.step_map import StepMap
from cachetui.core import Options
from cachetui.demo.fleet import build_name, demo_fleet
from cachetui.dockerfile.parse import parse
from cachetui.records.backend import Backend
from cachetui.records.scenario import Planned
from cachetui.store.database import Store
from tests import make_records

STAGES = """\
ARG A=1
FROM base AS one
RUN make one
ENV X=1
FROM base AS two
RUN make two
COPY --from=one /x /x
FROM base AS three
RUN make three
"""


@pytest.mark.parametrize(
    ("backend", "target", "total"),
    [
        ("legacy", None, 9),  # every instruction, the ARG too, as docker numbers them
        ("legacy", "two", 7),
        ("buildkit", None, 2),  # only what the target needs and makes a vertex
        ("buildkit", "two", 5),
        ("buildkit", "one", 2),
    ],
)
def test_the_total_is_that_of_the_target(backend: Backend, target: str | None, total: int) -> None:
    steps = StepMap(parse(STAGES), target, backend)
    assert steps.total == total
    assert steps_of(steps.steps())[0] == 0
    assert steps_of(steps.steps(final=True))[1] == total


def test_a_step_at_work_has_not_ended() -> None:
    steps = StepMap(parse(STAGES), "one", "buildkit")
    steps.apply(Started(key="a", name="[one 1/2] FROM base:1", at=0.0))
    steps.apply(Ended(key="a", outcome="done", at=0.2, seconds=0.1, timing="engine"))
    steps.apply(Started(key="b", name="[one 2/2] RUN make one", at=0.1))
    assert steps_of(steps.steps())[0] == 1
    steps.apply(Ended(key="b", outcome="done", at=0.2, seconds=0.1, timing="engine"))
    assert (steps_of(steps.steps())[0], steps.total) == (2, 2)


def test_triggers_of_a_base_are_steps() -> None:
    for backend in ("legacy", "buildkit"):
        known = StepMap(
            parse("FROM base\nRUN x\n"), None, backend, triggers={"base": ["RUN y", "RUN z"]}
        )
        assert known.total == (2 if backend == "legacy" else 4)  # legacy: once FROM has told


def test_a_run_that_failed_came_to_the_step_that_failed() -> None:
    run = make_records.run("new", "buildkit-cold", change={(1, 2): "failed"})
    needed = [step for step in run.steps if step.status != "not-needed"]
    assert steps_of(run.steps) == (
        1 + next(n for n, step in enumerate(needed) if step.status == "failed"),
        len(needed),
    )


def test_steps_of_a_real_fleet_count_up_to_their_total() -> None:
    seen: list[Snapshot] = []
    with demo_fleet(speed=20) as fleet:
        core = fleet.core()
        build = core.settings.builds[build_name("shop")]
        audit = core.prepare(build, core.settings.hosts, Options(scenarios=("buildkit-cold",)))
        audit.watch(seen.append)
        document = audit.run()
        seen.append(audit.snapshot())
        core.store.close()
    totals = {run.host: steps_of(run.steps)[1] for run in document.runs}
    building = [cell for one in seen for cell in one.cells if cell.state == "building"]
    assert any(0 < cell.step < cell.steps for cell in building)
    assert all(cell.steps == totals[cell.host] for cell in building)
    assert all(cell.step <= cell.steps for cell in building)
    assert seen[-1].done == len(seen[-1].cells) == len(document.runs)


def tracker(hosts: tuple[str, ...] = ("a", "b"), repeats: int = 1) -> ProgressTracker:
    order = [Planned("buildkit-cold", n) for n in range(1, repeats + 1)]
    plan = Plan(("buildkit-cold",), tuple(order), repeats)
    return ProgressTracker("x", "shop", plan, hosts)


def cell(host: str) -> tuple[str, str, int]:
    return (host, "buildkit-cold", 1)


def remaining(made: ProgressTracker) -> float | None:
    return made.snapshot().remaining


def test_the_time_left_is_that_of_the_slowest_host() -> None:
    made = tracker()
    assert remaining(made) is None
    made.expect({("a", "buildkit-cold"): 10.0, ("b", "buildkit-cold"): 30.0})
    assert remaining(made) is None, "no host has been asked which runs it is to make"
    for host in ("a", "b"):
        made.update_host(host, state="building")
    assert remaining(made) == 30.0
    made.update_cell(cell("b"), state="stored")
    assert remaining(made) == 10.0
    made.update_host("a", state="waiting")
    assert remaining(made) is None


def test_no_time_is_told_where_none_is_known() -> None:
    made = tracker(("a",))
    made.update_host("a", state="building")
    assert remaining(made) is None, "no stored run"
    made.update_cell(cell("a"), state="building", expected=0.0)
    assert remaining(made) is None, "it takes longer than before"


def test_a_cell_at_work_is_not_done() -> None:
    made = tracker()
    for host in ("a", "b"):
        made.update_cell(cell(host), state="building", step=7, steps=7)
    assert made.snapshot().done == 0
    made.update_cell(cell("a"), state="done")
    assert made.snapshot().done == 1


def test_what_is_skipped_is_no_run() -> None:
    made = tracker(("a", "b"))
    made.update_cell(cell("a"), state="skipped")
    assert (made.snapshot().done, made.snapshot().total) == (0, 1)
    made.update_cell(cell("b"), state="unsupported")
    assert (made.snapshot().done, made.snapshot().total) == (1, 1)


def test_the_time_between_an_audit_and_its_rerun_is_not_its_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [100.0]
    monkeypatch.setattr("cachetui.audit.progress_tracker.time.monotonic", lambda: now[0])
    made = tracker(("a",))
    now[0] += 7.0
    made.finish()
    assert made.snapshot().elapsed == 7.0
    now[0] += 600.0
    made.requeue([cell("a")])
    now[0] += 2.0
    assert made.snapshot().elapsed == 9.0
    assert not made.snapshot().finished


def test_expected_seconds_are_those_of_stored_audits(tmp_path: Path) -> None:
    store = Store(tmp_path)

    def keep(audit: str, at: float, seconds: dict[str, list[float]], **more: Any) -> None:
        runs = [
            make_records.run(
                host,
                "buildkit-cold",
                repeat=number,
                id=f"{audit}-{host}-{number}",
                seconds=took,
                **more,
            )
            for host, times in seconds.items()
            for number, took in enumerate(times, 1)
        ]
        for run in runs:
            store.keep_run(run)
        hosts = [make_records.host(name) for name in seconds]
        document = make_records.document(runs, hosts)
        store.keep_audit(msgspec.structs.replace(document, audit=audit, started_at=at))

    keep("1", 1.0, {"a": [50.0], "b": [60.0], "gone": [1.0]})
    keep("2", 2.0, {"a": [10.0, 12.0, 90.0]})
    keep("3", 3.0, {"a": [3.0]}, status="failed")
    found = expected_seconds(store, "api", ["a", "b", "new"], ["buildkit-cold", "legacy-cold"])
    assert found == {("a", "buildkit-cold"): 12.0, ("b", "buildkit-cold"): 60.0}
    assert expected_seconds(store, "other", ["a"], ["buildkit-cold"]) == {}
    store.close()
