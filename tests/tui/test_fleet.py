"""Fleet: the live matrix, the odd one out, folding, filter, order, marks, start and stop."""

from __future__ import annotations

import threading

import msgspec
import pytest

from cachetui.audit.progress import Snapshot
from cachetui.records.step import StepStatus
from cachetui.tui.session import Session
from cachetui.tui.widgets.grid import Grid
from tests import make_records
from tests.tui.driving import Driver, drive
from tests.tui.fake import FakeCore


def rows(d: Driver) -> list[object]:
    """The keys of the matrix's rows."""
    return list(d.app.screen.query_one("#matrix", Grid).rows)


def test_the_odd_one_out_is_said_in_words_and_stands_first() -> None:
    async def story(d: Driver) -> None:
        await d.see("≠ mid is the odd one out in buildkit-warm", "COPY . /app")
        assert "✓ HIT on old, new, ctd · ○ MISS on mid" in d.text()
        assert rows(d) == ["mid", "old", "new", "ctd"]
        assert "≠◐ 78%" in d.line("≠ mid  ")

    drive(story, FakeCore(make_records.odd_one_out()))


def test_a_run_is_seen_from_queued_to_done() -> None:
    async def story(d: Driver) -> None:
        audit = await d.start()
        await d.see("· queued")
        audit.at(1.5)
        await d.see("▸ old", "sending context 1.4 MB of 1.8 MB")
        audit.at(8.0)
        await d.see("▸ 6/12", "about", "8 of 20 runs")
        audit.at(40.0)
        await d.see("▸ 11/12", "18 of 20 runs")
        audit.end()
        await d.until(lambda: not d.app.session.running)
        await d.see("✓ done · took", "100%  0.6s")
        assert "of 20 runs" not in d.text()

    drive(story, opened=False)


def test_the_cell_under_the_cursor_says_what_it_does() -> None:
    async def story(d: Driver) -> None:
        await d.start(at=6.0)
        await d.press("l")
        await d.see("buildkit-cold ▸ building 6 of 12 steps: RUN")

    drive(story, opened=False)


def test_a_host_that_is_away_is_told_with_its_remedy() -> None:
    async def story(d: Driver) -> None:
        await d.see("1 unreachable", "✗ far")
        await d.press("j")
        await d.see("far.example.com:22 refused the connection", "is sshd running there")

    drive(story, FakeCore(make_records.troubled()))


def test_what_this_machine_cannot_keep_is_told() -> None:
    trouble = "cannot keep results: no room in /s; make room there"

    async def story(d: Driver) -> None:
        snapshot = d.app.session.snapshot
        assert snapshot is not None
        d.app.session._set_snapshot(msgspec.structs.replace(snapshot, trouble=trouble))
        d.app.refresh_places()
        await d.see(f"✗ {trouble}")

    drive(story, FakeCore(make_records.troubled()))


def test_what_was_removed_from_the_store_is_told_at_the_end() -> None:
    async def story(d: Driver) -> None:
        audit = await d.start()
        audit.end()
        await d.see("removed 2 audits, 1.2 MB")
        assert d.core.store.used == [audit.id]

    core = FakeCore()
    core.removed = ["removed 2 audits, 1.2 MB, to keep the store within 2GB"]
    drive(story, core, opened=False)


def test_stored_runs_are_marked_with_their_age() -> None:
    async def story(d: Driver) -> None:
        assert "↺  0% 28.7s" in d.line("✓ old")
        await d.press("j", "j", "h", "h", "h", "h", "l", "l", "l")
        await d.see("stored, run 3 h ago")

    drive(story, FakeCore(make_records.troubled()))


def test_a_large_fleet_is_folded_with_the_odd_ones_first() -> None:
    async def story(d: Driver) -> None:
        await d.see("≠ ci-07", "✗ ci-09", "ci-[01-06,08,…]: 62 alike")
        await d.press("f")
        await d.see("ci-12", "ci-11")
        await d.press("f")
        await d.not_see("ci-12")

    drive(story, FakeCore(make_records.fleet()))


def test_the_filter_narrows_by_name_tag_and_state() -> None:
    async def story(d: Driver) -> None:
        await d.press("slash", *"ctd")
        await d.not_see("✓ new")
        await d.press("enter")
        assert "✓ ctd" in d.text()
        await d.press("escape")
        await d.see("✓ new")
        await d.press("slash", *"nothing here")
        await d.see("No host matches")
        await d.press("escape", "slash", *"@runner mid")
        await d.see("mid")
        await d.not_see("✓ new")

    drive(story, FakeCore(make_records.odd_one_out()))


