"""Compare: aligned steps, differences, the baseline, presets, other audits."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from cachetui.records.step import StepId, StepStatus
from cachetui.tui.screens.compare import ComparePlace
from cachetui.tui.view.compare_table import CompareTable
from cachetui.tui.view.text import plain
from tests import make_records
from tests.findings import making
from tests.tui.driving import Driver, drive
from tests.tui.fake import FakeCore


def place(d: Driver) -> ComparePlace:
    assert isinstance(d.app.screen, ComparePlace)
    return d.app.screen


async def choose(d: Driver, *words: str) -> None:
    """In each list that comes, choose the line that begins with a word."""
    for word in words:
        await d.see(word)
        grid = d.app.screen.query_one("#choices")
        await d.press("g")
        for _ in range(30):
            at = grid.cursor  # type: ignore[attr-defined]
            what = d.app.screen._choices[at[0]][0]  # type: ignore[attr-defined]
            if what.startswith(word):
                break
            await d.press("j")
        await d.press("enter")


def test_differences_only_until_all_are_asked_for() -> None:
    async def story(d: Driver) -> None:
        await d.press("o")
        await d.place("compare")
        await d.see("2 of 12 steps differ", "baseline old", "COPY . /app")
        assert "✓ HIT" in d.line("COPY . /app")
        assert "≠○ MISS" in d.line("COPY . /app")
        assert "+12.1s" in d.text()
        assert "WORKDIR" not in d.text()
        await d.press("a")
        await d.see("WORKDIR", "all steps", "deps ───")
        assert place(d).row is not None
        assert place(d).row.instruction == "COPY . /app"  # type: ignore[union-attr]

    drive(story, FakeCore(make_records.odd_one_out()))


def test_n_goes_round_the_differences() -> None:
    async def story(d: Driver) -> None:
        await d.press("o", "a", "g")
        found = []
        for key in ("n", "n", "n", "N", "N"):
            await d.press(key)
            found.append(place(d).row.line)  # type: ignore[union-attr]
        assert found == [15, 16, 15, 16, 15]

    drive(story, FakeCore(make_records.odd_one_out()))


def test_the_baseline_can_be_any_of_the_runs() -> None:
    async def story(d: Driver) -> None:
        await d.press("o", "b")
        await choose(d, "mid")
        await d.see("baseline mid")
        assert "-12.1s" in d.text()
        await d.press("l", "l", "B")
        await d.see("baseline old")

    drive(story, FakeCore(make_records.odd_one_out()))


def test_no_difference_is_said() -> None:
    async def story(d: Driver) -> None:
        await d.press("l", "l", "l", "enter")
        await d.place("compare")
        await d.see("✓ No step differs. a shows all 12.")
        await d.press("n")
        assert "No step differs." in d.toasts()

    drive(story)


def test_without_runs_it_says_how_to_choose_some() -> None:
    async def story(d: Driver) -> None:
        await d.press("2")
        await d.see("No runs are chosen", "space marks several")

    drive(story, opened=False)


def test_preset_legacy_against_buildkit() -> None:
    async def story(d: Driver) -> None:
        await d.press("p")
        await choose(d, "Legacy against", "new")
        await d.place("compare")
        await d.see("on new", "leg cold", "bk cold")
        assert [p.scenario for p in d.app.session.picks] == [
            "legacy-cold",
            "buildkit-cold",
            "legacy-warm",
            "buildkit-warm",
        ]

    drive(story, FakeCore(make_records.legacy_too()), size=(160, 50))


def test_preset_one_scenario_over_a_fleet_folds_hosts_alike() -> None:
    async def story(d: Driver) -> None:
        await d.press("p")
        await choose(d, "One scenario", "buildkit-warm")
        await d.place("compare")
        await d.see("62× ci-[01-06", "ci-07", "≠○ MISS")

    drive(story, FakeCore(make_records.fleet()), size=(100, 30))


def test_preset_mounts_and_all_scenarios() -> None:
    async def story(d: Driver) -> None:
        await d.press("p")
        await choose(d, "Cold mounts", "ctd")
        await d.place("compare")
        await d.see("bk cold", "bk mounts-warm", "on ctd")
        await d.press("p")
        await choose(d, "All scenarios", "old")
        await d.see("on old")
        assert len(d.app.session.picks) == 3

    drive(story)


def test_preset_this_audit_against_an_earlier_one() -> None:
    late: dict[tuple[int, int], StepStatus] = {(0, 3): "miss"}
    earlier = msgspec.structs.replace(
        make_records.document([make_records.run("old", "buildkit-warm", change=late)]),
        audit="before",
        started_at=make_records.NOW - 86400,
    )

    async def story(d: Driver) -> None:
        await d.press("j", "j", "j", "p")
        await choose(d, "This audit", "2025")
        await d.place("compare")
        await d.see("old @before", "old @a1b2c3d4")
        assert "○ MISS" in d.line("RUN")

    drive(story, FakeCore(make_records.document(), kept=[earlier]))


def test_a_run_is_left_out_and_steps_are_sorted_by_time() -> None:
    async def story(d: Driver) -> None:
        await d.press("p")
        await choose(d, "All scenarios", "old")
        await d.place("compare")
        await d.press("a", "l", "s")
        await d.see("▾")
        lines = [row.line for row in place(d)._table.rows.values()]
        assert lines[0] == 16
        await d.press("l", "d")
        assert len(d.app.session.picks) == 2

    drive(story, size=(120, 30))


def test_runs_show_up_while_the_audit_goes_on() -> None:
    async def story(d: Driver) -> None:
        audit = await d.start(at=24.0)
        await d.press("j", "j", "l", "enter")
        await d.place("compare")
        await d.see("new")
        audit.end()
        await d.until(lambda: not d.app.session.running)
        await d.see("✓ done")
        assert d.app.current_mode == "compare"

    drive(story, opened=False)


def test_enter_leads_to_the_log_of_the_step() -> None:
    async def story(d: Driver) -> None:
        await d.press("o", "enter")
        await d.place("step")
        await d.see("prod · line 15 COPY . /app")
        await d.press("escape")
        await d.place("compare")
        await d.press("escape")
        await d.place("fleet")

    drive(story, FakeCore(make_records.odd_one_out()))


def test_a_column_of_hosts_that_behave_alike_tells_of_all_of_them() -> None:
    text = "FROM base:1\nRUN one\nRUN two\n"
    alike = [
        replace(
            making.run(text, "mm", host=f"ci-{seconds}"),
            seconds=float(seconds),
            steps=tuple(
                replace(step, seconds=float(seconds))
                for step in making.run(text, "mm", host=f"ci-{seconds}").steps
            ),
        )
        for seconds in (100, 200, 900)
    ]
    table = CompareTable()
    table.show([[making.run(text, "hh", host="web")], alike], ["web", "3× ci-[100,200,900]"])
    columns = table.columns(160)
    assert "0% 1m40s to 15m00s" in columns[2].titles[1]
    row = next(row for key, row in table.rows.items() if isinstance(key, StepId))
    assert "3m20s" in plain(table.cell(row.id, 1, 24)), "the median"
    assert "3m20s, median of 1m40s to 15m00s" in plain(table.facts(row, 1, 100)[-1])
    narrow = [column.titles[1].strip() for column in table.columns(60)]
    assert narrow[2] == "0%  +3m19s", "no figure of one host where the range does not fit"
