"""Step: logs side by side, search, as printed, the diff, logs that grow."""

from __future__ import annotations

import asyncio

from cachetui.records.step import StepId
from cachetui.tui.screens.open_runs import open_log, open_step
from cachetui.tui.screens.step import StepPlace
from tests import make_records
from tests.tui.driving import Driver, drive
from tests.tui.fake import FakeCore, packed

RUN = StepId(0, 3)


def core_with_logs(**logs: bytes) -> FakeCore:
    """Four hosts that built cold; a log by host for the pip step."""
    document = make_records.document()
    core = FakeCore(document)
    for run in document.runs:
        if run.scenario == "buildkit-cold" and run.host in logs:
            lines = [(RUN, line + b"\n") for line in logs[run.host].split(b"\n")]
            core.store.logs[run.id] = packed(lines)
    return core


async def open_pip(d: Driver) -> StepPlace:
    """Open the pip step of old and mid, cold."""
    session = d.app.session
    await d.until(lambda: session.document)
    picks = [session.pick((host, "buildkit-cold", 1)) for host in ("old", "mid")]
    session.choose(picks)
    open_step(d.app, RUN)
    await d.place("step")
    place = d.app.screen
    assert isinstance(place, StepPlace)
    await d.until(lambda: len(place.panes) == 2 and all(p.view.text for p in place.panes), "logs")
    return place


def test_logs_stand_side_by_side_under_the_step() -> None:
    async def story(d: Driver) -> None:
        await open_pip(d)
        await d.see("deps · line 5 RUN --mount", "old baseline  ○ MISS 8.4s", "mid  ○ MISS 6.6s")
        await d.see("from old", "from mid")

    drive(story, core_with_logs(old=b"from old", mid=b"from mid"))


def test_a_hit_says_why_it_has_no_log() -> None:
    async def story(d: Driver) -> None:
        await d.press("o", "enter")
        await d.see("✓ HIT: from the cache, nothing ran")

    drive(story, FakeCore(make_records.odd_one_out()))


def test_search_counts_and_goes_round() -> None:
    log = b"\n".join(b"line %d %s" % (n, b"Error" if n % 25 == 0 else b"fine") for n in range(500))

    async def story(d: Driver) -> None:
        place = await open_pip(d)
        await d.press("slash", *"error", "enter")
        await d.see("/error", "1 of 20 lines")
        await d.press("n", "n")
        await d.see("3 of 20 lines")
        assert "line 50 Error" in d.text()
        await d.press("N", "N", "N")
        await d.see("20 of 20 lines")
        assert place.panes[0].view.here == 475
        await d.press("tab")
        await d.see("1 of 1 lines")
        await d.press("escape")
        await d.not_see("/error")
        assert d.app.current_mode == "step"

    drive(story, core_with_logs(old=log, mid=b"no error"), size=(100, 24))


def test_the_lines_that_match_are_shown_alone_and_keep_their_numbers() -> None:
    log = b"\n".join(b"line %d %s" % (n, b"Error" if n % 25 == 0 else b"fine") for n in range(500))

    async def story(d: Driver) -> None:
        place = await open_pip(d)
        view = place.panes[0].view
        await d.press("f", *"error", "enter")
        await d.see("1 of 20 lines", "f all lines", "no match")
        assert "fine" not in d.text()
        assert view.virtual_size.height == 20
        assert "476" in d.line("line 475 Error"), "the number of the line in the log"
        await d.press("N")
        await d.see("20 of 20 lines")
        assert view.here == 475
        assert d.app.screen.copy_text() == "line 475 Error"  # type: ignore[attr-defined]
        await d.press("f")
        await d.see("line 474 fine", "line 475 Error", "f only these")
        await d.press("f")
        await d.not_see("line 474 fine")
        await d.press("escape")
        await d.see("fine")
        assert view.virtual_size.height == 500

    drive(story, core_with_logs(old=log, mid=b"no such line"), size=(100, 40))


def test_a_search_without_a_match_says_so() -> None:
    async def story(d: Driver) -> None:
        await open_pip(d)
        await d.press("slash", *"zebra", "enter")
        await d.see("no match")
        await d.press("n")

    drive(story, core_with_logs(old=b"a", mid=b"b"))


def test_as_printed_shows_whose_line_it_is() -> None:
    async def story(d: Driver) -> None:
        await open_pip(d)
        await d.press("v")
        await d.see("Whole log as printed", "ran in parallel", "deps 3", "assets 8")
        await d.press("v")
        await d.see("deps · line 5")

    drive(story, size=(160, 30))


def test_the_diff_ignores_noise_and_says_so() -> None:
    old = b"Collecting a\nDownloading 1.2 MB in 0.3s\nInstalled a-1.0\ndone in 1.21s"
    mid = b"Collecting a\nDownloading 1.2 MB in 0.9s\nInstalled a-1.1\ndone in 4.02s"

    async def story(d: Driver) -> None:
        await open_pip(d)
        await d.press("d")
        await d.see("≠ old ↔ mid  -1 +1 lines", "ignored")
        assert "≠ Installed a-1.0" in d.text()
        assert "≠ Installed a-1.1" in d.text()
        await d.press("n")
        assert "┃" in d.line("Installed")
        await d.press("d")
        await d.not_see("↔")

    drive(story, core_with_logs(old=old, mid=mid), size=(120, 24))


