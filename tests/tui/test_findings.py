"""The Findings screen: what is found, where it leads, and proving it."""

from __future__ import annotations

import re

import pytest
from msgspec.structs import replace

from cachetui.findings.record import Findings, Need
from cachetui.prove import NoExperiment, ValueNeeded
from cachetui.records.step import StepId, StepStatus
from cachetui.tui.view.finding_lines import details
from cachetui.tui.view.text import plain, width_of
from cachetui.tui.widgets.grid import Grid
from cachetui.tui.widgets.wrapped_page import WrappedPage
from tests import make_records
from tests.findings.making import why
from tests.ragged_fleet import ragged_fleet
from tests.tui import finding_examples
from tests.tui.driving import Driver, drive
from tests.tui.fake import FakeCore


def core(found: Findings | None = None) -> FakeCore:
    """The findings of `finding_examples`, and an audit that shows them."""
    late: dict[str, dict[tuple[int, int], StepStatus]] = {
        "new": {(2, 4): "miss", (2, 5): "miss"},
        "mid": {(1, 2): "miss"},
    }
    well = make_records.document()
    runs = [
        make_records.run(run.host, run.scenario, change=late[run.host])
        if run.host in late and run.scenario == "buildkit-warm"
        else run
        for run in well.runs
    ]
    made = FakeCore(replace(well, runs=tuple(runs)))
    made.found = found if found is not None else finding_examples.findings()
    return made


async def open_findings(driver: Driver) -> None:
    await driver.press("w")
    await driver.place("findings")
    await driver.see("HOW SURE", "likely")


@pytest.mark.parametrize("size", [(80, 24), (160, 50), (40, 10)])
def test_what_is_found_is_told_with_sign_and_word(size: tuple[int, int]) -> None:
    async def story(driver: Driver) -> None:
        await driver.press("w")
        await driver.see("WHY", "◉ likely")
        assert "line 13" in driver.line("◉")
        await driver.press("j")
        await driver.see("● proved")
        if size[1] > 20:
            await driver.see("Unexplained", "1 step, and 2 more because of it", "→ Move line 2")
            await driver.press("j")
            await driver.see("? unexplained", "could be: engine-differs")

    drive(story, core(), size=size)


def test_it_leads_to_the_runs_and_back() -> None:
    async def story(driver: Driver) -> None:
        await open_findings(driver)
        await driver.press("enter")
        await driver.place("compare")
        picks = driver.app.session.picks
        assert [pick.host for pick in picks] == ["old", "new"]
        assert {pick.scenario for pick in picks} == {"buildkit-warm"}
        await driver.until(lambda: driver.app.screen.query_one(Grid).cursor, "the cursor")
        assert driver.app.screen.query_one(Grid).cursor == (StepId(2, 4), "step")
        await driver.press("escape")
        await driver.place("findings")
        await driver.press("G", "enter")
        await driver.place("compare")
        assert [pick.host for pick in driver.app.session.picks] == ["old", "mid"]
        await driver.press("escape", "k", "enter")
        assert any("No run" in toast for toast in driver.toasts())

    drive(story, core())


def test_it_is_in_the_palette_and_tabs_go_on_from_it() -> None:
    async def story(driver: Driver) -> None:
        await driver.press("ctrl+p")
        await driver.press(*"Go to Findings".replace(" ", ""))
        await driver.see("Go to Findings")
        await driver.press("escape")
        await open_findings(driver)
        await driver.press("right_square_bracket")
        await driver.place("share")
        await driver.press("w", "left_square_bracket")
        await driver.place("outputs")

    drive(story, core())


def test_advice_is_copied_and_keys_are_explained() -> None:
    async def story(driver: Driver) -> None:
        await open_findings(driver)
        await driver.press("y")
        assert any("chmod -R g-w /srv/api" in toast for toast in driver.toasts())
        await driver.press("question_mark")
        await driver.see("Prove")

    drive(story, core())


def test_nothing_found_and_nothing_run_are_said() -> None:
    async def story(driver: Driver) -> None:
        await driver.press("w")
        await driver.see("Nothing to explain")

    async def before(driver: Driver) -> None:
        await driver.press("w")
        await driver.see("findings come when it has ended")

    drive(story, core(Findings()))
    drive(before, core(), opened=False)


def test_a_store_that_fails_is_told() -> None:
    async def story(driver: Driver) -> None:
        await driver.press("w")
        await driver.see("the store is gone")

    made = core()

    def fail(document: object) -> Findings:
        del document
        raise OSError("the store is gone")

    made.findings = fail  # type: ignore[method-assign]
    drive(story, made)


def test_hostile_text_is_only_text() -> None:
    async def story(driver: Driver) -> None:
        await driver.press("w")
        await driver.see("possible")
        assert "\x1b" not in driver.text()
        assert "\u202e" not in driver.text()
        assert "[stage-1 2/5]" in driver.text()
        await driver.press("y", "enter", "w", "j", "enter")

    drive(story, core(finding_examples.hostile()))


def experimenting(made: FakeCore) -> list[finding_examples.FakeExperiment]:
    """Let the core make experiments; they come into the list as they are asked for."""
    experiments: list[finding_examples.FakeExperiment] = []

    def experiment(**options: object) -> finding_examples.FakeExperiment:
        experiments.append(finding_examples.FakeExperiment(options["cancel"]))
        return experiments[-1]

    made.experiments = experiment
    return experiments