def test_s_sorts_by_the_column_under_the_cursor_and_back() -> None:
    async def story(d: Driver) -> None:
        before = rows(d)
        await d.press("h", "h", "s")
        await d.see("cold ▾")
        assert rows(d)[0] == "old"
        await d.press("s")
        await d.see("cold ▴")
        assert rows(d)[0] == "new"
        await d.press("s")
        assert rows(d) == before

    drive(story, FakeCore(make_records.odd_one_out()))


def test_clicks_move_open_and_sort() -> None:
    async def story(d: Driver) -> None:
        await d.pilot.click("#matrix", offset=(16, 4))
        await d.see("buildkit-cold")
        await d.pilot.click("#matrix", offset=(16, 1))
        await d.see("cold ▾")
        await d.pilot.click("#matrix", offset=(16, 3), times=2)
        await d.place("compare")
        await d.pilot.click("PlaceTabs", offset=(2, 0))
        await d.place("fleet")
        await d.pilot.click("KeyBar", offset=(4, 0))
        await d.place("compare")

    drive(story, FakeCore(make_records.odd_one_out()))


def test_marked_runs_are_compared() -> None:
    async def story(d: Driver) -> None:
        await d.press("space", "space")
        assert d.text().count("■") == 2
        await d.press("enter")
        await d.place("compare")
        assert len(d.app.session.picks) == 2
        await d.press("escape")
        await d.place("fleet")
        await d.press("escape")
        assert "■" not in d.text()

    drive(story, FakeCore(make_records.odd_one_out()))


def test_start_runs_what_is_turned_on_where_it_is_marked() -> None:
    async def story(d: Driver) -> None:
        await d.press("j", "space", "r")
        await d.see("1 host: mid")
        await d.press("space", "j", "space", "G", "space", "k", "space", "k", "plus", "plus", "r")
        await d.until(lambda: d.core.prepared)
        _, hosts, options = d.core.prepared[0]
        assert hosts == ["mid"]
        assert options.scenarios == ("buildkit-cold", "buildkit-mounts-warm", "buildkit-warm")
        assert (options.repeat, options.fresh, options.as_found) == (3, True, False)
        assert options.outputs

    drive(story, opened=False)


def test_a_scenario_that_is_marked_is_what_start_offers() -> None:
    async def story(d: Driver) -> None:
        await d.press("l", "m")
        assert d.text().count("■") == 4
        await d.press("r")
        await d.see("[✓] buildkit-cold", "[ ] buildkit-warm", "[ ] legacy-cold", "4 hosts")
        await d.press("r")
        await d.until(lambda: d.core.prepared)
        assert d.core.prepared[0][2].scenarios == ("buildkit-cold",)

    drive(story, FakeCore())


def test_the_scenarios_of_the_open_audit_are_what_start_offers() -> None:
    whole = make_records.document()
    runs = tuple(run for run in whole.runs if run.scenario in ("buildkit-cold", "buildkit-warm"))

    async def story(d: Driver) -> None:
        await d.press("r")
        await d.see("[✓] buildkit-cold", "[✓] buildkit-warm", "[ ] legacy-cold", "4 hosts")
        await d.press("r")
        await d.until(lambda: d.core.prepared)
        assert d.core.prepared[0][2].scenarios == ("buildkit-cold", "buildkit-warm")

    drive(story, FakeCore(make_records.document(runs)))


def test_marks_are_cleared_by_escape_before_an_audit_too() -> None:
    async def story(d: Driver) -> None:
        await d.press("space")
        await d.see("■")
        await d.press("escape")
        await d.not_see("■")

    drive(story, opened=False)


def test_all_scenarios_are_left_to_the_core_to_choose() -> None:
    async def story(d: Driver) -> None:
        await d.start()
        assert d.core.prepared[0][2].scenarios is None

    drive(story, opened=False)


def test_start_at_once_when_the_command_line_says_so() -> None:
    async def story(d: Driver) -> None:
        await d.until(lambda: d.core.prepared)
        await d.see("running")

    drive(story, opened=False, start=True)


def test_what_cannot_start_is_said_in_full() -> None:
    async def story(d: Driver) -> None:
        d.core.refusal = ValueError("/src/api/Dockerfile: [line 3] unknown instruction: RUNN")
        await d.press("r", "r")
        await d.see("The audit cannot start", "[line 3] unknown instruction: RUNN")
        await d.press("escape")
        await d.not_see("cannot start")

    drive(story, opened=False)


def test_x_stops_the_marked_hosts_or_asks_and_stops_all() -> None:
    async def story(d: Driver) -> None:
        audit = await d.start(at=5.0)
        await d.press("space", "x")
        assert audit.stopped == [["old"]]
        await d.press("escape", "x")
        await d.see("Stop the audit?")
        await d.press("n", "x", "y")
        assert audit.stopped == [["old"], None]
        await d.until(lambda: not d.app.session.running)

    drive(story, opened=False)


