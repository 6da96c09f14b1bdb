"""Why, on top of Fleet and beside what the cursor is on; and `w`, which leads to the finding."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some
from msgspec.structs import replace

from cachetui.findings.record import Findings, Need, StepRef
from cachetui.findings.wording import host_names
from cachetui.report.shell import Typed, first_way
from cachetui.tui.screens.open_runs import open_step
from cachetui.tui.view import causes, fleet_heights, top_causes
from cachetui.tui.view.causes import Where
from cachetui.tui.view.finding_lines import copies, title_of
from cachetui.tui.view.picks import Pick
from cachetui.tui.view.text import plain, width_of
from cachetui.tui.widgets.grid import Grid
from tests import make_records
from tests.findings.making import why
from tests.ragged_fleet import ragged_fleet
from tests.tui.driving import Driver, drive
from tests.tui.fake import FakeCore
from tests.tui.finding_examples import LABEL, OPEN, UMASK, findings
from tests.tui.test_findings import core

ALL = ("old", "mid", "new", "ctd")
AGAIN = Need(id="engine-differs", text="another audit", command="cachetui run api --as-found")
COST = "costs 41.5s once: the same build hits there afterwards"


def rows(d: Driver) -> list[object]:
    return list(d.app.screen.query_one("#matrix", Grid).rows)


# What is shown


def test_what_costs_most_stands_first_and_what_costs_nothing_is_left_out() -> None:
    found = findings(replace(UMASK, name="x:1", title="costs nothing", seconds=None))
    first = top_causes.most_costly(causes.by_cost(found), 3)
    shown = [plain(one.lines[0]).split() for one in top_causes.cause_lines(first, ALL, 100)]
    assert [words[:5] for words in shown] == [
        ["#1", "◉", "new", "+41.5s", "once"],
        ["#2", "●", "all", "hosts", "≤12.0s"],
        ["#3", "?", "mid", "+3.0s", "once"],
    ]
    free = (replace(UMASK, seconds=None),)
    assert top_causes.most_costly(free, 3) == [*free]


def below(shown: top_causes.Shown) -> str:
    """What stands below a cause, "" where nothing does."""
    return plain(shown.lines[1]).strip() if len(shown.lines) > 1 else ""


def test_each_cause_says_below_it_what_to_type_or_to_do() -> None:
    typed = replace(UMASK, commands=("ssh -n new chmod -R g-w /srv/api",))
    for width in (50, 78, 158):
        shown = top_causes.cause_lines((typed, LABEL, OPEN), ALL, width, (AGAIN,))
        assert all(width_of(line) <= width for one in shown for line in one.lines)
        assert below(shown[0]) == "$ ssh -n new chmod -R g-w /srv/api"
        assert below(shown[1]) == "→ Move line 2 to the end of its stage"
        lead = "$ to learn more of #3: " if width > 50 else "$ more of #3: "
        assert below(shown[2]) == f"{lead}cachetui run api --as-found"
        assert [one.typed for one in shown] == [True, False, True]


@pytest.mark.parametrize("width", [50, 78, 158])
@pytest.mark.parametrize(
    "commands", [("ssh -n new one", "true"), (f"ssh -n new {'x' * 200}",)], ids=["two", "too long"]
)
def test_no_part_of_what_is_to_be_typed_stands_there_as_if_it_were_all(
    commands: tuple[str, ...], width: int
) -> None:
    """What it does stands there instead, and the key to it."""
    (shown,) = top_causes.cause_lines((replace(UMASK, commands=commands),), ALL, width)
    assert below(shown).startswith("→ `chmod -R")
    assert " · w has " in below(shown)
    assert not shown.typed
    assert all(width_of(line) <= width for line in shown.lines)
    lines = causes.why_lines(replace(UMASK, commands=(f"for {'x ' * 600}",)), width, 6)
    assert "→ w has the command" in " ".join(" ".join(map(plain, lines)).split())


def test_of_two_ways_both_are_named_and_none_is_shown_or_copied() -> None:
    ways = ("if the build needs the newer image, put it on old and mid", "if not, put the older …")
    choice = (
        "newer image needed? put it on 2 hosts, else the older on new",
        "newer on 2, or older?",
    )
    loop = 'for h in old mid; do ssh -n "$h" one; done'
    either = replace(UMASK, commands=(loop, "ssh -n new other"), ways=ways, choice=choice)
    (shown,) = top_causes.cause_lines((either,), ALL, 78)
    assert below(shown) == f"→ {choice[0]} · w"
    assert not shown.typed
    assert top_causes.to_copy((either,)) == "", "which one is for the user to say"
    other = replace(UMASK, name="x:1", commands=("true",))
    told = "# context-mode-only:13 has more than one way: w shows them\n# x:1\ntrue"
    assert top_causes.to_copy((either, other)) == told
    (shown,) = top_causes.cause_lines((either,), ALL, 50)
    assert all(width_of(line) <= 50 for line in shown.lines)
    assert below(shown) == f"→ {choice[1]} · w has both ways"
    said = "\n".join(map(plain, causes.why_lines(either, 78, 12)))
    assert [word in said for word in (f"{ways[0]}:", f"{ways[1]}:", "other")] == [True] * 3


def test_what_a_command_does_to_hosts_stands_behind_it_and_is_copied_with_it() -> None:
    way = "put the image of old on new"
    one = replace(
        UMASK, commands=("ssh -n old save | ssh new load",), ways=(way,), choice=(way, "put it")
    )
    (shown,) = top_causes.cause_lines((one,), ALL, 78)
    assert below(shown) == f"$ {one.commands[0]}  {way}"
    (shown,) = top_causes.cause_lines((one,), ALL, 50)
    assert below(shown) == f"→ {way} · w"
    assert top_causes.to_copy((one,)) == f"# {one.name}: {way}\n{one.commands[0]}"


def test_one_command_that_tells_more_of_several_stands_once() -> None:
    """With what has to be done before, and for which of them."""
    first = Need(id="x", text="x", command=AGAIN.command, first="set context_on_host in hosts.toml")
    later = replace(AGAIN, id="evicted-or-never-built", of_misses=True)
    open_ones = [replace(OPEN, title=f"line {n} missed", suspects=()) for n in range(3)]
    open_ones[1] = replace(open_ones[1], suspects=("x",))
    for width, words in (
        (158, "to learn more of #1–#3: set context_on_host in hosts.toml for #2"),
        (100, "more of #1–#3: set context_on_host for #2"),
        (78, "#1–#3: set context_on_host for #2"),
    ):
        shown = top_causes.cause_lines(open_ones, ALL, width, (first, later))
        assert [below(one) for one in shown[:2]] == ["", ""]
        assert below(shown[2]) == f"→ {words}, then {AGAIN.command}"
    missed = [replace(each, scenarios=("buildkit-as-found",)) for each in open_ones]
    shown = top_causes.cause_lines(missed, ALL, 158, (replace(first, of_misses=True), later))
    wide = "set context_on_host in hosts.toml for #2, then when it misses again"
    assert below(shown[2]) == f"→ to learn more of #1–#3: {wide}, {AGAIN.command}"
    shown = top_causes.cause_lines(missed, ALL, 158, (later,))
    waits = f"→ to learn more of #1–#3: when it misses again, {AGAIN.command}"
    assert below(shown[2]) == waits, "the cache has what this audit built"
    shown = top_causes.cause_lines(open_ones, ALL, 40, (first, later))
    assert below(shown[2]) == "→ more of #1–#3: w says how"
    copied = f"# unexplained\n# unexplained: {first.first}\n{AGAIN.command}"
    assert top_causes.to_copy(open_ones, (first, later)) == copied


def test_what_is_copied_is_safe_in_a_shell_that_knows_no_comments() -> None:
    hostile = replace(UMASK, name="x:1 '; $(reboot) > y", commands=("true",))
    assert top_causes.to_copy((hostile, OPEN)) == "# x:1 __ __reboot_ _ y\ntrue"


def test_a_long_advice_ends_with_a_clause() -> None:
    advice = "Move line 2 to the end of its stage; or remove it and pass it when it is needed"
    (shown,) = top_causes.cause_lines((replace(LABEL, advice=advice),), ALL, 60)
    assert plain(shown.lines[1]).strip() == "→ Move line 2 to the end of its stage …"


def test_what_every_host_does_alike_is_not_why_a_step_missed() -> None:
    compiled = StepRef(2, 5)
    beside = replace(
        UMASK, id="parallel-not-disorder", name="parallel-not-disorder:14", steps=(compiled,)
    )
    found = Findings(findings=(beside, UMASK))
    where = Where(("new",), "buildkit-warm", (compiled,))
    assert causes.reason_at(found, where) == UMASK, "it names the step as a consequence"
    assert causes.reason_at(Findings(findings=(beside,)), where) == beside


def test_a_cell_has_the_finding_that_is_about_it() -> None:
    found = findings()
    assert causes.reason_at(found, Where(("new",), "buildkit-warm")) == UMASK
    assert causes.reason_at(found, Where(("mid",), "buildkit-warm")) == OPEN
    assert causes.reason_at(found, Where(("mid",), "legacy-warm")) == LABEL
    assert causes.reason_at(found, Where(("mid",), None)) == LABEL
    assert causes.reason_at(found, Where(("old",), "buildkit-warm")) is None
    assert causes.reason_at(None, Where(("new",), "buildkit-warm")) is None


def test_a_step_has_the_finding_that_names_it_as_a_cause() -> None:
    cheap = replace(UMASK, name="y:1", steps=(StepRef(2, 5),), consequences=(), seconds=0.1)
    found = findings(cheap)

    def at(*ref: int) -> object:
        step = StepRef(*ref)
        return causes.reason_at(found, Where(("new",), "buildkit-warm", (step,)))

    assert at(2, 4) == UMASK
    assert at(2, 5) == cheap
    assert at(0, 1) is None


@pytest.mark.parametrize("height", range(1, 14))
@pytest.mark.parametrize("width", [36, 78, 158])
def test_a_finding_fits_its_room_and_says_what_to_do_before_its_evidence(
    width: int, height: int
) -> None:
    lines = causes.why_lines(UMASK, width, height)
    assert len(lines) <= height
    assert all(width_of(line) <= width for line in lines[1:])
    text = "\n".join(map(plain, lines))
    if height >= 3:
        assert "41.5s" in text
        assert "chmod -R g-w" in text
    assert ("210 more" in text) or height < 12 or width < 40


@given(
    height=some.integers(1, 80),
    above=some.integers(1, 10),
    matrix=some.integers(1, 300),
    explained=some.booleans(),
    told=some.booleans(),
)
def test_the_parts_of_fleet_fill_the_screen(
    height: int, above: int, matrix: int, explained: bool, told: bool
) -> None:
    parts = fleet_heights.share(height, above, matrix, explained=explained, told=told)
    room = max(1, height - fleet_heights.FRAME - above)
    assert parts.matrix + parts.facts + parts.why + parts.steps == room
    assert min(parts.matrix, parts.facts, parts.why, parts.steps) >= 0
    assert parts.matrix >= min(room, 3)
    if height >= fleet_heights.SHORT and explained:
        assert parts.why >= (2 if told or above > 6 else 5)
    if not explained:
        assert parts.why == 0


def test_a_title_that_does_not_fit_says_how_many_hosts_it_is_about() -> None:
    hosts = tuple(f"ci-{number}" for number in range(1, 80, 3))
    few, many = host_names(hosts), host_names([f"ci-{number}" for number in range(2, 200, 3)])
    reason = replace(UMASK, hosts=hosts, title=f"base:1 is another image on {few} than on {many}")
    assert title_of(reason, 300) == reason.title
    assert title_of(reason, 80) == "base:1 is another image on 27 hosts than on 66 hosts"
    named = replace(reason, hosts=hosts[:5], title=f"line 2 missed on {host_names(hosts[:5])}")
    assert title_of(named, 20) == "line 2 missed on 5 hosts"
    two = replace(reason, hosts=("new", "old"), title="line 2 missed on new and old")
    assert title_of(two, 10) == two.title, "names that are told one by one stay"


# In the app


@pytest.mark.parametrize("size", [(80, 24), (160, 50)])
def test_fleet_says_who_why_how_much_and_what_to_do(size: tuple[int, int]) -> None:
    async def story(d: Driver) -> None:
        await d.see("1 ◉", "new        +41.5s once", "all hosts  ≤12.0s per change")
        await d.see("mid        +3.0s once or more", "→ Move line 2 to the end of its stage")
        await d.see(COST, "chmod -R g-w /srv/api", "w Why", "≠ #1 new")
        assert rows(d)[0] == "new"
        cursor = d.app.screen.query_one("#matrix", Grid).cursor
        assert cursor == ("new", "buildkit-warm")

    drive(story, core(), size=size)


@pytest.mark.parametrize("size", [(80, 24), (160, 50)])
def test_of_200_ragged_hosts_the_first_look_says_who_why_how_much_and_what_to_do(
    size: tuple[int, int],
) -> None:
    document = ragged_fleet()

    async def story(d: Driver) -> None:
        await d.see("81 of 193 differ: 1 cause, 3 unexplained. 39 hosts paid most: ≤7.0s once")
        await d.see("39 hosts  ≤7.0s once, paid", "base:1 is ")
        await d.see("11 hosts  +6.0s once or more", "line 2")
        await d.see(
            "→ put the newest on 172 (~7.0s), or oldest on 39 (≤7.0s), or leave it · w"
            if size[0] == 80
            else "→ images differ: put the newest on 172 hosts (about 7.0s each) if needed, else",
            "#2–#4: set context_on_host for #3, next time cachetui run api --as-found"
            if size[0] == 80
            else "in hosts.toml for #3, then when it misses again, cachetui run api --as-found",
        )
        cost = "≤7.0s once, paid" if size[0] == 80 else "costs on each host up to 7.0s with the leg"
        await d.see(f"WHY ◉ likely · {cost}")
        if size[0] > 80:
            await d.see("One question decides: does the build need what is newer in base:1?")
            await d.see("To leave it as it is")
        await d.press("down", "down")
        cost = "+6.0s once or more" if size[0] == 80 else "costs on each host 6.0s with each"
        await d.see(f"? unexplained · {cost}")
        await d.see("to learn more: the next audit of")
        await d.press("y")
        assert d.app.clipboard.splitlines() == [
            "# base-drift:1 has more than one way: w shows them",
            "# unexplained",
            "# unexplained: set context_on_host in hosts.toml",
            "cachetui run api --as-found",
        ]

    fleet = FakeCore(document)
    fleet.found = why(document)
    drive(story, fleet, size=size)


@pytest.mark.parametrize("size", [(80, 24), (160, 50)])
def test_the_first_look_has_up_to_four_causes_and_a_key_of_its_signs(size: tuple[int, int]) -> None:
    document = ragged_fleet()

    async def story(d: Driver) -> None:
        await d.see("16 hosts  +4.0s once or more", "line 4")
        await d.see("✓ hit  ◐ some hit  ○ miss")
        await d.see("≤ up to  ≠ odd")

    fleet = FakeCore(document)
    fleet.found = why(document)
    drive(story, fleet, size=size)


def test_the_command_of_the_cause_is_copied_whole() -> None:
    document = ragged_fleet()
    fleet = FakeCore(document)
    fleet.found = why(document)
    drift = next(one for one in fleet.found.findings if one.id == "base-drift")

    async def story(d: Driver) -> None:
        await d.press("w")
        await d.see("To type · y copies the first way", "if the build needs the newest image")
        await d.press("y")
        assert d.app.clipboard == "\n".join(drift.commands[:2]), "of both platforms"
        await d.press("1", "h")
        await d.press("y")
        assert d.app.clipboard.startswith("ci-2 ci-5 "), "the hosts of the row"

    drive(story, fleet, size=(80, 24))


def test_the_cause_follows_the_cursor_and_leads_to_its_finding() -> None:
    async def story(d: Driver) -> None:
        await d.see(COST)
        await d.press("j")
        await d.see("WHY ? unexplained", "could be: engine-differs")
        await d.press("w")
        await d.place("findings")
        assert d.app.screen.reason == OPEN  # type: ignore[attr-defined]

    drive(story, core())


def test_where_nothing_is_odd_nothing_is_explained() -> None:
    async def story(d: Driver) -> None:
        await d.see(COST)
        await d.press("G", "h")
        await d.see("nothing to explain: what missed here was expected")

    drive(story, core())


def test_a_host_that_hit_shows_why_others_did_not() -> None:
    async def story(d: Driver) -> None:
        await d.see(COST)
        await d.press("G")
        await d.see("WHY ◉ likely", "not on ctd, which differs")

    drive(story, core())


def test_without_findings_each_side_is_told() -> None:
    async def story(d: Driver) -> None:
        await d.see("≠ mid is the odd one out", "✓ HIT on old, new, ctd · ○ MISS on mid")
        assert "WHY" not in d.text()

    drive(story, FakeCore(make_records.odd_one_out()))


def broken(document: object) -> Findings:
    del document
    raise OSError("the disk is gone")


def test_findings_that_cannot_be_told_stop_nothing() -> None:
    made = core()
    made.findings = broken  # type: ignore[method-assign]

    async def story(d: Driver) -> None:
        await d.see("✓ old")
        await d.press("w")
        await d.see("the disk is gone")

    drive(story, made)


@pytest.mark.parametrize("deeper", [0, 1])
def test_a_step_says_why_and_leads_to_its_finding(deeper: int) -> None:
    async def story(d: Driver) -> None:
        await d.see(COST)
        await d.press("enter")
        await d.place("compare")
        await d.press(*["enter"] * deeper)
        await d.place(["compare", "step"][deeper])
        await d.see("WHY ◉ +41.5s once line 13 sees the same files")
        await d.press("w")
        await d.place("findings")
        assert d.app.screen.reason == UMASK  # type: ignore[attr-defined]

    drive(story, core())


def test_findings_of_another_audit_are_not_told_of_a_run() -> None:
    made = core()
    older = replace(make_records.document(), audit="day-1")
    made.store.documents["day-1"] = older

    async def story(d: Driver) -> None:
        await d.see(COST)
        session = d.app.session
        session.documents["day-1"] = older
        session.choose((Pick("day-1", "new", "buildkit-warm"),))
        step = make_records.run("new", "buildkit-warm").steps[-1]
        open_step(d.app, step.id)
        await d.place("step")
        await d.see(step.instruction[:10])
        assert "WHY" not in d.text()

    drive(story, made)


def test_one_of_two_ways_is_copied() -> None:
    ways = ("either", "or", "or")
    typed = [Typed("one", way=way) for way in ways]
    assert copies(typed) == "copies the first way"
    assert copies(typed[1:]) == "copies both commands"
    assert [one.text for one in first_way(typed)] == ["one"]