def test_proving_says_what_runs_asks_shows_progress_and_tells_the_outcome() -> None:
    made = core()
    experiments = experimenting(made)

    async def story(driver: Driver) -> None:
        await open_findings(driver)
        await driver.press("p")
        await driver.see("docker build [/tmp/x]", "Run it?", "# host new")
        assert driver.app.focused is not None
        assert driver.app.focused.id == "no"
        assert not experiments[0].ran
        await driver.press("y")
        await driver.see("1/3 buildkit, with the modes as sent")
        proved = replace(finding_examples.UMASK, confidence="proved")
        made.found = Findings(findings=(proved,))
        experiments[0].go.set()
        await driver.see("● proved: context-mode-only:13, on new", "BuildKit on new: it hits")
        await driver.press("enter")
        await driver.not_see("likely")
        await driver.see("● proved")
        assert experiments[0].closed

    drive(story, made)
    assert made.asked[0][1] == "context-mode-only:13"


def test_a_proof_that_cannot_be_kept_is_shown_with_the_reason() -> None:
    made = core()
    experiments = experimenting(made)

    async def story(driver: Driver) -> None:
        await open_findings(driver)
        await driver.press("p")
        await driver.see("Run it?")
        experiments[0].trouble = OSError("cannot keep the proof: no room in /s")
        experiments[0].go.set()
        await driver.press("y")
        await driver.see(
            "● proved: context-mode-only:13, on new", "✗ cannot keep the proof: no room"
        )

    drive(story, made)


def test_no_is_the_default_and_nothing_runs() -> None:
    made = core()
    experiments = experimenting(made)

    async def story(driver: Driver) -> None:
        await open_findings(driver)
        await driver.press("p")
        await driver.see("Run it?")
        await driver.press("enter")
        await driver.not_see("Run it?")
        assert not experiments[0].ran
        await driver.until(lambda: experiments[0].closed, "closed")

    drive(story, made)


def test_stopping_ends_what_runs() -> None:
    made = core()
    experiments = experimenting(made)

    async def story(driver: Driver) -> None:
        await open_findings(driver)
        await driver.press("p")
        await driver.see("Run it?")
        await driver.press("y")
        await driver.see("1/3")
        await driver.press("escape")
        await driver.until(lambda: experiments[0].cancel.is_set(), "cancelled")
        experiments[0].go.set()
        await driver.until(lambda: experiments[0].closed, "closed")
        await driver.see("HOW SURE")

    drive(story, made)


def test_a_value_that_is_not_kept_is_asked_for() -> None:
    made = core()
    tried: list[object] = []

    def experiment(**options: object) -> finding_examples.FakeExperiment:
        tried.append(options["given"])
        result: str | Exception = "proved"
        if options["given"] == ():
            result = ValueNeeded("NUMBER", "the earlier value of NUMBER is needed")
        return finding_examples.FakeExperiment(options["cancel"], result)

    made.experiments = experiment

    async def story(driver: Driver) -> None:
        await open_findings(driver)
        await driver.press("p")
        await driver.see("the earlier value of NUMBER is needed")
        await driver.press(*"secret7", "enter")
        await driver.see("Run it?")
        assert "secret7" not in driver.text()

    drive(story, made)
    assert tried == [(), (("NUMBER", "secret7"),)]


def test_where_there_is_no_experiment_it_says_why() -> None:
    made = core()
    made.refusal = NoExperiment("the server's earlier content cannot be brought back")

    async def story(driver: Driver) -> None:
        await open_findings(driver)
        await driver.press("p")
        await driver.see("No experiment", "cannot be brought back")
        await driver.press("enter")
        await driver.see("HOW SURE")

    drive(story, made)


@pytest.mark.parametrize("size", [(80, 24), (140, 30)])
def test_details_are_wrapped_beside_their_scrollbar(size: tuple[int, int]) -> None:
    document = ragged_fleet()
    fleet = FakeCore(document)
    fleet.found = why(document)

    async def story(d: Driver) -> None:
        await d.press("8")
        await d.see("To type")
        page = d.app.screen.query_one(WrappedPage)
        scrolled = set()
        for key in ("j", "j", "k", "k"):
            await d.pilot.pause(0.1)
            scrolled.add(page.show_vertical_scrollbar)
            assert page.room // 2 < max(map(width_of, page._lines)) <= page.room
            await d.press(key)
        assert True in scrolled

    drive(story, fleet, size=size)


@pytest.mark.parametrize("width", [80, 112, 160])
def test_the_list_says_whole_how_many_later_steps_missed_or_not_at_all(width: int) -> None:
    document = ragged_fleet()
    fleet = FakeCore(document)
    fleet.found = why(document)

    async def story(d: Driver) -> None:
        await d.press("8")
        await d.see("To type")
        grid = d.app.screen.query_one("#findings", Grid)
        room = next(w for c, w in ((c, grid.place_of(c.key)[1]) for c in grid.columns) if w > 24)
        shown = [plain(grid._cell(row, "what", room)) for row in grid.rows if row != "unexplained"]
        assert shown
        for text in shown:
            tail = text.partition("  +")[2]
            assert not tail or re.fullmatch(r"\d+ later( steps?)?", tail), text
            assert not tail or width_of(((text, ""),)) <= room

    drive(story, fleet, size=(width, 30))


def test_details_fit_their_width() -> None:
    dockerfile = None
    long = Need(id="x", text="to know more " * 9, command="cachetui run shop --as-found")
    for reason in (finding_examples.UMASK, finding_examples.LABEL, finding_examples.OPEN):
        for width in (20, 38, 78, 120):
            lines = details(reason, dockerfile, width, [long])
            assert max(width_of(one) for one in lines) <= width
    said = "\n".join(plain(one) for one in details(finding_examples.UMASK, None, 78))
    assert "1 step, and 1 more because of it" in said
    assert "costs 41.5s" in said or "costs 42s" in said