def test_a_diff_of_equal_logs_is_folded() -> None:
    log = b"\n".join(b"line %d" % n for n in range(100))

    async def story(d: Driver) -> None:
        await open_pip(d)
        await d.press("d")
        await d.see("the same apart from noise", "lines alike")

    drive(story, core_with_logs(old=log, mid=log))


def test_steps_are_walked_with_shift() -> None:
    async def story(d: Driver) -> None:
        await open_pip(d)
        await d.press("J")
        await d.see("line 7 FROM base:1 AS assets")
        await d.press("K", "K")
        await d.see("line 4 COPY requirements.txt .")

    drive(story)


def test_panes_give_way_where_it_is_narrow() -> None:
    async def story(d: Driver) -> None:
        await open_pip(d)
        await d.see("from old")
        assert "from mid" not in d.text()
        await d.press("tab")
        await d.see("from mid")

    drive(story, core_with_logs(old=b"from old", mid=b"from mid"), size=(40, 12))


def test_long_lines_are_reached_by_scrolling() -> None:
    async def story(d: Driver) -> None:
        await open_pip(d)
        await d.see("…")
        for _ in range(12):
            await d.press("l")
        await d.see("THE END")

    drive(story, core_with_logs(old=b"x" * 110 + b"THE END", mid=b"short"))


def test_the_log_of_a_run_under_way_is_followed() -> None:
    async def story(d: Driver) -> None:
        await d.start(at=8.0)
        await d.press("l", "enter")
        await d.place("step")
        await d.see("▸ building", "#0 building with")
        d.audit.end()
        await d.until(lambda: not d.app.session.running)
        await d.not_see("▸ building")

    drive(story, opened=False)


def test_without_a_run_it_says_where_to_go() -> None:
    async def story(d: Driver) -> None:
        await d.press("3")
        await d.see("No run is chosen.")

    drive(story, opened=False)


def test_a_damaged_log_is_told_not_fatal() -> None:
    core = core_with_logs(old=b"fine", mid=b"fine")
    run = next(r for r in core.document.runs if (r.host, r.scenario) == ("old", "buildkit-cold"))
    core.store.logs[run.id] = b"not a log"

    async def story(d: Driver) -> None:
        session = d.app.session
        session.choose([session.pick(("old", "buildkit-cold", 1))])
        open_step(d.app, RUN)
        await d.place("step")
        await d.see("the kept log is cut short")

    drive(story, core)


def test_a_log_that_was_removed_says_when_and_why() -> None:
    why = "the log was removed on 2026-11-26 to keep the store within 2GB"

    async def story(d: Driver) -> None:
        session = d.app.session
        session.choose([session.pick(("old", "buildkit-cold", 1))])
        open_step(d.app, RUN)
        await d.place("step")
        await d.see("✗ the log was removed on 2026-11-26")

    core = FakeCore()
    core.store.gone = dict.fromkeys((run.id for run in core.document.runs), why)
    drive(story, core)


def test_panes_scroll_together() -> None:
    old = b"\n".join(b"old %d " % n + b"x" * 200 for n in range(100))
    mid = b"\n".join(b"mid %d " % n + b"y" * 200 for n in range(60))

    async def story(d: Driver) -> None:
        await open_pip(d)
        await d.press("pagedown")
        await d.see("old 18 ", "mid 18 ")
        await d.press("l", "l")
        await d.not_see("old 18 ", "mid 18 ")
        await d.press("h", "h", "tab", "g")
        await d.see("old 0 ", "mid 0 ")
        await d.press("tab", "G")
        await d.see("old 99 ", "mid 59 ")

    drive(story, core_with_logs(old=old, mid=mid))


def test_the_diff_of_whole_logs_is_of_no_single_step() -> None:
    async def story(d: Driver) -> None:
        await open_pip(d)
        await d.press("v", "d")
        await d.see("Whole log as printed", "old ↔ mid", "0% hit, 28.7s")
        assert "MISS" not in d.line("0% hit, 28.7s")
        await d.press("d")
        await d.see("ran in parallel")

    drive(story, size=(120, 30))


def test_a_step_that_started_early_says_why_it_could() -> None:
    async def story(d: Driver) -> None:
        session = d.app.session
        session.choose([session.pick(("old", "buildkit-cold", 1))])
        open_step(d.app, StepId(1, 1))
        await d.see("line 8 COPY web ./web", "started before line 4, 5: ", "builds on nothing")

    drive(story, size=(120, 24))


def test_as_many_panes_stand_side_by_side_as_have_room_beside_the_baseline() -> None:
    document = make_records.fleet(24)

    async def story(d: Driver) -> None:
        session = d.app.session
        runs = [r for r in session.runs() if r.scenario == "buildkit-cold"]
        session.choose([session.pick((r.host, r.scenario, r.repeat)) for r in runs])
        open_step(d.app, RUN)
        await d.see("ci-01 baseline", "ci-02", "ci-03", "7 more runs have no pane")
        assert "ci-04" not in d.text()
        await d.press("tab", "tab", "tab")
        await d.see("ci-01 baseline", "ci-04")
        assert "ci-02" not in d.text()

    drive(story, FakeCore(document), size=(110, 24))


def test_it_can_be_drawn_while_its_panes_come() -> None:
    async def story(d: Driver) -> None:
        await d.start(at=8.0)
        open_log(d.app, d.app.session.pick(("old", "buildkit-cold", 1)))
        for _ in range(60):
            d.app.refresh_places()
            await asyncio.sleep(0)
        await d.see("▸ building")
        d.audit.end()

    drive(story, opened=False)