def test_failed_runs_are_run_again() -> None:
    async def story(d: Driver) -> None:
        audit = await d.start()
        audit.end()
        await d.until(lambda: not d.app.session.running)
        await d.press("R")
        await d.until(lambda: audit.reran)
        assert {key[0] for key in audit.reran[0]} == {"new", "far"}
        await d.until(lambda: not d.app.session.running)

    drive(story, FakeCore(make_records.troubled()), opened=False)


def test_a_kept_audit_is_only_read() -> None:
    async def story(d: Driver) -> None:
        await d.see("stored")
        await d.press("R")
        assert any("read-only" in text for text in d.toasts())

    drive(story)


def test_without_an_audit_the_hosts_are_listed_with_what_to_do() -> None:
    async def story(d: Driver) -> None:
        await d.see("r runs api on 4 hosts", "old.example.com", "linux runner")
        await d.see("build  api", "Dockerfile", "last   2 h ago on 4 hosts")
        assert "Compare" not in d.text().splitlines()[-1]
        await d.press("enter")
        await d.see("Run api")

    drive(story, FakeCore(kept=[make_records.document()]), opened=False)


def test_as_many_against_as_many_marks_nobody_where_one_is_clearly_odd() -> None:
    late: dict[tuple[int, int], StepStatus] = {(0, 3): "miss"}
    tied: dict[tuple[int, int], StepStatus] = {(1, 2): "miss"}
    changes = {"old": tied, "mid": tied, "new": {**late}, "ctd": {}}
    document = make_records.document(
        [make_records.run(name, "buildkit-warm", change=change) for name, change in changes.items()]
    )

    async def story(d: Driver) -> None:
        await d.see("≠ new is the odd one out in buildkit-warm")
        assert rows(d)[0] == "new"
        assert [name for name in rows(d) if "≠" in d.line(f" {name} ")[:3]] == ["new"]

    drive(story, FakeCore(document))


def test_the_run_that_built_stands_for_a_host_not_what_it_could_not_do() -> None:
    async def story(d: Driver) -> None:
        await d.press("h", "h", "h", "h", "h", "v")
        await d.place("step")
        assert [pick.scenario for pick in d.app.session.picks] == ["buildkit-cold"]

    drive(story, FakeCore())


def test_when_two_hosts_part_ways_neither_is_the_odd_one() -> None:
    document = make_records.odd_one_out()
    two = msgspec.structs.replace(
        document,
        hosts=document.hosts[:2],
        runs=tuple(r for r in document.runs if r.host in ("old", "mid")),
    )

    async def story(d: Driver) -> None:
        await d.see("hosts differ in buildkit-warm")

    drive(story, FakeCore(two))


@pytest.mark.parametrize("size", [(40, 10), (20, 5), (1, 1), (250, 80)])
def test_it_draws_at_any_size(size: tuple[int, int]) -> None:
    async def story(d: Driver) -> None:
        for key in ("2", "3", "4", "5", "6", "1", "question_mark", "escape", "r", "escape"):
            await d.press(key)
        assert all(len(line) <= size[0] for line in d.text().splitlines())

    drive(story, FakeCore(make_records.troubled()), size=size)


def test_a_flood_of_snapshots_waits_as_one() -> None:
    told: list[int] = []
    core = FakeCore()
    session = Session(core, lambda: told.append(1))
    audit = core.prepare(next(iter(core.settings.builds.values())), core.settings.hosts, None)
    session.start(audit)
    seen: list[Snapshot | None] = []

    def flood(start: float) -> None:
        for i in range(100):
            audit.at(start + i / 100)

    threads = [threading.Thread(target=flood, args=(n,)) for n in (1.0, 2.0, 3.0)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert session.take()
    seen.append(session.snapshot)
    assert not session.take()
    audit.end()


def test_a_filter_says_how_many_hosts_it_leaves() -> None:
    async def story(d: Driver) -> None:
        await d.see("62 alike")
        assert " of 64" not in d.line("BuildKit")
        await d.press("slash", *"ci-1")
        await d.see("10 of 64", "ci-[10-19]: 10 hosts alike")
        assert d.app.screen.max_scroll_y == 0

    drive(story, FakeCore(make_records.fleet()))


def test_marked_hosts_alone_are_shown_until_the_marks_go() -> None:
    async def story(d: Driver) -> None:
        await d.press("M")
        assert any("No host is marked" in text for text in d.toasts())
        assert len(rows(d)) == 4
        await d.press("g", "space", "j", "space", "M")
        await d.see("2 of 4")
        assert rows(d) == ["mid", "new"]
        await d.press("M")
        assert len(rows(d)) == 4
        await d.press("M", "escape")
        assert len(rows(d)) == 4

    drive(story, FakeCore(make_records.odd_one_out()))
